"""The coming days of the live customers: what they get, what it asks of each teammate, and who has more than they can
take.

Each customer goes on from its state: the workflow's own where it answered, else the last one stored with the events
that came since. The assumed answers are those of a simulation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from authoring.futures import Future, play_all
from authoring.lives import Start, World, from_state
from authoring.people import Told
from authoring.team import Person
from lifecycle.model import State

Source = Literal["workflow", "snapshot"]
LIMITED = {"approval": "approvals_a_day", "task": "tasks_a_day"}
"""Kind of work to what limits it in the team file."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A live customer as known. `source`: who said so; `state.as_of` says when. `since`: events accepted after it."""

    name: str
    state: State
    source: Source
    since: tuple[Told, ...] = ()

    @property
    def start(self) -> Start:
        """Where its simulation begins."""
        events = tuple((max(at, self.state.as_of), event) for at, event in self.since)
        return from_state(self.state, self.name, events)


@dataclass(frozen=True, slots=True)
class Warned:
    """A teammate has more of a kind of work on a day than the capacity in the team file."""

    teammate: str
    name: str
    on: date
    kind: str
    count: int
    capacity: int

    def __str__(self) -> str:
        day = f"{self.on:%A} {self.on.day} {self.on:%B}"
        return f"{self.name} has {self.count} {self.kind}s on {day}, capacity {self.capacity}"


@dataclass(frozen=True, slots=True)
class Forecast:
    """`unknown`: customers, by name, of whom no state is known: they are not in the figures."""

    future: Future
    people: Mapping[str, Person]
    warnings: tuple[Warned, ...]
    standings: tuple[Standing, ...]
    unknown: tuple[str, ...] = ()

    def name(self, teammate: str) -> str:
        """How people call a teammate; the id of one who left the team file."""
        return self.people[teammate].name if teammate in self.people else teammate


def forecast(
    world: World,
    standings: Sequence[Standing],
    people: Sequence[Person],
    *,
    unknown: Sequence[str] = (),
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Forecast:
    """Play the live customers through the period of `world`."""
    starts = (standing.start for standing in standings)
    future = play_all(world, starts, processes=processes, progress=progress)
    known = {person.id: person for person in people}
    return Forecast(future, known, tuple(_warnings(future, known)), tuple(standings), tuple(unknown))


def _warnings(future: Future, people: Mapping[str, Person]) -> list[Warned]:
    """By day, then by name."""
    found = []
    for (who, on, kind), count in future.tally.load.items():
        person = people.get(who)
        capacity = getattr(person.capacity, LIMITED[kind]) if person and kind in LIMITED else 0
        if person is not None and 0 < capacity < count:
            found.append(Warned(who, person.name, on, kind, count, capacity))
    return sorted(found, key=lambda item: (item.on, item.name, item.kind))


def freshness(found: Forecast) -> str:
    """How fresh the states are that the forecast goes on from, in one line."""
    asked = [item for item in found.standings if item.source == "workflow"]
    stored = [item for item in found.standings if item.source == "snapshot"]
    parts = [f"{len(asked):,} of {len(found.standings):,} customers as their workflow says now"] if asked else []
    if stored:
        oldest = min(item.state.as_of for item in stored)
        events = sum(len(item.since) for item in stored)
        parts.append(
            f"{len(stored):,} from the last stored state and {events:,} events since, "
            f"the oldest of {oldest:%a %d %b %Y %H:%M} UTC"
        )
    if found.unknown:
        parts.append(f"{len(found.unknown):,} not known and left out: {', '.join(found.unknown[:5])}")
    return "; ".join(parts) or "there is no live customer"


def to_json(found: Forecast) -> dict[str, Any]:
    """As plain JSON data; days are ISO dates, sorted."""
    tally = found.future.tally
    return {
        "since": found.future.since.isoformat(timespec="seconds"),
        "until": found.future.until.isoformat(timespec="seconds"),
        "assumed": found.future.assumed,
        "seed": found.future.seed,
        "customers": [
            {
                "customer": item.state.customer,
                "name": item.name,
                "source": item.source,
                "as_of": item.state.as_of.isoformat(timespec="seconds"),
                "events_since": len(item.since),
            }
            for item in found.standings
        ],
        "unknown": list(found.unknown),
        "sends": [{"on": on.isoformat(), "kind": kind, "count": n} for (on, kind), n in sorted(tally.sends.items())],
        "load": [
            {
                "teammate": who,
                "name": found.name(who),
                "on": on.isoformat(),
                "kind": kind,
                "count": n,
                "capacity": _capacity(found, who, kind),
            }
            for (who, on, kind), n in sorted(tally.load.items())
        ],
        "warnings": [
            {
                "teammate": item.teammate,
                "on": item.on.isoformat(),
                "kind": item.kind,
                "count": item.count,
                "capacity": item.capacity,
                "text": str(item),
            }
            for item in found.warnings
        ],
    }


def _capacity(found: Forecast, who: str, kind: str) -> int | None:
    """None where the team file does not say."""
    person = found.people.get(who)
    return getattr(person.capacity, LIMITED[kind]) or None if person and kind in LIMITED else None
