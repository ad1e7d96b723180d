"""What the scenarios of a playbook never visit: steps, branches, time-outs, answers, escalations, conditions, ways out.

Pure: what could happen comes from the release, what did from the decisions of the traces. A point is something that
could happen to a play, with how its decisions show that it did. When the language grows: a step of a new kind counts as
visited once it fires; where it can go several ways, add them to `_WAYS` under its kind.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from authoring import changes
from lifecycle import conditions
from lifecycle.actions import Choose
from lifecycle.entering import HAND
from lifecycle.model import Decision
from lifecycle.playbook import Approval, Playbook, Step
from lifecycle.triggers import key_of

Trace = Sequence[Decision]
Shows = Callable[[Trace], bool]
"""Whether the decisions of one play about one step (or about the play itself) show that a point was visited."""
Way = tuple[str, Shows]
"""What nobody saw, as the end of a sentence, and how the trace would show it."""


@dataclass(frozen=True, slots=True)
class Unvisited:
    """What no scenario visits. `step` is empty for the playbook itself; `place`: `file:line`."""

    place: str
    step: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.step or 'the playbook'} {self.what}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of one playbook the scenarios visit. `points`: all that could be visited, one or more."""

    playbook: str
    points: int
    unvisited: tuple[Unvisited, ...]

    @property
    def visited(self) -> int:
        """Points that some scenario visits."""
        return self.points - len(self.unvisited)

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return 100 * self.visited // self.points


def coverage(books: Iterable[Playbook], traces: Iterable[Trace], begun: Collection[str] = ()) -> tuple[Coverage, ...]:
    """How much of each playbook was visited, in the order of the playbooks, points in the order of the file.

    Args:
        books: the releases that were played.
        traces: the decisions of each customer that was simulated, in order.
        begun: what started their plays, as of `Simulation.begun`.
    """
    seen = _by_step(traces)
    return tuple(_of_book(book, seen, begun) for book in books)


Seen = Mapping[tuple[str, str], Sequence[Trace]]
"""Playbook and step to what each play decided about it."""


def _by_step(traces: Iterable[Trace]) -> Seen:
    seen: dict[tuple[str, str], list[Trace]] = {}
    for trace in traces:
        plays: dict[tuple[str, int, str], list[Decision]] = {}
        for item in trace:
            if item.play:
                plays.setdefault((item.playbook, item.play, item.step), []).append(item)
        for (playbook, _, step), decisions in plays.items():
            seen.setdefault((playbook, step), []).append(decisions)
    return seen


def _of_book(book: Playbook, seen: Seen, begun: Collection[str]) -> Coverage:
    points = [("", way) for way in _play_ways(book)]
    points += [(step.id, way) for step in book.steps for way in _step_ways(step)]
    unvisited = tuple(
        Unvisited(book.place(step), step, what)
        for step, (what, shows) in points
        if not any(shows(trace) for trace in seen.get((book.name, step), ()))
    )
    starts = list(_starts(book))
    never = tuple(Unvisited(book.place(""), "", what) for key, what in starts if key not in begun)
    return Coverage(book.name, len(points) + len(starts), (*never, *unvisited))


def _starts(book: Playbook) -> Iterator[tuple[str, str]]:
    """What starts a playbook, where there are several reasons: the key of each, and what nobody saw."""
    for number, trigger in enumerate(book.triggers if len(book.triggers) > 1 else ()):
        key = HAND if trigger.by_hand else key_of(book.name, number)
        yield key, f"is never started when {changes.starts(trigger)}"


def _play_ways(book: Playbook) -> Iterator[Way]:
    yield "never starts", _some("play", "fired", "started")
    if book.entry is not None:
        yield "never turns a customer away: entry is always met", _some("play", "skipped", "entry not met")
    if book.exit is not None:
        left = ("ended: the customer left",) if "customer.stage" in conditions.names(book.exit) else ()
        yield "is never left by its exit", _some("play", "cancelled", "ended: exit", *left)
    if book.goal is not None:
        yield "never reaches its goal", _some("play", "cancelled", "ended: goal")


def _step_ways(step: Step) -> Iterator[Way]:
    if step.condition is not None:
        yield "never meets its if", _considered
        yield "always meets its if", _some("", "skipped", "if not met", "approved, but no longer wanted")
    if step.approval is not None:
        yield from _approval_ways(step.approval)
    kind = step.action.kind
    yield from _WAYS.get(kind, _fires)(step)


def _fires(step: Step) -> Iterator[Way]:
    yield "never fires", _some(step.action.kind, "fired")


def _wait_ways(_step: Step) -> Iterator[Way]:
    yield "is never met in time", _some("wait", "fired")
    yield "never runs out of time", _some("wait", "skipped", "not met in time")


def _approval_ways(approval: Approval) -> Iterator[Way]:
    yield "is never approved", _some("approval", "fired", "approved by")
    yield "is never rejected", _some("", "skipped", "rejected by")
    yield "never expires unanswered", _some("", "", "nobody answered")
    asked = {approval.by: 1}  # the question itself
    nudged = [(approval.by, "never reminds its")] if approval.remind is not None else []
    for role, what in (*nudged, *((rung.to, "never escalates to") for rung in approval.escalate)):
        asked[role] = asked.get(role, 0) + 1
        yield f"{what} {role}", _asks(role, asked[role])


def _choose_ways(step: Step) -> Iterator[Way]:
    ways = step.action.ways if isinstance(step.action, Choose) else ()
    for number, way in enumerate(ways, 1):
        yield f"never goes the way of {way.text}", _some("choose", "fired", f"way {number}:")
    yield "never goes without any of its ways", _some("choose", "", "otherwise:", "no way holds")


def _repeat_ways(_step: Step) -> Iterator[Way]:
    yield "never ends before its last round", _some("repeat", "fired")
    yield "never comes to its last round", _some("repeat", "skipped", "not met in")


_WAYS: Mapping[str, Callable[[Step], Iterator[Way]]] = {
    "wait": _wait_ways,
    "choose": _choose_ways,
    "repeat": _repeat_ways,
}
"""The ways that a step of a kind can go, where there are others than to fire."""


def _some(what: str, verdict: str, *reasons: str) -> Shows:
    """One decision of this kind and verdict whose reason starts with one of these words; empty words are any."""
    return lambda trace: any(
        what in ("", item.what) and verdict in ("", item.verdict) and item.reason.startswith(reasons or ("",))
        for item in trace
    )


def _asks(role: str, times: int) -> Shows:
    """So many cards of one question for a role: the question itself, its reminder, its rungs."""
    return lambda trace: (
        sum((item.what, item.verdict, item.to) == ("approval", "waiting", role) for item in trace) >= times
    )


def _considered(trace: Trace) -> bool:
    """The step got past its condition, wherever that led: it fired, waits, is held, or a person was asked."""
    return any(item.verdict in ("fired", "waiting", "held", "failed") for item in trace)
