"""An office at work on real parts: store, core, the activity with its outbox. Workflows are played by `Floor`, which
does with the core what they do; time stands still between the steps.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import func, select
from temporalio.testing import ActivityEnvironment

import settings
from activities.delivery import Delivery
from activities.perform import Performer
from authoring.simulate import Library
from cli import apply as applying
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from lifecycle import touches, trace
from lifecycle.commands import Command
from lifecycle.engine import begin, next_due, step
from lifecycle.jsonform import decode_union, encode
from lifecycle.messages import BatchSettled, DueReached, Effect, Event, SignedUp
from lifecycle.model import State, state_to_json
from store import inbox, meetings, outbox, pages, releases, tables
from store.database import Database, now, open_database
from store.releases import DatabaseReleases
from workflows.interface import Batch, PlayInfo

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
CARE = """playbook: care
title: Care
owner: csm
trigger: { stage: new }
steps:
  - id: kickoff
    day: 0
    at: "11:00"
    invite:
      { to: [champion, csm], template: onboarding/kickoff, when: "day 3 between 10:00 and 20:00", length: 15 minutes }
  - id: plan
    day: 0
    at: "11:00"
    task: { to: csm, title: "Plan for {{ customer.name }}", due: 5 business days }
  - id: offer
    day: 2
    at: "09:00"
    approval: { by: csm, within: 6 business hours, ahead: 1 day }
    email: { to: champion, template: sequence/quick-win }
  - id: later
    day: 7
    at: "09:00"
    email: { to: champion, template: sequence/check-in }
"""
CALL = """playbook: call
title: A call
owner: csm
trigger: { stage: new }
steps:
  - id: training
    day: 0
    at: "11:00"
    invite:
      { to: [champion, csm], template: onboarding/training, when: "day 4 between 10:00 and 20:00", length: 15 minutes }
"""
LIFECYCLE = """lifecycle: standard
default_zone: Europe/Berlin
stages:
  - { stage: new, owner: csm, days: 0 }
  - { stage: onboarding, owner: csm, days: 1-14 }
  - { stage: adoption, owner: csm, days: 15-60 }
  - { stage: value, owner: csm, days: 61-180 }
  - { stage: expansion, owner: csm, days: 181+ }
politeness: { per_day: 1, per_week: 4, quiet: "20:00-08:00", stale_after: 3 business days, spread: 30 minutes }
business_hours: { days: mon-fri, hours: "09:00-17:00", country: DE }
holidays: { countries: [DE], years: 2025-2030 }
roles:
  csm: [cs_manager, founder]
  cs_associate: [csm, cs_manager, founder]
  implementation_specialist: [csm, founder]
  cs_manager: [founder]
  support: [cs_manager, founder]
  ae: [founder]
  founder: []
managers: [cs_manager, founder]
"""
PERSON = "  - {{ id: {0}, name: {1}, email: {0}@stageplay.example.com, zone: Europe/Berlin, roles: [{2}]{3} }}\n"
HOLIDAY = ", away: [{ from: 2026-03-03, until: 2026-03-13, stand_in: dana }]"
ROOM = ", meeting_url: https://meet.example.com/{0}"
TEAM = "people:\n" + "".join(
    PERSON.format(*line)
    for line in (
        ("mara", "Mara Lindqvist", "csm", f", capacity: {{ accounts: 3-4 }}{HOLIDAY}{ROOM.format('mara')}"),
        ("dana", "Dana Whitfield", "csm", f", capacity: {{ accounts: 3-4 }}{ROOM.format('dana')}"),
        ("omar", "Omar Nasser", "csm", ", capacity: { accounts: 8 }"),
        ("ruth", "Ruth Amsel", "founder", ""),
    )
)


@dataclass
class Floor:
    """Every customer's workflow, played by hand. `clock`: real time, which is the customers' own."""

    db: Database
    clock: FrozenDateTimeFactory
    library: Any
    performer: Performer
    states: dict[str, State] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)

    def now(self) -> datetime:
        return now()

    def move_to(self, at: datetime) -> None:
        """Let time pass, and everybody do what is due."""
        self.clock.move_to(at)
        self.work()

    def work(self) -> None:
        """Deliver what was accepted, and do what is due by now."""
        with self.db.read() as c:
            ids = list(c.execute(select(tables.customers.c.id).order_by(tables.customers.c.id)).scalars())
        for name in ids:
            self._reach(name)
            with self.db.read() as c:
                rows = inbox.undelivered(c, name)
            for row in rows:
                self._take(name, decode_union(Event, row.event), row.seq)
                with self.db.begin() as c:
                    inbox.delivered(c, name, row.seq, None)

    def _reach(self, name: str) -> None:
        while name in self.states and (due := next_due(self.library, self.states[name])) is not None:
            if due > self.now():
                return
            self._step(name, DueReached(), due)

    def _take(self, name: str, event: Event, seq: int) -> None:
        if isinstance(event, SignedUp):
            with self.db.read() as c:
                current = str(releases.current(c))
            self.states[name] = begin(name, current, event, now=self.now(), spread=False)
        self._step(name, event, self.now())
        self.states[name] = replace(self.states[name], seq=seq)

    def _step(self, name: str, event: Event, at: datetime, issued: tuple[Command, ...] = ()) -> None:
        outcome = step(self.library, self.states[name], event, now=at, issued=issued)
        self.states[name] = outcome.state
        if outcome.commands:
            effects = self._perform(name, outcome.commands)
            self._step(name, BatchSettled(effects, len(outcome.state.records)), at, outcome.commands)

    def _perform(self, name: str, commands: tuple[Command, ...]) -> tuple[Effect, ...]:
        state = self.states[name]
        self.numbers[name] += 1
        summary = {"stage": state.stage, "band": "", "tier": "pro", "overdue": False, "held": "", "next_due": None}
        summary |= {"catalogue": state.catalogue, "seq": state.seq, "as_of": state.as_of.isoformat()}
        wanted = {touches.read(command.touch).play for command in commands}
        plays = {
            play.key: PlayInfo(anchor=play.anchor.isoformat(), zone=play.zone, about=play.about)
            for play in state.plays
            if play.key in wanted
        }
        batch = Batch(
            customer=name,
            number=self.numbers[name],
            commands=[encode(command) for command in commands],
            decisions=[trace.to_row(item) for item in state.records],
            plays=plays,
            summary=summary,
            snapshot=state_to_json(state),
            log="",
        )
        told = asyncio.run(ActivityEnvironment().run(self.performer.perform, batch))["effects"]
        assert told == []
        return tuple(Effect(command.touch, "sent") for command in commands)

    # --- what is open -------------------------------------------------------------------------------------------------

    def open_of(self, teammate: str) -> tuple[int, int, int]:
        """A teammate's open approvals, open tasks and meetings to come."""
        with self.db.read() as c:
            page = pages.inbox_page(c, teammate)
            held = [
                one
                for name in self.states
                for one in meetings.to_come(c, name, self.now())
                if teammate == one.organizer and teammate in one.guests
            ]
        return len(page.approvals), len(page.tasks), len(held)

    def sent(self, kind: outbox.Kind, since: int = 0) -> list[outbox.Entry]:
        """Kept messages after one, the oldest first."""
        with self.db.read() as c:
            return [item for item in reversed(outbox.entries(c, 5000, kind)) if item.id > since]

    def last(self) -> int:
        with self.db.read() as c:
            return int(c.execute(select(func.coalesce(func.max(tables.outbox.c.id), 0))).scalar_one())


@contextmanager
def working(path: Path, folder: Path) -> Iterator[Floor]:
    """Monday morning on a migrated database, the playbooks written into `folder` and applied, and nobody there yet."""
    folder.mkdir()
    shutil.copy(settings.HERE / "playbooks" / "facts.yaml", folder / "facts.yaml")
    for name, text in (("lifecycle", LIFECYCLE), ("care", CARE), ("call", CALL), ("team", TEAM)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    db = open_database(f"sqlite:///{path}")
    pages_at = "https://x.example.com"
    delivery = Delivery(pages_at, "us@x.example.com", "X", "1 Street", pages_at, "k" * 32)
    with freeze_time(MONDAY, real_asyncio=True) as clock:
        assert isinstance(clock, FrozenDateTimeFactory)
        compiled = applying.compiled(folder, settings.HERE / "templates")
        applying.make_current(db, compiled, "playbooks")
        performer = Performer(db, DatabaseReleases(db, None), delivery)
        yield Floor(db, clock, Library(compiled.releases), performer)
    db.close()


def opened(floor: Floor, number: int) -> Floor:
    """Tuesday, 10:30 in Berlin: so many customers of Mara, who has been away since this morning."""
    intake = Intake(floor.db, Lifecycles(), allow_rehearsal=False)
    for nth in range(number):
        intake.take(signup(f"c{nth:02}"))
    floor.work()
    floor.move_to(MONDAY + timedelta(hours=2))
    floor.move_to(datetime(2026, 3, 3, 9, 30, tzinfo=UTC))
    return floor


def signup(name: str, csm: str = "mara@stageplay.example.com") -> Inbound:
    """A customer's signup, who asks for a CSM."""
    customer = {"id": name, "name": f"Customer {name}", "tier": "pro", "zone": "Europe/Berlin", "arr": 12_000}
    contact = {"email": f"ada@{name}.example.com", "name": "Ada Ek", "roles": ["champion"]}
    data = {"customer": customer, "contacts": [contact], "team": {"csm": csm} if csm else {}}
    return Inbound("api", "customer.signed_up", f"signup-{name}", data)
