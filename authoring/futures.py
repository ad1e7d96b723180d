"""What would happen to a whole portfolio: every customer played, then summed up.

Many customers are played in several processes, and only sums are kept (and, on request, the first few customers in
full). The result is the same whatever the number of processes.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from authoring.collisions import Collision
from authoring.lives import Life, Start, Touch, World, live
from authoring.parallel import spread

MESSAGES = ("email", "survey", "invite", "reschedule")
"""What makes a day crowded for a customer: a meeting taken back does not."""
BUSIEST = 20
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """The seven days from `since` on in which a customer gets the most, with all that it gets, in order."""

    messages: int
    since: date
    customer: str
    name: str
    touches: tuple[Touch, ...]

    @property
    def rank(self) -> tuple[int, date, str]:
        """The fullest first."""
        return -self.messages, self.since, self.customer


Lost = tuple[str, str, str, str, str, str]
"""Kind, playbook, step, winner, why and fate of a collision."""


def ranked(tally: "Tally") -> list[tuple[Lost, int]]:
    """Collisions with how often they came: messages before plays, the most frequent first."""
    return sorted(tally.collisions.items(), key=lambda item: (not item[0][2], -item[1], item[0]))


@dataclass(slots=True)
class Tally:
    """Sums over lives; adding is the same in any order. `on` is the day where whoever gets it is.

    `sends`: (on, kind) of what customers get. `books`: (playbook, kind). `load`: (teammate, on, kind). `crowd`: how
    many messages on one day to how many days of a customer with so many. `busiest`: (messages, on, customer), most
    first. `weeks`: the fullest seven days of the customers who get the most. `collisions`: (kind, playbook, step,
    winner, why, fate). `every`: customer and collision, where all of them are wanted.
    """

    customers: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    started: Counter[str] = field(default_factory=Counter)
    sends: Counter[tuple[date, str]] = field(default_factory=Counter)
    books: Counter[tuple[str, str]] = field(default_factory=Counter)
    load: Counter[tuple[str, date, str]] = field(default_factory=Counter)
    crowd: Counter[int] = field(default_factory=Counter)
    busiest: list[tuple[int, date, str]] = field(default_factory=list)
    weeks: list[Week] = field(default_factory=list)
    collisions: Counter[Lost] = field(default_factory=Counter)
    every: list[tuple[str, Collision]] = field(default_factory=list)

    def add(self, life: Life, *, every: bool = False) -> None:
        """Count one customer. `every`: keep each of its collisions, too."""
        self.customers += 1
        self.stages[life.stage] += 1
        self.started.update(life.started)
        days: Counter[date] = Counter()
        for touch in life.touches:
            self.books[touch.playbook, touch.kind] += 1
            if touch.inside:
                self.load[touch.to, touch.on, touch.kind] += 1
            else:
                self.sends[touch.on, touch.kind] += 1
                days[touch.on] += touch.kind in MESSAGES
        self.crowd.update(number for number in days.values() if number)
        self._keep_busiest((number, on, life.customer) for on, number in days.items() if number > 1)
        self._keep_weeks([_fullest(life)])
        for lost in life.collisions:
            self.collisions[lost.kind, lost.playbook, lost.step, lost.winner, lost.why, lost.fate] += 1
        if every:
            self.every += [(life.customer, lost) for lost in life.collisions]

    def merge(self, other: "Tally") -> None:
        """Count what another tally counted."""
        self.customers += other.customers
        for name in ("stages", "started", "sends", "books", "load", "crowd", "collisions"):
            getattr(self, name).update(getattr(other, name))
        self._keep_busiest(other.busiest)
        self._keep_weeks(other.weeks)
        self.every += other.every

    def _keep_busiest(self, more: Iterable[tuple[int, date, str]]) -> None:
        self.busiest = sorted([*self.busiest, *more], key=lambda item: (-item[0], item[1], item[2]))[:BUSIEST]

    def _keep_weeks(self, more: Iterable[Week]) -> None:
        found = [*self.weeks, *(week for week in more if week.messages)]
        self.weeks = sorted(found, key=lambda week: week.rank)[:BUSIEST]


def _fullest(life: Life) -> Week:
    """The seven days of a customer with the most messages, the first of them; cancelled meetings are shown besides."""
    got = sorted((touch for touch in life.touches if not touch.inside), key=lambda touch: (touch.on, touch.at.time()))
    on = [touch.on for touch in got]
    best = Week(0, date.max, life.customer, life.name, ())
    for since in sorted({touch.on for touch in got if touch.kind in MESSAGES}):
        those = tuple(got[bisect_left(on, since) : bisect_left(on, since + WEEK)])
        messages = sum(touch.kind in MESSAGES for touch in those)
        if messages > best.messages:
            best = Week(messages, since, life.customer, life.name, those)
    return best


@dataclass(frozen=True, slots=True)
class Future:
    """What comes of a portfolio in a period. `lives`: the first customers in full, as many as were asked for."""

    since: datetime
    until: datetime
    assumed: str
    seed: str
    tally: Tally
    lives: tuple[Life, ...] = ()


def play_all(
    world: World,
    starts: Iterable[Start],
    *,
    keep: int = 0,
    every: bool = False,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Future:
    """Play every customer; memory holds sums, a few batches, `keep` customers in full, and `every` collision where
    that is wanted.
    """
    tally, lives = Tally(), list[Life]()
    numbered = enumerate(starts)
    for part, kept in spread(_batch, (world, keep, every), numbered, processes=processes, progress=progress):
        tally.merge(part)
        lives += kept
    return Future(world.since, world.until, world.answers.name, world.seed, tally, tuple(lives))


def _batch(context: tuple[World, int, bool], batch: tuple[tuple[int, Start], ...]) -> tuple[Tally, list[Life]]:
    world, keep, every = context
    tally, kept = Tally(), []
    for number, start in batch:
        life = live(world, start)
        tally.add(life, every=every)
        if number < keep:
            kept.append(life)
    return tally, kept


def to_json(future: Future) -> dict[str, Any]:
    """A future as plain JSON data; days are ISO dates, sorted."""
    tally = future.tally
    sends, load = tally.sends, tally.load
    return {
        "since": future.since.isoformat(),
        "until": future.until.isoformat(timespec="seconds"),
        "assumed": future.assumed,
        "seed": future.seed,
        "customers": tally.customers,
        "stages": dict(sorted(tally.stages.items())),
        "plays": dict(sorted(tally.started.items())),
        "days": [{"on": on.isoformat(), "kind": kind, "count": n} for (on, kind), n in sorted(sends.items())],
        "playbooks": [{"playbook": book, "kind": kind, "count": n} for (book, kind), n in sorted(tally.books.items())],
        "load": [
            {"teammate": who, "on": on.isoformat(), "kind": kind, "count": n}
            for (who, on, kind), n in sorted(load.items())
        ],
        "messages_a_day": {str(number): days for number, days in sorted(tally.crowd.items())},
        "busiest": [{"customer": who, "on": on.isoformat(), "messages": n} for n, on, who in tally.busiest],
        "busiest_weeks": [
            {
                "customer": week.customer,
                "since": week.since.isoformat(),
                "messages": week.messages,
                "touches": [_touch_json(touch) for touch in week.touches],
            }
            for week in tally.weeks
        ],
        "collisions": [
            {"kind": kind, "playbook": book, "step": step, "winner": winner, "why": why, "fate": fate, "count": n}
            for (kind, book, step, winner, why, fate), n in sorted(tally.collisions.items())
        ],
        "every_collision": [_collision_json(customer, lost) for customer, lost in tally.every],
        "lives": [_life_json(life) for life in future.lives],
    }


def _collision_json(customer: str, lost: Collision) -> dict[str, Any]:
    return {
        "customer": customer,
        "at": lost.at.isoformat(timespec="seconds"),
        "kind": lost.kind,
        "playbook": lost.playbook,
        "step": lost.step,
        "to": lost.to,
        "winner": lost.winner,
        "why": lost.why,
        "fate": lost.fate,
        "went": lost.went.isoformat(timespec="seconds") if lost.went else None,
    }


def _touch_json(touch: Touch) -> dict[str, Any]:
    return {
        "at": touch.at.isoformat(timespec="seconds"),
        "kind": touch.kind,
        "playbook": touch.playbook,
        "step": touch.step,
        "name": touch.name,
        "to": touch.to,
    }


def _life_json(life: Life) -> dict[str, Any]:
    who = {"customer": life.customer, "name": life.name, "zone": life.zone, "stage": life.stage}
    return {**who, "touches": [_touch_json(touch) for touch in life.touches]}
