"""Health models: how facts become a score from 0 to 100, how much of it was known, and whether it has fallen fast.

Pure arithmetic on values. A metric that hangs on what nobody has reported is neither good nor bad: the model says what
it counts as, or leaves it out, and then its component is judged by its other metrics and the whole by its other
components. Scores are rounded to whole points, half up, so that the number that people see and the band agree.
`lifecycle.scoring` is the rule that keeps a customer's score.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lifecycle import conditions
from lifecycle.actions import Expr
from lifecycle.altered import altered
from lifecycle.conditions import Lookup
from lifecycle.model import Snapshot
from lifecycle.quick import quick

GOOD, MIDDLE, BAD = 100, 50, 0
WEEK = timedelta(days=7)
FALL = 15
"""Points that make a fall a risk of its own, inside whatever band."""
FALL_WITHIN = timedelta(days=30)
KEPT = 10
"""Snapshots that a state holds: more than thirty days of them, for a customer whose band does not change daily."""
_GRAIN = 1e-9


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that a component is judged by; `weight`: its part of the component, against the other metrics.

    Either `good` and perhaps `middle`, which make it 100, 50 or 0; or `value`, a number from 0 to 100. `unknown`: what
    it counts as where that cannot be told; None leaves it out.
    """

    name: str
    title: str
    weight: int = 1
    good: Expr | None = None
    middle: Expr | None = None
    value: Expr | None = None
    unknown: int | None = None

    @property
    def exprs(self) -> tuple[Expr, ...]:
        """What it asks, the most telling first."""
        return tuple(expr for expr in (self.value, self.good, self.middle) if expr is not None)


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the score; `weight`: percent of it."""

    name: str
    title: str
    weight: int
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """What the team does about a score from `low` up to the next range."""

    low: int
    title: str
    action: str


@dataclass(frozen=True, slots=True)
class HealthModel:
    """A compiled health model. `bands`: name to lowest score, the best first. `ranges`: likewise. `least_known`:
    percent that must be known for there to be a score.
    """

    name: str
    title: str
    file: str
    components: tuple[Component, ...]
    bands: dict[str, int] = field(default_factory=dict)
    ranges: tuple[Range, ...] = ()
    least_known: int = 0


@quick
@dataclass(frozen=True, slots=True)
class Part:
    """What a component or metric comes to. `weight`: percent of the whole score. `score`: 0 to 100, None where it is
    left out. `known`: percent of it that was known. `parts`: of a component, its metrics.
    """

    name: str
    title: str
    weight: float
    score: float | None
    known: float
    parts: "tuple[Part, ...]" = ()

    @property
    def points(self) -> float | None:
        """What it brings of its `weight`."""
        return None if self.score is None else self.weight * self.score / GOOD


@dataclass(frozen=True, slots=True)
class Score:
    """`value`: whole points, None where too little is known. `known`: percent of the model that was known, rounded
    down.
    """

    value: int | None
    known: int
    parts: tuple[Part, ...]


def score(model: HealthModel, lookup: Lookup) -> Score:
    """The score of a customer of whom `lookup` says what is known."""
    total = sum(component.weight for component in model.components)
    parts = tuple(_component(item, item.weight * GOOD / total if total else 0.0, lookup) for item in model.components)
    mean = _mean((part.weight, part.score) for part in parts)
    known = _mean((part.weight, part.known) for part in parts) or 0.0
    enough = known > 0 and known + _GRAIN >= model.least_known
    whole = None if mean is None or not enough else math.floor(mean + 0.5 + _GRAIN)
    return Score(whole, math.floor(known + _GRAIN), parts)


def _component(component: Component, weight: float, lookup: Lookup) -> Part:
    total = sum(metric.weight for metric in component.metrics)
    parts = tuple(_metric(item, weight * item.weight / total if total else 0.0, lookup) for item in component.metrics)
    mean = _mean((part.weight, part.score) for part in parts)
    known = _mean((part.weight, part.known) for part in parts) or 0.0
    return Part(component.name, component.title, weight, mean, known, parts)


def _metric(metric: Metric, weight: float, lookup: Lookup) -> Part:
    found = rated(metric, lookup)
    if found is None:
        return Part(metric.name, metric.title, weight, metric.unknown, 0)
    return Part(metric.name, metric.title, weight, found, 100)


def _mean(weighted: Iterable[tuple[float, float | None]]) -> float | None:
    """The mean of what there is, by weight; None where there is nothing."""
    total, points = 0.0, 0.0
    for weight, value in weighted:
        if value is not None:
            total += weight
            points += weight * value
    return points / total if total > 0 else None


def rated(metric: Metric, lookup: Lookup) -> float | None:
    """A metric from 0 to 100; None where what it asks is not known."""
    if metric.value is not None:
        found = conditions.value(metric.value.tree, lookup)
        if not conditions.is_number(found):
            return None
        return GOOD if found >= GOOD else max(BAD, found)
    if metric.good is None or (good := conditions.truth(metric.good, lookup)) is None:
        return None
    if good or metric.middle is None:
        return GOOD if good else BAD
    middle = conditions.truth(metric.middle, lookup)
    return None if middle is None else MIDDLE if middle else BAD


def reads(model: HealthModel) -> tuple[str, ...]:
    """Every name that a model asks for, each once."""
    return tuple(dict.fromkeys(name for metric in metrics(model) for name in asks(metric)))


def metrics(model: HealthModel) -> Iterator[Metric]:
    """Every metric, in order."""
    for component in model.components:
        yield from component.metrics


def asks(metric: Metric) -> tuple[str, ...]:
    """Every name that a metric asks for, each once."""
    return tuple(dict.fromkeys(name for expr in metric.exprs for name in conditions.names(expr)))


def because(metric: Metric, lookup: Lookup) -> str:
    """What made a metric what it is: `usage.dau_wau = 0.42, not > 0.6`."""
    return conditions.because(metric.exprs[0], lookup) if metric.exprs else ""


def range_of(model: HealthModel, value: float) -> Range | None:
    """The range that a score is in; None where the model has none that low."""
    return next((item for item in model.ranges if value >= item.low), None)


# --- history ----------------------------------------------------------------------------------------------------------


def recorded(
    history: tuple[Snapshot, ...], at: datetime, was: float | None, now: float, *, moved: bool
) -> tuple[Snapshot, ...]:
    """The history after a score became another one: a snapshot a week, and one where the band `moved`.

    Between two changes a score stands still. So a weekly snapshot is written with the first change after it was owed;
    nobody is woken for it. `was`: the score up to `at`; what it rises to within a week is kept as the week's `high`.
    """
    last = history[-1] if history else None
    if last is None or was is None:
        return (*history, Snapshot(at, now))[-KEPT:]
    if not moved and at - last.at < WEEK:
        return (*history[:-1], altered(last, high=now)) if now > last.highest else history
    stood = at - last.at <= WEEK or last.score == last.highest == was
    between = () if stood else (Snapshot(last.at + WEEK, was),)
    return (*history, *between, Snapshot(at, now))[-KEPT:]


def fell_until(history: tuple[Snapshot, ...], score: float, at: datetime) -> datetime | None:
    """Until when a score counts as fallen: 30 days after it last was 15 points higher; None where it was not, or that
    is past. Exact to the week where a score rose and fell within one.
    """
    found = None
    for place, item in enumerate(history):
        if item.highest - score >= FALL:
            ended = history[place + 1].at if place + 1 < len(history) else item.at + WEEK
            found = ended + FALL_WITHIN
    return found if found is not None and found > at else None


def change(history: tuple[Snapshot, ...], score: float, at: datetime) -> float | None:
    """By how much a score is above what it was 30 days before; since the first snapshot where that is later; None
    where there is only one.
    """
    before = [item for item in history if item.at <= at - FALL_WITHIN][-1:] or list(history[:1])
    return score - before[0].score if before and before[0].at < at else None


def missing(model: HealthModel, lookup: Lookup) -> dict[str, tuple[str, ...]]:
    """The metrics that cannot be told, each with the names that it asks for and nobody has reported."""
    return {
        f"{component.name}.{metric.name}": tuple(name for name in asks(metric) if lookup(name) is None)
        for component in model.components
        for metric in component.metrics
        if rated(metric, lookup) is None
    }
