"""What would happen to a whole portfolio: every customer played, then summed up.

Many customers are played in several processes, and only sums are kept (and, on request, the first few customers in
full). The result is the same whatever the number of processes.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from authoring.lives import Life, Start, World, live
from authoring.parallel import spread

MESSAGES = ("email", "survey", "invite", "reschedule")
"""What makes a day crowded for a customer: a meeting taken back does not."""
BUSIEST = 20


@dataclass(slots=True)
class Tally:
    """Sums over lives; adding is the same in any order. `on` is the day where whoever gets it is.

    `sends`: (on, kind) of what customers get. `books`: (playbook, kind). `load`: (teammate, on, kind). `crowd`: how
    many messages on one day to how many days of a customer with so many. `busiest`: (messages, on, customer), most
    first. `collisions`: (playbook, step, winner, why, fate).
    """

    customers: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    started: Counter[str] = field(default_factory=Counter)
    sends: Counter[tuple[date, str]] = field(default_factory=Counter)
    books: Counter[tuple[str, str]] = field(default_factory=Counter)
    load: Counter[tuple[str, date, str]] = field(default_factory=Counter)
    crowd: Counter[int] = field(default_factory=Counter)
    busiest: list[tuple[int, date, str]] = field(default_factory=list)
    collisions: Counter[tuple[str, str, str, str, str]] = field(default_factory=Counter)

    def add(self, life: Life) -> None:
        """Count one customer."""
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
        for lost in life.collisions:
            self.collisions[lost.playbook, lost.step, lost.winner, lost.why, lost.fate] += 1

    def merge(self, other: "Tally") -> None:
        """Count what another tally counted."""
        self.customers += other.customers
        for name in ("stages", "started", "sends", "books", "load", "crowd", "collisions"):
            getattr(self, name).update(getattr(other, name))
        self._keep_busiest(other.busiest)

    def _keep_busiest(self, more: Iterable[tuple[int, date, str]]) -> None:
        self.busiest = sorted([*self.busiest, *more], key=lambda item: (-item[0], item[1], item[2]))[:BUSIEST]


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
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Future:
    """Play every customer; memory holds sums, a few batches, and `keep` customers in full."""
    tally, lives = Tally(), list[Life]()
    numbered = enumerate(starts)
    for part, kept in spread(_batch, (world, keep), numbered, processes=processes, progress=progress):
        tally.merge(part)
        lives += kept
    return Future(world.since, world.until, world.answers.name, world.seed, tally, tuple(lives))


def _batch(context: tuple[World, int], batch: tuple[tuple[int, Start], ...]) -> tuple[Tally, list[Life]]:
    world, keep = context
    tally, kept = Tally(), []
    for number, start in batch:
        life = live(world, start)
        tally.add(life)
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
        "collisions": [
            {"playbook": book, "step": step, "winner": winner, "why": why, "fate": fate, "count": n}
            for (book, step, winner, why, fate), n in sorted(tally.collisions.items())
        ],
        "lives": [_life_json(life) for life in future.lives],
    }


def _life_json(life: Life) -> dict[str, Any]:
    touches = [
        {
            "at": touch.at.isoformat(timespec="seconds"),
            "kind": touch.kind,
            "playbook": touch.playbook,
            "step": touch.step,
            "name": touch.name,
            "to": touch.to,
        }
        for touch in life.touches
    ]
    who = {"customer": life.customer, "name": life.name, "zone": life.zone, "stage": life.stage}
    return {**who, "touches": touches}
