"""Three sample customers and what happens at each, day by day: what `stageplay demo` tells through the signed endpoint.

Days and times are local to the customer; day 0 is the day of the signup. Every happening keeps half a day's distance
from the deadlines of the playbook, so that no slow machine turns one outcome into the other.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

STARTS_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""Monday morning, Berlin 10:00, in a fortnight without a public holiday at any of the three."""


@dataclass(frozen=True)
class Happening:
    """An event of the API on `day` at `at` (HH:MM, local)."""

    day: int
    at: str
    type: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def instant(self, zone: str) -> datetime:
        """When it happens, in the customer's time."""
        local = ZoneInfo(zone)
        on = STARTS_AT.astimezone(local).date() + timedelta(days=self.day)
        return datetime.combine(on, time.fromisoformat(self.at), local).astimezone(UTC)


@dataclass(frozen=True)
class Story:
    """A customer of the demo.

    `presses_as`: Slack id of the CSM who approves what `approves` names; empty: approvals expire unanswered. `expects`:
    steps that must have fired, or have become the task that an expired approval leaves. `starts_at`: None: now.
    `about`: the playbooks whose plays are the story; what begins in a later stage goes on beyond its end.
    """

    id: str
    name: str
    tier: str
    touch: str
    zone: str
    country: str
    arr: int
    champion: str
    contacts: tuple[Mapping[str, Any], ...]
    happenings: tuple[Happening, ...]
    expects: tuple[str, ...]
    plot: str
    team: Mapping[str, str] = field(default_factory=dict)
    journey: str = "standard"
    segment: str = ""
    starts_at: datetime | None = STARTS_AT
    presses_as: str = ""
    approves: tuple[str, ...] = ()
    about: tuple[str, ...] = ("onboarding-14-day", "onboarding-emails")

    def of_round(self, number: int) -> "Story":
        """The same story for the customer of a later round, who bears its number in the name."""
        return self if number == 1 else replace(self, name=f"{self.name} {number}")

    def signup_envelope(self, outer_id: str, day_seconds: float) -> str:
        """The signup event, without its signature."""
        return json.dumps({"type": "customer.signed_up", "data": self._signup(outer_id, day_seconds)})

    def _signup(self, outer_id: str, day_seconds: float) -> dict[str, Any]:
        customer = {"id": outer_id, "name": self.name, "tier": self.tier, "journey": self.journey, "touch": self.touch}
        customer |= {"zone": self.zone, **({"country": self.country} if self.country else {})}
        customer |= {"segment": self.segment} if self.segment else {}
        start = self.starts_at and self.starts_at.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%dT%H:%M")
        return {
            "customer": {**customer, "arr": self.arr},
            "contacts": [dict(contact) for contact in self.contacts],
            "team": dict(self.team),
            "rehearsal": {"day_seconds": day_seconds, "start": start},
        }

    def envelopes(self, outer_id: str) -> Iterator[tuple[datetime, str]]:
        """Instant (customer's time) and body of every happening, in order; ids are the same whenever it is told."""
        for number, happening in enumerate(self.happenings):
            data = {"customer": outer_id, **happening.data}
            yield (
                happening.instant(self.zone),
                json.dumps({"type": happening.type, "id": f"{outer_id}-{number}", "data": data}),
            )


def _facts(day: int, at: str, **facts: float) -> Happening:
    return Happening(day, at, "facts.reported", {"facts": {k.replace("__", "."): v for k, v in facts.items()}})


def _answer(day: int, at: str, email: str, score: int) -> Happening:
    data = {"survey": "nps", "contact": {"email": email}, "score": score}
    return Happening(day, at, "survey.answered", data)


def _person(name: str, email: str, *roles: str) -> dict[str, Any]:
    return {"name": name, "email": email, "roles": list(roles)}


NORTHWIND = Story(
    id="northwind",
    name="Northwind Freight",
    tier="enterprise",
    touch="high",
    zone="Europe/Berlin",
    country="DE",
    arr=120_000,
    champion="Lena Vogt",
    plot="goes well; the CSM approves",
    presses_as="U0MARA",
    approves=("kickoff", "training", "graduation"),
    team={"csm": "mara@stageplay.example.com"},
    contacts=(
        _person("Lena Vogt", "lena.vogt@northwind.example.com", "champion"),
        _person("Jonas Brandt", "jonas.brandt@northwind.example.com", "executive_sponsor"),
    ),
    happenings=(
        Happening(0, "14:00", "access.given"),
        Happening(1, "15:00", "sso.requested"),
        Happening(2, "12:00", "kickoff.scheduled"),
        Happening(3, "12:00", "kickoff.held"),
        Happening(3, "16:00", "api.connected"),
        Happening(4, "09:30", "sso.configured"),
        _facts(5, "11:00", users__invited=24, users__logged_in_share=0.5),
        _facts(6, "12:00", users__logged_in_share=0.92),
        Happening(6, "14:00", "insight.named"),
        Happening(7, "13:00", "training.held"),
        Happening(8, "10:00", "integration.live"),
        _facts(11, "12:00", usage__core_features=4),
        _answer(15, "11:00", "lena.vogt@northwind.example.com", 9),
    ),
    expects=("welcome", "kickoff", "setup-guide", "training", "first-insight", "graduation", "nps", "nps-reference"),
)

BLUEFIN = Story(
    id="bluefin",
    name="Bluefin Analytics",
    tier="pro",
    touch="mid",
    zone="America/New_York",
    country="US",
    arr=28_000,
    champion="Marcus Hale",
    plot="misses the technical setup; nobody answers approvals",
    team={"csm": "dana@stageplay.example.com"},
    contacts=(_person("Marcus Hale", "marcus.hale@bluefin.example.com", "champion", "admin"),),
    happenings=(
        Happening(0, "13:00", "access.given"),
        _facts(6, "10:00", users__invited=9, users__logged_in_share=0.89),
        Happening(6, "15:00", "insight.named"),
        Happening(8, "11:00", "api.connected"),
        _facts(12, "12:00", usage__core_features=3),
        _answer(15, "16:00", "marcus.hale@bluefin.example.com", 7),
    ),
    expects=("welcome", "setup-guide", "setup-blocked", "setup-unblock", "first-insight", "nps", "nps-interview"),
)

KUMO = Story(
    id="kumo",
    name="Kumo Design",
    tier="team",
    touch="low",
    zone="Asia/Tokyo",
    country="JP",
    arr=3_600,
    champion="Aiko Mori",
    plot="no telemetry; answers the survey with a 4",
    contacts=(_person("Aiko Mori", "aiko.mori@kumo.example.com", "champion"),),
    happenings=(_answer(16, "10:00", "aiko.mori@kumo.example.com", 4),),
    expects=(
        "welcome",
        "setup-blocked",
        "logins-missing",
        "value-missing",
        "nps",
        "nps-detractor",
        "nps-recovery",
        "tips",
    ),
)

STORIES = (NORTHWIND, BLUEFIN, KUMO)
