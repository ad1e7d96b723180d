"""What a customer's health score is made of, for people and programs: its parts and why, what is not known, the trend.

The dashboard's customer page and `stageplay health` show the same.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lifecycle import calendar, conditions, health, scoring
from lifecycle.model import Snapshot, State
from lifecycle.playbook import Lifecycle
from lifecycle.releases import Releases


@dataclass(frozen=True, slots=True)
class Line:
    """A component or metric. `weight`: of 100 points. `points`: those it brings, None where it is left out. `known`:
    percent of it. `why`: what made a metric so. `missing`: the names that a metric asks for and nobody has reported.
    """

    title: str
    weight: float
    points: float | None
    known: float
    why: str = ""
    missing: tuple[str, ...] = ()
    parts: "tuple[Line, ...]" = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of a customer. `score`: None while there is none. `own`: it is made by the model, not reported.
    `model`: its title, empty where the lifecycle has none. `known`: percent of the model. `change`: against 30 days
    before, or the first snapshot. `fell_until`: until when it counts as fallen.
    """

    score: float | None
    own: bool
    band: str
    model: str = ""
    known: int = 0
    least_known: int = 0
    range: str = ""
    action: str = ""
    parts: tuple[Line, ...] = ()
    history: tuple[Snapshot, ...] = ()
    change: float | None = None
    fell_until: datetime | None = None


def scored(releases: Releases, state: State) -> Scored:
    """What a state says of a customer's health."""
    value = scoring.score_of(state)
    change = None if value is None else health.change(state.history, value, state.as_of)
    fell = None if value is None else health.fell_until(state.history, value, state.as_of)
    found = scoring.standing(releases, state)
    if found is None:
        return Scored(value, own=False, band=state.band, history=state.history, change=change, fell_until=fell)
    model, made, lookup = found
    life = releases.lifecycle(releases.catalogue(state.catalogue).lifecycle)
    place = None if value is None else health.range_of(model, value)
    return Scored(
        value,
        made.value is not None,
        state.band,
        model.title,
        made.known,
        model.least_known,
        place.title if place else "",
        place.action if place else "",
        tuple(
            _component(part, component, lookup, life)
            for part, component in zip(made.parts, model.components, strict=True)
        ),
        state.history,
        change,
        fell,
    )


def _component(part: health.Part, component: health.Component, lookup: conditions.Lookup, life: Lifecycle) -> Line:
    parts = tuple(
        _metric(inner, metric, lookup, life) for inner, metric in zip(part.parts, component.metrics, strict=True)
    )
    return Line(part.title, part.weight, part.points, part.known, parts=parts)


def _metric(part: health.Part, metric: health.Metric, lookup: conditions.Lookup, life: Lifecycle) -> Line:
    if part.known:
        return Line(part.title, part.weight, part.points, part.known, health.because(metric, lookup))
    missing = tuple(_named(name, life) for name in health.asks(metric) if lookup(name) is None)
    return Line(part.title, part.weight, part.points, part.known, missing=missing)


def _named(name: str, life: Lifecycle) -> str:
    """A name with what people call it."""
    milestone = life.milestones.get(name.removeprefix("milestones."))
    spec = life.facts.get(name)
    title = milestone.title if milestone else spec.title if spec else ""
    return f"{title} ({name})" if title else name


def to_json(found: Scored, zone: str) -> dict[str, Any]:
    """As plain JSON data; instants in the customer's zone, with offset."""

    def at(instant: datetime) -> str:
        return calendar.local(instant, zone).isoformat(timespec="seconds")

    return {
        "score": found.score,
        "own": found.own,
        "band": found.band,
        "model": found.model,
        "known": found.known,
        "least_known": found.least_known,
        "range": found.range,
        "action": found.action,
        "change": found.change,
        "fell_until": None if found.fell_until is None else at(found.fell_until),
        "parts": [_line_json(line) for line in found.parts],
        "history": [{"at": at(item.at), "score": item.score, "high": item.highest} for item in found.history],
    }


def _line_json(line: Line) -> dict[str, Any]:
    data = {"title": line.title, "weight": line.weight, "points": line.points, "known": line.known}
    inner = {"parts": [_line_json(part) for part in line.parts]} if line.parts else {}
    return data | {"why": line.why, "missing": list(line.missing)} | inner
