"""When a rule need not look again: nothing that it read has changed, and the instant that it named has not come.

What conditions read is followed by name. A report of facts that no condition has asked for so far wakes no rule, and
what a condition said holds until something that it read is another value. Nothing of this is state: a turn that begins
anew looks at everything once.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from lifecycle.actions import Expr
from lifecycle.health import Score
from lifecycle.model import Contract, Edge, Fact, Play, Profile, Value
from lifecycle.playbook import Lifecycle, Manifest

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


class Read:
    """All that `Turn.lookup` reads, as it was: `profile` and `life` as a whole, the rest followed by name."""

    __slots__ = ("band", "contracts", "facts", "life", "plays", "profile", "stage", "ticked")

    def __init__(self, turn: "Resting") -> None:
        self.profile, self.life = turn.profile, turn.life
        self.ticked, self.stage, self.contracts = turn.ticked, turn.stage, turn.contracts
        self.facts, self.band, self.plays = turn.facts, turn.band, turn.plays

    def is_of(self, turn: "Resting") -> bool:
        """Whether all of it is the same still."""
        return (
            self.plays is turn.plays
            and self.facts is turn.facts
            and self.contracts is turn.contracts
            and self.ticked is turn.ticked
            and self.stage is turn.stage
            and self.band is turn.band
            and self.profile is turn.profile
            and self.life is turn.life
        )


class Moves:
    """All that rules read which conditions or the calendar set off, besides what conditions follow by name."""

    __slots__ = ("contracts", "edges", "manifest", "merged", "overdue", "pinned", "plays", "seen", "stage")

    def __init__(self, turn: "Resting") -> None:
        self.stage, self.contracts, self.plays, self.seen = turn.stage, turn.contracts, turn.plays, turn.seen
        self.edges, self.manifest, self.merged = turn.edges, turn.manifest, turn.merged
        self.pinned, self.overdue = turn.pinned, turn.overdue

    def are_of(self, turn: "Resting") -> bool:
        """Whether all of it is the same still."""
        return (
            self.plays is turn.plays
            and self.seen is turn.seen
            and self.edges is turn.edges
            and self.contracts is turn.contracts
            and self.stage is turn.stage
            and self.manifest is turn.manifest
            and self.pinned is turn.pinned
            and self.overdue is turn.overdue
            and self.merged is turn.merged
        )


class Own:
    """A score of our own, and what it was made from: `facts` those that its model asks for, `others` the rest of that,
    each with its kind.
    """

    __slots__ = ("facts", "life", "others", "score", "ticked")

    def __init__(
        self,
        life: Lifecycle,
        ticked: dict[str, datetime],
        facts: dict[str, Fact],
        others: list[tuple[type, Value]],
        score: Score,
    ) -> None:
        self.life, self.ticked, self.facts, self.others, self.score = life, ticked, facts, others, score


class Resting:
    """The part of a turn that knows which rules may rest. `asked`: the names that were looked up and have not changed
    since. `answers`: what conditions said, with the names that they read; those that are kept are alive, so an identity
    names only one. `hearing`: whether somebody wants to know which names are read, see `listen`. `wakes`: name to the
    triggers that read it, by place; `woken`: those of which one has changed, `anew`: whether all of them are to be
    looked at.
    """

    at: datetime
    profile: Profile
    life: Lifecycle
    manifest: Manifest
    ticked: dict[str, datetime]
    seen: dict[str, datetime]
    edges: dict[str, Edge]
    stage: str
    pinned: bool
    overdue: bool
    merged: str
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
        self._read = Read(self)
        self._still: Moves | None = None
        self._still_read = self._read
        self._hushed = self._basis
        self._until: datetime | None = None
        self._idle: dict[str, tuple[datetime | None, tuple[object, ...]]] = {}

    def scored_by(
        self,
    ) -> tuple[dict[str, Fact], Lifecycle, tuple[Contract, ...], Profile, dict[str, datetime]]:
        """All that a health score is made from. `scored`: as it was when the score was last looked at."""
        return self.facts, self.life, self.contracts, self.profile, self.ticked

    def basis(self) -> object:
        """Stands for all that conditions have read so far: the same object as long as none of that has changed.

        Rules that only conditions can set off skip their work while it is the same. What `lookup` learns to read must
        stand in `Read`.
        """
        was = self._read
        if not was.is_of(self):
            self._tell(was)
            self._read = Read(self)
        return self._basis

    def _tell(self, was: Read) -> None:
        """Forget what hung on names that have another value."""
        if (self.profile is not was.profile and self.profile != was.profile) or self.life is not was.life:
            self.anew = True
            for kept in (self.answers, self.asked, self.wakes, self._readers):
                kept.clear()
            for rule in self._heard:
                self._idle.pop(rule, None)
        else:
            changed = self._moved(was)
            changed &= self._asked_by_all()
            if not changed:
                return
            self._news(changed)
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

    def _moved(self, was: Read) -> set[str]:
        """The names that have another value, whoever has asked; of contracts those that were asked for."""
        found: set[str] = set()
        if self.ticked is not was.ticked:
            found.update([f"milestones.{name}" for name in self.ticked.keys() ^ was.ticked.keys()])
        if self.stage != was.stage:
            found.add(STAGE)
        if self.contracts is not was.contracts and self.contracts != was.contracts:
            found.update([name for name in self._asked_by_all() if name.startswith("contract.")])
        if self.facts is not was.facts:
            self._learned(was.facts, found)
        if self.band != was.band:
            found.add(BAND)
        if self.plays is not was.plays:
            found |= self.playing() ^ _playing(was.plays)
        return found

    def _learned(self, was: Mapping[str, Fact], found: set[str]) -> None:
        now = self.facts
        for name, fact in now.items():
            before = was.get(name)
            if before is not fact and (before is None or not _same(before.value, fact.value)):
                found.add(name)
        if len(was) > len(now) or not all(name in now for name in was):
            found |= was.keys() - now.keys()

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
        if last is None or (last[0] is not None and last[0] <= self.at):
            return False
        was = last[1]
        for place in range(len(read)):  # noqa: SIM110 - a generator costs more than the look
            if was[place] is not read[place]:
                return False
        return True

    def rest(self, rule: str, *read: object, until: datetime | None = None) -> None:
        """A rule found nothing to do for what it read, and without news will not until then (None: ever)."""
        self._idle[rule] = (until, read)

    def until(self, rule: str) -> datetime | None:
        """The instant that a rule named when it found nothing to do."""
        return self._idle[rule][0]

    def first_until(self, *rules: str) -> datetime | None:
        """The first instant that one of these rules named, which all found nothing to do."""
        found: datetime | None = None
        for rule in rules:
            at = self._idle[rule][0]
            if at is not None and (found is None or at < found):
                found = at
        return found

    def still(self) -> bool:
        """Whether nothing at all has changed for the rules that conditions or the calendar set off; see `hush`."""
        still = self._still
        if still is None or (self._until is not None and self._until <= self.at):
            return False
        return self._still_read.is_of(self) and still.are_of(self)

    def quiet(self) -> bool:
        """Whether none of those rules can find anything to do, but for a move of the band, which follows the score."""
        still = self._still
        if still is None or (self._until is not None and self._until <= self.at) or not still.are_of(self):
            return False
        if self.basis() is not self._hushed:
            return False
        self._still_read = self._read
        return True

    def hush(self, until: datetime | None) -> None:
        """Those rules all found nothing to do, and without news will not until then (None: ever)."""
        self._hushed, self._still, self._until = self.basis(), Moves(self), until
        self._still_read = self._read

    def hushed_until(self) -> datetime | None:
        """Until when it is quiet, while it is."""
        return self._until

    def wake(self, rule: str) -> None:
        """Let a rule look again, whatever it has read."""
        self._idle.pop(rule, None)
        self._still = None

    def stir(self) -> None:
        """Let no rule rest: a play has another release, which none of them has read."""
        self._idle.clear()
        self._still = None


def _same(one: Value, other: Value) -> bool:
    """Whether conditions see the same. Its kind belongs to a value: 1 and true are not the same."""
    return one is other or (one == other and type(one) is type(other))


def _playing(plays: tuple[Play, ...]) -> frozenset[str]:
    return frozenset([_known_as(play.playbook) for play in plays if not play.over])


@lru_cache(maxsize=4096)
def _known_as(playbook: str) -> str:
    return f"playing.{playbook.replace('-', '_')}"
