"""How the dashboard writes instants, ids and texts: the filters of its templates.

Instants are shown in the customer's zone, because that is where the touch happens.
"""

import html
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from activities.variables import title_of
from store.team import Person

_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")
_BOLD = re.compile(r"\*([^*\n]+)\*")
_MINUTE = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d \d\d:\d\d(?!\d)")


class _Dated(Protocol):
    @property
    def at(self) -> datetime: ...


D = TypeVar("D", bound=_Dated)


def local(at: datetime, zone: str) -> str:
    """`Mon 2 Mar 2026, 09:00` in the zone."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b %Y, %H:%M}"


def clock(at: datetime, zone: str) -> str:
    """`09:00` in the zone."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def zoned(reason: str, zone: str) -> str:
    """A reason whose wall times say where they are: `until 2026-03-04 13:00 Europe/Berlin`."""
    return _MINUTE.sub(lambda found: f"{found[0]} {zone}", reason)


def filled(written: str, places: Mapping[str, str]) -> str:
    """A preview's text with what is known so far in the places that are filled in at sending."""
    for place, value in places.items():
        written = written.replace(place, value)
    return written


def measure(value: Any, unit: str = "") -> str:
    """A fact's value for people: `yes`, `1,200 seats`; what was reported as unknown as such."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    shown = f"{value:,}" if isinstance(value, int | float) else str(value)
    return f"{shown} {unit}".rstrip()


def dated(day: date) -> str:
    """`2 Mar 2026`."""
    return f"{day.day} {day:%b %Y}"


def day(at: datetime, zone: str) -> str:
    """`2 Mar 2026`: the day that it is in the zone."""
    return dated(at.astimezone(ZoneInfo(zone)).date())


def iso(at: datetime) -> str:
    """For `<time datetime>`."""
    return at.isoformat(timespec="seconds")


def instant(written: str) -> datetime:
    """An instant out of a decision's public JSON."""
    return datetime.fromisoformat(written)


def people(ids: str | Sequence[str], names: Mapping[str, str]) -> str:
    """Names for ids of teammates and contacts; roles, and people who are gone, as words."""
    wanted = [part.strip() for part in ids.split(",")] if isinstance(ids, str) else ids
    return ", ".join(names.get(one, one.replace("_", " ")) for one in wanted)


def by_day(items: Iterable[D], zone: str) -> list[tuple[str, list[D]]]:
    """Items of one local day together, in the order they come: `Monday 2 March 2026`."""

    def on(item: D) -> str:
        there = item.at.astimezone(ZoneInfo(zone))
        return f"{there:%A} {there.day} {there:%B %Y}"

    return [(name, list(group)) for name, group in itertools.groupby(items, key=on)]


def by_person(team: Mapping[str, Person]) -> list[tuple[Person, list[str]]]:
    """Each person of a team once, by name, with all their roles."""
    found: dict[str, tuple[Person, list[str]]] = {}
    for role, person in sorted(team.items()):
        found.setdefault(person.id, (person, []))[1].append(role)
    return sorted(found.values(), key=lambda item: (item[0].name, item[0].id))


def pretty(value: Any) -> str:
    """JSON for people."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def mrkdwn(text: str) -> Markup:
    """Slack's text as HTML: bold, quoted lines, and links as their words. Everything else is escaped, once."""
    plain = html.unescape(_LINK.sub(r"\2", text))
    lines = []
    for line in plain.split("\n"):
        quoted = line.startswith("> ")
        bold = _BOLD.sub(r"<b>\1</b>", str(escape(line[2:] if quoted else line)))
        lines.append(f"<blockquote>{bold}</blockquote>" if quoted else f"{bold}\n")
    return Markup("".join(lines))  # noqa: S704 - each line was escaped above


FILTERS = {
    "local": local,
    "clock": clock,
    "dated": dated,
    "day": day,
    "iso": iso,
    "zoned": zoned,
    "filled": filled,
    "measure": measure,
    "instant": instant,
    "words": title_of,
    "people": people,
    "by_day": by_day,
    "by_person": by_person,
    "json": pretty,
    "mrkdwn": mrkdwn,
}
