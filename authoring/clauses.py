"""Conditions clause by clause, with the values that they see and when each was learned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from authoring.satisfy import written
from lifecycle import conditions
from lifecycle.actions import Expr
from lifecycle.model import Value
from lifecycle.turn import NOTHING, Turn


@dataclass(frozen=True, slots=True)
class Seen:
    """A value that a condition reads. `at`: when it was learned; None where it always was so, or is not known."""

    name: str
    value: Value
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition, or one of several that must all hold. `met`: None where that is unknown."""

    text: str
    met: bool | None
    because: str
    seen: tuple[Seen, ...]


def clauses(turn: Turn, expr: Expr | None, about: Mapping[str, Value] = NOTHING) -> tuple[Clause, ...]:
    """A condition, part by part where all parts must hold; none for one that is absent."""
    if expr is None:
        return ()
    if expr.tree[0] != "and":
        return (clause(turn, expr, about),)
    return tuple(clause(turn, Expr(written(part), part), about) for part in expr.tree[1:])


def clause(turn: Turn, expr: Expr, about: Mapping[str, Value]) -> Clause:
    answer = conditions.explain(expr, lambda name: turn.lookup(name, about))
    seen = tuple(Seen(name, turn.lookup(name, about), _learned(turn, name, about)) for name in conditions.names(expr))
    return Clause(expr.text, answer.met, answer.because, seen)


def _learned(turn: Turn, name: str, about: Mapping[str, Value]) -> datetime | None:
    """When the value of a name was learned. What a milestone hangs on is learned with the last of its facts."""
    group, _, last = name.partition(".")
    if name in about:
        return None
    if name in turn.facts:
        return turn.facts[name].at
    if name == "customer.stage":
        return turn.moved
    if group != "milestones" or last in turn.ticked:
        return turn.ticked.get(last) if group == "milestones" else None
    spec = turn.life.milestones.get(last)
    named = conditions.names(spec.when) if spec is not None and spec.when is not None else ()
    return max((at for item in named if (at := _learned(turn, item, about)) is not None), default=None)
