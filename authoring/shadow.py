"""A release that runs beside the live one and sends nothing: what really happened since it began, through the pure core
with both catalogues, and the decisions that differ. Nothing live is asked and nothing is stored.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authoring.people import Told
from authoring.simulate import Library
from lifecycle.course import Course, Run
from lifecycle.messages import CatalogueApplied
from lifecycle.model import Decision, State

NAMED = 5
Key = tuple[str, str, str, str]
"""A decision as the sides are compared: playbook, step, what, verdict."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A customer since the shadow began: where it stood, and what was accepted since, at its own instants."""

    name: str
    state: State
    events: tuple[Told, ...]


@dataclass(slots=True)
class Shadow:
    """How the decisions of two catalogues differ. `live`, `shadow`: how many were made on one side only; `names`: the
    first customers of each.
    """

    customers: int = 0
    differ: int = 0
    live: Counter[Key] = field(default_factory=Counter)
    shadow: Counter[Key] = field(default_factory=Counter)
    names: dict[Key, list[str]] = field(default_factory=dict)


def compare(library: Library, event: CatalogueApplied, seen: Iterable[Seen], *, until: datetime) -> Shadow:
    """Replay every customer with the catalogue it has and with that of the event, up to an instant."""
    found = Shadow()
    for item in seen:
        old, new = _decided(library, item, None, until), _decided(library, item, event, until)
        found.customers += 1
        found.differ += old != new
        for side, count in ((found.live, old - new), (found.shadow, new - old)):
            for (_, *rest), number in count.items():
                key: Any = tuple(rest)
                side[key] += number
                names = found.names.setdefault(key, [])
                if item.name not in names and len(names) < NAMED:
                    names.append(item.name)
    return found


def _decided(
    library: Library, item: Seen, event: CatalogueApplied | None, until: datetime
) -> Counter[tuple[datetime, str, str, str, str]]:
    run = Run(Course(library, item.state))
    run.told = {name: fact.value for name, fact in item.state.facts.items()}
    if event is not None:
        run.hear(event, item.state.as_of)
    for at, told in item.events:
        run.reach(max(at, item.state.as_of))
        run.hear(told, max(at, run.course.state().as_of))
    run.reach(until)
    return Counter(_key(decision) for decision in run.decisions if decision.what != "play" or decision.step)


def _key(item: Decision) -> tuple[datetime, str, str, str, str]:
    return item.at, item.playbook, item.step, item.what, item.verdict


def to_text(found: Shadow) -> str:
    """For the screen: the most frequent differences first."""
    lines = [f"{found.differ:,} of {found.customers:,} customers would have seen other decisions."]
    for title, side in (("only live", found.live), ("only in the shadow", found.shadow)):
        for key, number in sorted(side.items(), key=lambda item: (-item[1], item[0])):
            playbook, step, what, verdict = key
            place = f"{playbook}/{step}" if step else playbook
            lines.append(f"  {title}: {number:,} x {place} {what} {verdict} ({', '.join(found.names[key])})")
    return "\n".join(lines)


def to_json(found: Shadow) -> dict[str, Any]:
    """As plain JSON data."""

    def rows(side: Counter[Key]) -> list[dict[str, Any]]:
        words = ("playbook", "step", "what", "verdict")
        return [
            {**dict(zip(words, key, strict=True)), "count": number, "customers": found.names[key]}
            for key, number in sorted(side.items())
        ]

    sums = {"customers": found.customers, "differ": found.differ}
    return {**sums, "live": rows(found.live), "shadow": rows(found.shadow)}
