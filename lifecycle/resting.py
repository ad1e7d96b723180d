"""When a rule need not look again: nothing that it read has changed, and the instant that it named has not come.

What conditions read is followed by name. A report of facts that no condition has asked for so far wakes no rule, and
what a condition said holds until something that it read is another value. Nothing of this is state: a turn that begins
anew looks at everything once.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from operator import attrgetter, is_
from typing import Any

from lifecycle.actions import Expr
from lifecycle.model import Contract, Fact, Play

_READ = attrgetter("profile", "life", "ticked", "stage", "contracts", "facts", "band", "plays")
"""All that `Turn.lookup` reads. From `_CLOSELY` on it is followed by name."""
_CLOSELY = 2
_MOVES = attrgetter(
    "facts",
    "band",
    "ticked",
    "profile",
    "life",
    "stage",
    "contracts",
    "plays",
    "seen",
    "edges",
    "manifest",
    "pinned",
    "overdue",
    "merged",
)
"""All that rules read which conditions or the calendar set off. From `_BESIDES` on not only conditions read it."""
_BESIDES = 5
BAND = "customer.band"
STAGE = "customer.stage"
_NOBODY: frozenset[int] = frozenset()


class Watch:
    """When each trigger of time and facts is to be looked at next, by place; one that is missing not before something
    that it has read is news. `seen`, `contracts`, `edges`, `manifest`: what that was worked out from besides.
    """

    __slots__ = ("contracts", "edges", "manifest", "seen", "until")

    def __init__(self) -> None:
        self.until: dict[int, datetime] = {}
        self.seen: object = None
        self.contracts: object = None
        self.edges: object = None
        self.manifest: object = None


class Resting:
    """The part of a turn that knows which rules may rest. `asked`: the names that were looked up and have not changed
    since. `answers`: what conditions said, with the names that they read; those that are kept are alive, so an identity
    names only one. `hearing`: whether somebody wants to know which names are read, see `listen`. `wakes`: name to the
    triggers that read it, by place; `woken`: those of which one has changed, `anew`: whether all of them are to be
    looked at.
    """

    at: datetime
    ticked: dict[str, datetime]
    stage: str
    contracts: tuple[Contract, ...]
    facts: dict[str, Fact]
    band: str
    plays: tuple[Play, ...]

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.answers: dict[int, tuple[Expr, bool, set[str]]] = {}
        self.hearing = False
        self.wakes: dict[str, set[int]] = {}
        self.woken: set[int] = set()
        self.anew = True
        self.watch = Watch()
        self._readers: dict[str, set[int]] = {}
        self._outer: list[tuple[set[str], bool]] = []
        self._heard: dict[str, set[str]] = {}
        self._playing: tuple[tuple[Play, ...], frozenset[str]] = ((), frozenset())
        self._basis = object()
        self._read: tuple[Any, ...] = _READ(self)
        self._still: tuple[object, ...] = ()
        self._hushed = self._basis
        self._until: datetime | None = None
        self._idle: dict[str, tuple[datetime | None, tuple[object, ...]]] = {}

    def basis(self) -> object:
        """Stands for all that conditions have read so far: the same object as long as none of that has changed.

        Rules that only conditions can set off skip their work while it is the same. What `lookup` learns to read must
        stand in `_READ`.
        """
        now, was = _READ(self), self._read
        if self.plays is not was[-1] or now != was:
            self._tell(now, was)
            self._read = now
        return self._basis

    def _tell(self, now: tuple[Any, ...], was: tuple[Any, ...]) -> None:
        """Forget what hung on names that have another value."""
        if now[:_CLOSELY] != was[:_CLOSELY]:
            self.anew = True
            for kept in (self.answers, self.asked, self.wakes, self._readers):
                kept.clear()
            for rule in self._heard:
                self._idle.pop(rule, None)
        elif changed := self._asked_by_all().intersection(self._moved(was)):
            self._news(changed)
        else:
            return
        self._basis = object()

    def _asked_by_all(self) -> set[str]:
        return self.asked.union(*[names for names, _ in self._outer]) if self._outer else self.asked

    def _news(self, changed: set[str]) -> None:
        """Wake whoever has read one of these names."""
        self.asked -= changed
        for names, _ in self._outer:
            names.difference_update(changed)
        for name in changed:
            self.woken |= self.wakes.pop(name, _NOBODY)
            for reader in self._readers.pop(name, _NOBODY):
                self.answers.pop(reader, None)
        for rule, names in self._heard.items():
            if not names.isdisjoint(changed):
                self._idle.pop(rule, None)

    def listen(self) -> None:
        """Begin to hear which names are read; `heard` ends it. One may listen while another does."""
        self._outer.append((self.asked, self.hearing))
        self.asked, self.hearing = set(), True

    def heard(self, rule: str = "") -> set[str]:
        """The names that were read since `listen`. A `rule` that rests now looks again when one of them is news."""
        names = self.asked
        self.asked, self.hearing = self._outer.pop()
        self.asked |= names
        if rule:
            self._heard[rule] = names
        return names

    def _moved(self, was: tuple[Any, ...]) -> Iterator[str]:
        """The names that have another value, whoever has asked; of contracts those that were asked for."""
        _, _, ticked, stage, contracts, facts, band, plays = was
        if self.ticked is not ticked:
            yield from (f"milestones.{name}" for name in self.ticked.keys() ^ ticked.keys())
        if self.stage != stage:
            yield STAGE
        if self.contracts is not contracts and self.contracts != contracts:
            yield from (name for name in self._asked_by_all() if name.startswith("contract."))
        if self.facts is not facts:
            yield from self._learned(facts)
        if self.band != band:
            yield BAND
        if self.plays is not plays:
            yield from self.playing() ^ _playing(plays)

    def _learned(self, was: Mapping[str, Fact]) -> Iterator[str]:
        now = self.facts
        for name, fact in now.items():
            before = was.get(name)
            if before is not fact and _value(before) != _value(fact):
                yield name
        yield from was.keys() - now.keys()

    def playing(self) -> frozenset[str]:
        """The names under which conditions know the playbooks that are running."""
        if self._playing[0] is not self.plays:
            self._playing = self.plays, _playing(self.plays)
        return self._playing[1]

    def keep(self, expr: Expr, met: bool, names: set[str]) -> None:
        """Remember what a condition says, as long as what it has read is the same."""
        self.answers[id(expr)] = expr, met, names
        for name in names:
            self._readers.setdefault(name, set()).add(id(expr))

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


def _playing(plays: tuple[Play, ...]) -> frozenset[str]:
    return frozenset([_known_as(play.playbook) for play in plays if not play.over])


@lru_cache(maxsize=4096)
def _known_as(playbook: str) -> str:
    return f"playing.{playbook.replace('-', '_')}"
