"""What applying playbooks would do before anybody does it: to the files, to the plays in flight, and to the future.

Three parts, each told on its own. What changed in each playbook. What happens to each play in flight, worked out by the
code that the event `CatalogueApplied` runs (`lifecycle.moving`). And how the futures of the same customers differ
(`authoring/difference.py`), with the same luck.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Literal

from authoring.actions import shown
from authoring.difference import Difference, renamed, twice
from authoring.differing import differing
from authoring.lives import Start, World, from_state
from authoring.parallel import spread
from authoring.simulate import Library
from authoring.team import Team
from lifecycle import engine
from lifecycle.course import Course, Run
from lifecycle.matching import alike
from lifecycle.messages import CatalogueApplied, DueReached
from lifecycle.model import State
from lifecycle.moving import Change, Late, preview
from lifecycle.playbook import Lifecycle, Playbook, Step
from lifecycle.scoring import score_of
from lifecycle.staffing import ANYBODY, NO_POLICY

_APART = ("name", "steps", "file", "templates", "places", "format", "kind")
"""Fields of a playbook that are told otherwise, or that people do not see."""

# --- the files --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BookChange:
    """What an author did to a playbook. `lines`: one sentence each; empty for one that is new or removed."""

    name: str
    what: Literal["new", "changed", "removed"]
    lines: tuple[str, ...] = ()


def book_changes(library: Library, old: str, new: str) -> tuple[BookChange, ...]:
    """The playbooks that differ between two catalogues, by name; the lifecycle counts as one."""
    was, becomes = library.catalogue(old), library.catalogue(new)
    found = []
    for name in sorted({*was.playbooks, *becomes.playbooks}):
        before, after = was.playbooks.get(name), becomes.playbooks.get(name)
        if before is None or after is None:
            found.append(BookChange(name, "new" if before is None else "removed"))
        elif before != after:
            lines = tuple(_lines(library.playbook(before), library.playbook(after)))
            found.append(BookChange(name, "changed", lines or ("compiled otherwise",)))
    if was.lifecycle != becomes.lifecycle:
        life = library.lifecycle(becomes.lifecycle)
        lines = tuple(_lifecycle_lines(library.lifecycle(was.lifecycle), life))
        found.append(BookChange(life.name, "changed", lines or ("compiled otherwise",)))
    return tuple(found)


def people_changes(old: Team | None, new: Team | None) -> tuple[str, ...]:
    """What a people file changes, one sentence each: who comes, who goes, what is said of whom, what counts for all.
    None where there is no such file; without a new one the people stay.
    """
    if new is None:
        return ()
    was, becomes = ({one.id: one for one in team.people} if team else {} for team in (old, new))
    found = [f"{one.name} is not on the team any more" for one in was.values() if one.id not in becomes]
    for one in becomes.values():
        before = was.get(one.id)
        if before is None:
            found.append(f"{one.name} joins the team: {', '.join(one.roles)}")
        elif before != one:
            said = differing(replace(before, cover=ANYBODY), replace(one, cover=ANYBODY))
            found += [f"{one.name}'s {line}" for line in (*said, *differing(before.cover, one.cover))]
    return (*found, *differing(old.policy if old else NO_POLICY, new.policy))


def _lifecycle_lines(old: Lifecycle, new: Lifecycle) -> Iterator[str]:
    """What makes the score, where that is another model or the same one with other figures; then all else."""
    if old.health != new.health or old.bands != new.bands:
        before, after = (life.health.name if life.health else "reported scores" for life in (old, new))
        yield f"health: {before} -> {after}" if before != after else f"health: {after} with other figures"
    if old.bands != new.bands:
        yield f"bands: {_bands(old)} -> {_bands(new)}"
    yield from differing(replace(old, health=None, bands={}), replace(new, health=None, bands={}))


def _bands(life: Lifecycle) -> str:
    return ", ".join(f"{name} {low}" for name, low in life.bands.items()) or "none"


def _lines(old: Playbook, new: Playbook) -> Iterator[str]:
    for item in fields(Playbook):
        before, after = getattr(old, item.name), getattr(new, item.name)
        if item.name not in _APART and before != after:
            yield from differing(before, after, item.name)
    before, after = ({step.id: step for step in book.steps} for book in (old, new))
    known = {name: name for name in after if name in before}
    known |= {step.id: step.was for step in new.steps if step.id not in known and step.was in before}
    for name, step in before.items():
        if name not in known.values():
            yield f"step {name} removed"
            twin = next((item.id for item in new.steps if item.id not in known and alike(step, item)), "")
            if twin:
                yield f"step {twin} looks the same as {name}: if it was renamed, say `was: {name}`"
    for name, step in after.items():
        if name not in known:
            yield f"step {name} added: {step.action.kind}, {timing(step)}"
        elif step != before[known[name]]:
            yield f"step {name}: {', '.join(_step_lines(before[known[name]], step))}"
    for path in sorted({*old.templates, *new.templates}):
        if old.templates.get(path) != new.templates.get(path):
            yield f"text changed: templates/{path}"


def _step_lines(old: Step, new: Step) -> Iterator[str]:
    if old.id != new.id:
        yield f"was {old.id}"
    if timing(old) != timing(new):
        yield f"re-timed: {timing(old)} -> {timing(new)}"
    elif old.when != new.when:
        yield from differing(old.when, new.when)
    if old.action.kind != new.action.kind:
        yield f"does something else ({new.action.kind})"
    else:
        yield from differing(old.action, new.action)
    yield from differing(old.approval, new.approval, "approval")
    yield from differing(old.condition, new.condition, '"if"')
    yield from differing(old.needs, new.needs, '"needs"')
    if (old.under, old.branch) != (new.under, new.branch):
        yield "stands in another branch"


def timing(step: Step) -> str:
    """When a step is due, in a few words."""
    when = step.when
    by = getattr(step.action, "by", None)
    if by is not None and by.day is not None:
        return f"by day {by.day}"
    if when.day is not None:
        return f"day {when.day}" + (f" at {when.at}" if when.at else "")
    if when.after:
        return f"{shown(when.delay) + ' ' if when.delay else ''}after {when.after}"
    return f"after {shown(when.delay)}" if when.delay else "at once"


# --- the plays in flight ----------------------------------------------------------------------------------------------

Fate = Literal["unchanged", "pinned", "moves", "stays", "refused"]


@dataclass(frozen=True, slots=True)
class Flight:
    """A play in flight. `fate`: its release is still the current one; it keeps an older one, as nobody moves it; it
    moves; it cannot, as its playbook is gone; it would do something twice. `changes`: what the move does to its steps.
    """

    customer: str
    name: str
    playbook: str
    play: str
    release: str
    fate: Fate
    changes: tuple[Change, ...] = ()


def flights(library: Library, state: State, name: str, event: CatalogueApplied, *, now: datetime) -> list[Flight]:
    """What an event would do to the plays of one customer, in whose state nothing is owed by now."""
    changes = preview(library, state, event.digest, event.move, event.late, now=now)
    current = library.catalogue(event.digest).playbooks
    found = []
    for play in state.plays:
        if play.over:
            continue
        mine = tuple(change for change in changes if change.play == play.key)
        fate: Fate = "unchanged" if current.get(play.playbook) == play.release else "pinned"
        if any(change.what == "repeats" for change in mine):
            fate = "refused"
        elif mine:
            fate = "moves" if mine[0].what == "moves" else "stays"
        found.append(Flight(state.customer, name, play.playbook, play.key, play.release, fate, mine))
    return found


# --- who changes the band ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Banded:
    """A customer whose health band another model changes; scores None where there is none."""

    customer: str
    name: str
    before: str
    after: str
    was: float | None
    becomes: float | None


def banded(library: Library, state: State, name: str, event: CatalogueApplied) -> Banded | None:
    """What an event does to the band of a customer; None where it stays."""
    after = engine.step(library, state, event, now=state.as_of).state
    if after.band == state.band:
        return None
    return Banded(state.customer, name, state.band, after.band, score_of(state), score_of(after))


def rescores(library: Library, old: str, new: str) -> bool:
    """Whether scores or bands are made otherwise in another catalogue."""
    before, after = (library.lifecycle(library.catalogue(digest).lifecycle) for digest in (old, new))
    return (before.health, before.bands) != (after.health, after.bands)


# --- all of it --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be applied to whom. `old`, `new`: the two worlds, of one period; `new.first` tells it."""

    old: World
    new: World
    move: tuple[str, ...] = ()
    late: Late = "skip"

    @property
    def event(self) -> CatalogueApplied:
        return CatalogueApplied(self.new.digest, self.move, self.late)


def propose(world: World, digest: str, move: tuple[str, ...] = (), late: Late = "skip") -> Proposal:
    """What applying a catalogue would be, in a world whose catalogue is the applied one."""
    new = replace(world, digest=digest, first=(CatalogueApplied(digest, move, late),))
    return Proposal(world, new, move, late)


@dataclass(slots=True)
class Plan:
    """What a proposal comes to; `books` and `people` of the files, the rest of the customers. `rescored`: scores or
    bands are made otherwise, so `bands` says who changes. `names`: teammates by id, where they are known.
    """

    proposal: Proposal
    books: tuple[BookChange, ...] = ()
    people: tuple[str, ...] = ()
    flights: list[Flight] = field(default_factory=list)
    rescored: bool = False
    bands: list[Banded] = field(default_factory=list)
    difference: Difference = field(default_factory=Difference)
    outside: int = 0
    names: dict[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> list[Flight]:
        """The plays for which it is refused."""
        return [flight for flight in self.flights if flight.fate == "refused"]


def plan(
    proposal: Proposal,
    starts: Iterable[Start],
    *,
    outside: int = 0,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """Work out what a proposal does to these customers. `outside`: how many others are not told."""
    library = proposal.old.library
    found = Plan(proposal, book_changes(library, proposal.old.digest, proposal.new.digest))
    found.outside = outside
    found.rescored = rescores(library, proposal.old.digest, proposal.new.digest)
    for part in spread(_batch, proposal, starts, processes=processes, progress=progress):
        found.flights += part.flights
        found.bands += part.bands
        found.difference.merge(part.difference)
    return found


def _batch(proposal: Proposal, batch: tuple[Start, ...]) -> Plan:
    found, library, event = Plan(proposal), proposal.old.library, proposal.event
    names = renamed(proposal.new)
    found.rescored = rescores(library, proposal.old.digest, event.digest)
    for given in batch:
        start = standing(proposal.old, given)
        if start.state is not None:
            found.flights += flights(library, start.state, start.name, event, now=start.state.as_of)
            moved = banded(library, start.state, start.name, event) if found.rescored else None
            found.bands += [moved] if moved is not None else []
        found.difference.add(*twice(proposal.old, proposal.new, start, names))
    return found


def standing(world: World, start: Start) -> Start:
    """A customer as it stands when the period begins: a live one after what was accepted since, one of a file as
    placed. One that is new signs up in either world.
    """
    if start.state is None and start.signup is not None and start.signup.placed:
        run = Run(
            Course(world.library, engine.begin(start.customer, world.digest, start.signup, now=start.at, spread=False))
        )
        run.take(start.signup, start.at)
        return from_state(run.course.state(), start.name, start.events)
    if start.state is None:
        return start
    run = Run(Course(world.library, start.state))
    run.told = {name: fact.value for name, fact in start.state.facts.items()}
    for at, event in start.events:
        if at <= world.since:
            run.reach(at)
            run.hear(event, at)
    run.reach(world.since)
    run.take(DueReached(), max(world.since, run.course.state().as_of))
    return from_state(run.course.state(), start.name)


def counted(flights_: Iterable[Flight]) -> Mapping[tuple[str, str, str], list[Flight]]:
    """Plays by (playbook, what happens, step): of those that move by each step that something happens to, else the
    fate and no step.
    """
    found: dict[tuple[str, str, str], list[Flight]] = {}
    for flight in flights_:
        found.setdefault((flight.playbook, flight.fate, ""), []).append(flight)
        for change in flight.changes:
            if change.step:
                found.setdefault((flight.playbook, change.what, change.step), []).append(flight)
    return found
