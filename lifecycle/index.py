"""What the engine looks up in a release, put in order once per release: steps by id and by what they stand on, stages
by name. What starts a play is in order in `triggers`.

The index of a release lives outside the state, in a bounded memo.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from lifecycle.actions import Repeat
from lifecycle.memo import once
from lifecycle.playbook import Lifecycle, PhaseSpec, Playbook, StageSpec, Step, Target


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The steps of a playbook. `by_id`: in playbook order. `order`: each after those it stands on. `followers`: the
    steps that stand on a step directly, as its branch, after it, or in need of it. `place`: playbook order, from 0.
    `rounds`: a step of a repeat, at any depth, to the repeat; `inside`: a repeat to those steps.
    """

    by_id: Mapping[str, Step]
    order: tuple[Step, ...]
    followers: Mapping[str, tuple[Step, ...]]
    place: Mapping[str, int]
    rounds: Mapping[str, str]
    inside: Mapping[str, tuple[str, ...]]


def _stands_on(step: Step) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (step.under, step.when.after, *step.needs) if name))


@once
def steps(book: Playbook) -> Steps:
    """The index of a playbook. Steps that stand on each other in a circle, which authoring refuses, come last."""
    by_id = {step.id: step for step in book.steps}
    followers: dict[str, list[Step]] = {name: [] for name in by_id}
    missing: dict[str, int] = {}
    for step in by_id.values():
        named = [name for name in _stands_on(step) if name in by_id]
        missing[step.id] = len(named)
        for name in named:
            followers[name].append(step)
    ready = deque(step for step in by_id.values() if not missing[step.id])
    order: dict[str, Step] = {}
    while ready:
        step = ready.popleft()
        order[step.id] = step
        for follower in followers[step.id]:
            missing[follower.id] -= 1
            if not missing[follower.id]:
                ready.append(follower)
    ordered = (*order.values(), *(step for step in by_id.values() if step.id not in order))
    rounds, inside = _rounds(by_id, ordered)
    return Steps(
        by_id,
        ordered,
        {name: tuple(those) for name, those in followers.items()},
        {name: place for place, name in enumerate(by_id)},
        rounds,
        inside,
    )


def _rounds(
    by_id: Mapping[str, Step], ordered: tuple[Step, ...]
) -> tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]]:
    rounds: dict[str, str] = {}
    inside: dict[str, tuple[str, ...]] = {}
    for step in ordered:
        parent = by_id.get(step.under)
        if parent is None:
            continue
        found = parent.id if isinstance(parent.action, Repeat) and step.branch == "do" else rounds.get(parent.id)
        if found is not None:
            rounds[step.id] = found
            inside[found] = (*inside.get(found, ()), step.id)
    return rounds, inside


@dataclass(frozen=True, slots=True, eq=False)
class Journey:
    """A lifecycle. `stages`: by name, of each journey by name; `targets`: likewise, of those that have any. `phases`:
    the farthest from the contract's end first. `bands`: the best first. `holidays`: ISO dates by country. `blackouts`:
    ISO dates on which no customer is reached.
    """

    stages: Mapping[str, Mapping[str, StageSpec]]
    targets: Mapping[str, tuple[Target, ...]]
    phases: tuple[PhaseSpec, ...]
    bands: tuple[tuple[str, int], ...]
    holidays: Mapping[str, frozenset[str]]
    blackouts: frozenset[str]


@once
def journey(life: Lifecycle) -> Journey:
    """The index of a lifecycle."""
    return Journey(
        {name: {spec.name: spec for spec in reversed(one.stages)} for name, one in life.courses.items()},
        {name: one.targets for name, one in life.courses.items() if one.targets},
        tuple(sorted(life.phases, key=lambda item: -item.days_before)),
        tuple(sorted(life.bands.items(), key=lambda item: -item[1])),
        {country: frozenset(days) for country, days in life.holidays.items()},
        frozenset(day for first, last in life.politeness.blackouts for day in _days(first, last)),
    )


def _days(first: str, last: str) -> Iterator[str]:
    """The ISO dates from one to another."""
    start = date.fromisoformat(first).toordinal()
    for number in range(start, date.fromisoformat(last).toordinal() + 1):
        yield date.fromordinal(number).isoformat()
