"""When a rule need not look again: nothing that it read has changed, and the instant that it named has not come.

What conditions read is followed by name. A report of facts that no condition has asked for so far wakes no rule, and
what a condition said holds until something that it read is another value. Nothing of this is state: a turn that begins
anew looks at everything once.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter, is_

from lifecycle.actions import Expr
from lifecycle.model import Fact, Play

_READ = attrgetter("ticked", "profile", "stage", "contracts", "life", "facts", "band", "plays")
"""All that `Turn.lookup` reads. From `_CLOSELY` on it is followed by name."""
_CLOSELY = 5
_MOVES = attrgetter(
    "facts",
    "band",
    "ticked",
    "profile",
    "stage",
    "contracts",
    "life",
    "plays",
    "seen",
    "edges",
    "manifest",
    "pinned",
    "overdue",
    "merged",
)
"""All that rules read which conditions or the calendar set off. From `_BESIDES` on no condition reads it alone."""
_BESIDES = 7
BAND = "customer.band"


class Resting:
    """The part of a turn that knows which rules may rest. `asked`: the names that were looked up since the basis last
    changed. `answers`: what conditions said since then; those that are kept are alive, so an identity names only one.
    """

    at: datetime
    facts: dict[str, Fact]
    band: str
    plays: tuple[Play, ...]

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.answers: dict[int, tuple[Expr, bool]] = {}
        self._basis = object()
        self._read: tuple[object, ...] = _READ(self)
        self._was: tuple[Mapping[str, Fact], str, tuple[Play, ...]] = self.facts, self.band, self.plays
        self._still: tuple[object, ...] = ()
        self._hushed = self._basis
        self._until: datetime | None = None
        self._idle: dict[str, tuple[datetime | None, tuple[object, ...]]] = {}

    def basis(self) -> object:
        """Stands for all that conditions have read so far: the same object as long as none of that has changed.

        Rules that only conditions can set off skip their work while it is the same. What `lookup` learns to read must
        stand in `_READ`.
        """
        now, read = _READ(self), self._read
        if self.facts is not self._was[0] or self.plays is not self._was[2] or now != read:
            same = now[:_CLOSELY] == read[:_CLOSELY]
            if not same or self._learned() or self._moved():
                self._basis = object()
                self.answers.clear()
                self.asked.clear()
            self._read, self._was = now, (self.facts, self.band, self.plays)
        return self._basis

    def _learned(self) -> bool:
        """Whether a fact that was asked for has another value."""
        now, was = self.facts, self._was[0]
        return now is not was and any(
            now.get(name) is not was.get(name) and _value(now.get(name)) != _value(was.get(name)) for name in self.asked
        )

    def _moved(self) -> bool:
        """Whether the band has changed and was asked for, or other plays are running."""
        _, band, plays = self._was
        if self.band != band and BAND in self.asked:
            return True
        return self.plays is not plays and _keys(self.plays) != _keys(plays)

    def idle(self, rule: str, *read: object) -> bool:
        """Whether a rule that found nothing to do would find nothing again: all it reads is the same, and the instant
        it named has not come.
        """
        last = self._idle.get(rule)
        return last is not None and (last[0] is None or last[0] > self.at) and all(map(is_, last[1], read))

    def rest(self, rule: str, *read: object, until: datetime | None = None) -> None:
        """A rule found nothing to do for what it read, and without news will not until then (None: ever)."""
        self._idle[rule] = (until, read)

    def until(self, rule: str) -> datetime | None:
        """The instant that a rule named when it found nothing to do."""
        return self._idle[rule][0]

    def first_until(self, *rules: str) -> datetime | None:
        """The first instant that one of these rules named, which all found nothing to do."""
        found = [at for rule in rules if (at := self._idle[rule][0]) is not None]
        return min(found, default=None)

    def still(self) -> bool:
        """Whether nothing at all has changed for the rules that conditions or the calendar set off; see `hush`."""
        still = self._still
        if self._until is not None and self._until <= self.at:
            return False
        return bool(still) and self.facts is still[0] and self.plays is still[7] and _MOVES(self) == still

    def quiet(self) -> bool:
        """Whether none of those rules can find anything to do, but for a move of the band, which follows the score."""
        now = _MOVES(self)
        if not self._in_time() or self.basis() is not self._hushed:
            return False
        if not all(map(is_, self._still[_BESIDES:], now[_BESIDES:])):
            return False
        self._still = now
        return True

    def _in_time(self) -> bool:
        return bool(self._still) and (self._until is None or self._until > self.at)

    def hush(self, until: datetime | None) -> None:
        """Those rules all found nothing to do, and without news will not until then (None: ever)."""
        self._hushed, self._still, self._until = self.basis(), _MOVES(self), until

    def hushed_until(self) -> datetime | None:
        """Until when it is quiet, while it is."""
        return self._until

    def wake(self, rule: str) -> None:
        """Let a rule look again, whatever it has read."""
        self._idle.pop(rule, None)
        self._still = ()

    def stir(self) -> None:
        """Let no rule rest: a play has another release, which none of them has read."""
        self._idle.clear()
        self._still = ()


def _value(fact: Fact | None) -> object:
    """What conditions see of a fact. Its kind belongs to it: 1 and true are not the same."""
    return None if fact is None else (type(fact.value), fact.value)


def _keys(plays: tuple[Play, ...]) -> list[str]:
    return [play.key for play in plays if not play.over]
