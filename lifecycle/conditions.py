"""Evaluates checked expression trees over plain values, and says why the answer is what it is.

Logic is three-valued: what is not known (None) makes a comparison unknown; unknown is not met, and `not unknown` stays
unknown, so that an absent fact can
neither trigger nor excuse anything. `authoring.expressions` has checked names and types; a tree that still does not
fit (an old release, a fact of
another type) is unknown, never an exception.
"""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeGuard

from lifecycle.actions import Expr
from lifecycle.memo import once
from lifecycle.model import Value

Lookup = Callable[[str], Value]
Truth = Callable[[Lookup], bool | None]

_COMPARE: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "==": ("==", operator.eq),
    "!=": ("!=", operator.ne),
    "<": ("<", operator.lt),
    "<=": ("<=", operator.le),
    ">": (">", operator.gt),
    ">=": (">=", operator.ge),
    "in": ("in", lambda left, right: left in right),
    "not_in": ("not in", lambda left, right: left not in right),
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_LOGIC = ("and", "or", "not", "known", "unknown")


@dataclass(frozen=True, slots=True)
class Answer:
    """`met`: True, False or None (unknown). `because`: the clauses that decided it, with the values they saw."""

    met: bool | None
    because: str


def holds(expr: Expr | None, lookup: Lookup) -> bool:
    """Whether a condition is met; an absent condition always is."""
    return expr is None or _truth(expr.tree)(lookup) is True


def truth(expr: Expr, lookup: Lookup) -> bool | None:
    """Whether a condition is met; None where that is unknown."""
    return _truth(expr.tree)(lookup)


def because(expr: Expr, lookup: Lookup) -> str:
    """Why a condition is what it is: `usage.dau_wau = 0.42 < 0.5`."""
    return "; ".join(dict.fromkeys(_because(expr.tree, lookup)))


def explain(expr: Expr, lookup: Lookup) -> Answer:
    """The answer with its reason."""
    return Answer(truth(expr, lookup), because(expr, lookup))


def value(tree: Any, lookup: Lookup) -> Any:
    """The value of a tree; None where it is unknown."""
    return _value(tree)(lookup)


@once
def _value(tree: Any) -> Callable[[Lookup], Any]:
    """A tree as a function of what names stand for; worked out once per tree, because a play asks the same all its
    life.
    """
    match tree[0]:
        case "const":
            return lambda _lookup, constant=tree[1]: constant  # type: ignore[misc]  # mypy cannot infer this lambda
        case "get":
            return lambda lookup, name=tree[1]: lookup(name)  # type: ignore[misc]  # mypy cannot infer this lambda
        case "list":
            parts = tuple(_value(item) for item in tree[1:])
            return lambda lookup: tuple(part(lookup) for part in parts)
        case "neg":
            return _negative(_value(tree[1]))
        case op if op in _ARITHMETIC:
            left, right = _value(tree[1]), _value(tree[2])
            return lambda lookup: _calculate(op, left(lookup), right(lookup))
        case op if op in _LOGIC or op in _COMPARE:
            return _truth(tree)
        case _:
            return lambda _lookup: None


def _negative(inner: Callable[[Lookup], Any]) -> Callable[[Lookup], Any]:
    def negative(lookup: Lookup) -> Any:
        found = inner(lookup)
        return -found if is_number(found) else None

    return negative


def _calculate(op: str, left: Any, right: Any) -> Any:
    if not (is_number(left) and is_number(right)):
        return None
    try:
        return _ARITHMETIC[op](left, right)
    except ArithmeticError:
        return None


def as_date(item: Value) -> date | None:
    """A fact of type date as a day; None for what is none."""
    if not isinstance(item, str):
        return None
    try:
        return date.fromisoformat(item)
    except ValueError:
        return None


def names(expr: Expr) -> tuple[str, ...]:
    """Every name that an expression reads, each once, in order."""
    return tuple(dict.fromkeys(names_in(expr.tree)))


def names_in(tree: Any) -> Iterator[str]:
    """Every name that a tree looks up, in order, as often as it stands there."""
    if tree[0] == "get":
        yield tree[1]
    elif tree[0] != "const":
        for item in tree[1:]:
            yield from names_in(item)


def is_number(item: object) -> TypeGuard[int | float]:
    """Whether a value is a number; yes and no are none."""
    return type(item) is int or type(item) is float


@once
def _truth(tree: Any) -> Truth:
    match tree[0]:
        case "and":
            return _every(tuple(_truth(item) for item in tree[1:]))
        case "or":
            return _not(_every(tuple(_not(_truth(item)) for item in tree[1:])))
        case "not":
            return _not(_truth(tree[1]))
        case "known":
            known = _value(tree[1])
            return lambda lookup: known(lookup) is not None
        case "unknown":
            unknown = _value(tree[1])
            return lambda lookup: unknown(lookup) is None
        case op if op in _COMPARE:
            fixed = _constant(tree[2])
            if tree[1][0] == "get" and fixed is not None:
                return _against(_COMPARE[op][1], tree[1][1], fixed)
            left, right = _value(tree[1]), _value(tree[2])
            return lambda lookup: _compare(op, left(lookup), right(lookup))
        case _:
            return _bool(_value(tree))


def _constant(tree: Any) -> Any:
    """What a tree always stands for; None for one that asks, works something out, or holds what is not known."""
    if tree[0] == "const":
        return tree[1]
    if tree[0] == "list" and all(item[0] == "const" and item[1] is not None for item in tree[1:]):
        return tuple(item[1] for item in tree[1:])
    return None


def _against(compare: Callable[[Any, Any], bool], name: str, right: Any) -> Truth:
    """The comparison of a name with something fixed, as most are: `_compare` in one go."""

    def against(lookup: Lookup) -> bool | None:
        left = lookup(name)
        if left is None:
            return None
        try:
            return bool(compare(left, right))
        except TypeError:
            return None

    return against


def _every(parts: tuple[Truth, ...]) -> Truth:
    def every(lookup: Lookup) -> bool | None:
        result: bool | None = True
        for part in parts:
            answer = part(lookup)
            if answer is False:
                return False
            if answer is None:
                result = None
        return result

    return every


def _not(part: Truth) -> Truth:
    def negated(lookup: Lookup) -> bool | None:
        answer = part(lookup)
        return None if answer is None else not answer

    return negated


def _bool(part: Callable[[Lookup], Any]) -> Truth:
    def as_bool(lookup: Lookup) -> bool | None:
        found = part(lookup)
        return None if found is None else bool(found)

    return as_bool


def _compare(op: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    try:
        answer = bool(_COMPARE[op][1](left, right))
    except TypeError:
        return None
    might_hold = op in ("in", "not_in") and isinstance(right, tuple) and None in right
    return None if might_hold and answer is (op == "not_in") else answer


def _because(tree: Any, lookup: Lookup) -> list[str]:
    """The clauses that made the answer what it is: for a failed `and` those that failed, for a met one all of them."""
    match tree[0]:
        case "and" | "or":
            answer = _truth(tree)(lookup)
            decisive = [item for item in tree[1:] if _truth(item)(lookup) == answer] or list(tree[1:])
            return [line for item in decisive for line in _because(item, lookup)]
        case "not":
            return _because(tree[1], lookup)
        case "known" | "unknown":
            return [_shown(tree[1], lookup)]
        case op if op in _COMPARE:
            return [_clause(op, _truth(tree)(lookup), _shown(tree[1], lookup), _shown(tree[2], lookup))]
        case "const":
            return [text(tree[1])]
        case _:
            return [_shown(tree, lookup)]


def _clause(op: str, answer: bool | None, left: str, right: str) -> str:
    """A comparison with its answer in words, so that one that failed does not read as if it held."""
    sign = _COMPARE[op][0]
    if answer is None:
        return f"{left} {sign} {right}"
    if op in ("==", "!="):
        return left if answer is (op == "==") else f"{left}, not {right}"
    if answer:
        return f"{left} {sign} {right}"
    return f"{left}, {sign.removeprefix('not ')} {right}" if op == "not_in" else f"{left}, not {sign} {right}"


def _shown(tree: Any, lookup: Lookup) -> str:
    match tree[0]:
        case "const":
            return text(tree[1])
        case "list":
            return "[" + ", ".join(_shown(item, lookup) for item in tree[1:]) + "]"
        case "get":
            found = lookup(tree[1])
            return f"{tree[1]} unknown" if found is None else f"{tree[1]} = {text(found)}"
        case op if op in _ARITHMETIC:
            return f"{_shown(tree[1], lookup)} {op} {_shown(tree[2], lookup)}"
        case _:
            return text(value(tree, lookup))


def text(item: Any) -> str:
    """A value as reasons show it."""
    if item is None:
        return "unknown"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return f"'{item}'" if isinstance(item, str) else f"{item:g}" if isinstance(item, float) else str(item)
