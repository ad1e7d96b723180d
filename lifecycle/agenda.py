"""Which step of a play is to be looked at next, kept up to date step by step: what changes is one step and those that
stand on it, never the whole play.

Worked out from the play alone (`schedule.agendas`), so it is never stored: a state that comes out of JSON gets the
same one again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush

from lifecycle.model import Progress
from lifecycle.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class Due:
    """A step that wants to be looked at. `at`: when. `owed`: its nominal due, `touch`: its identity; with the
    playbook's priority they decide who goes first at one instant.
    """

    at: datetime
    owed: datetime
    touch: str
    step: str


class Agenda:
    """The open steps of one play. `steps`: the progress it was worked out from. `closed`: steps that can no longer
    come. `open`: steps in which something is still to do. `waiting`: waits that are open. `next_at`: the earliest
    instant at which a step is to be looked at.
    """

    __slots__ = ("_dues", "_later", "_ready", "closed", "next_at", "open", "steps", "waiting")

    def __init__(self, steps: dict[str, Progress]) -> None:
        self.steps = steps
        self.closed: set[str] = set()
        self.open: set[str] = set()
        self.waiting: set[str] = set()
        self.next_at: datetime | None = None
        self._dues: dict[str, Due] = {}
        self._later: list[tuple[datetime, str]] = []
        self._ready: list[tuple[datetime, str, str, datetime]] = []

    def settle(self, step: str) -> None:
        """Note that nothing more is to do in a step. Whether it could still come no longer matters to any other."""
        self.open.discard(step)
        self.waiting.discard(step)
        self.put(step, None)

    def has(self, step: str, at: datetime, owed: datetime) -> bool:
        """Whether a step is to be looked at then already."""
        was = self._dues.get(step)
        return was is not None and was.at == at and was.owed == owed

    def put(self, step: str, due: Due | None) -> None:
        """Note when a step is looked at next; None: nothing brings it up by itself."""
        was = self._dues.get(step)
        if due is None:
            if was is None:
                return
            del self._dues[step]
        else:
            self._dues[step] = due
            heappush(self._later, (due.at, step))
        if was is None and due is not None:
            self.next_at = due.at if self.next_at is None else min(self.next_at, due.at)
        else:
            self.next_at = self._soonest()

    def _stands(self, step: str, at: datetime) -> bool:
        """Whether what was put into a heap is still so; heaps keep what was replaced until it comes up."""
        due = self._dues.get(step)
        return due is not None and due.at == at

    def _soonest(self) -> datetime | None:
        later = self._later
        while later and not self._stands(later[0][1], later[0][0]):
            heappop(later)
        found = later[0][0] if later else None
        for _, _, step, at in self._ready:
            if (found is None or at < found) and self._stands(step, at):
                found = at
        return found

    def first(self, at: datetime) -> Due | None:
        """Of the steps to be looked at by `at` the one owed first, then by identity."""
        later, ready, dues = self._later, self._ready, self._dues
        while later and later[0][0] <= at:
            step = heappop(later)[1]
            due = dues.get(step)
            if due is not None and due.at <= at:
                heappush(ready, (due.owed, due.touch, step, due.at))
        while ready:
            due = dues.get(ready[0][2])
            if due is not None and due.at == ready[0][3] and due.owed == ready[0][0]:
                return due
            heappop(ready)
        return None

    def dues(self) -> Iterator[Due]:
        """Every step that will be looked at, in no order."""
        return iter(self._dues.values())


def stands(one: Progress, other: Progress) -> bool:
    """Whether a step is owed when it was before."""
    return (
        one.status == other.status
        and one.at == other.at
        and one.due == other.due
        and one.count == other.count
        and one.outcome == other.outcome
    )
