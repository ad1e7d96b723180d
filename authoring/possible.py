"""Whether conditions can hold together: a careful no, never a wrong one.

Each name gets what its conditions leave of it: bounds, the values it may have, those it may not. What is not understood
(arithmetic, two names compared) forbids nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from lifecycle.actions import Expr
from lifecycle.conditions import is_number, names_in, truth

_MOST = 64
"""Ways through `or` that are looked at; beyond them a condition counts as possible."""
_NOT = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not_in", "not_in": "in"}
_NOT |= {"known": "unknown", "unknown": "known"}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_STRICT = ("<", ">")


@dataclass(slots=True)
class _Left:
    """What is left of one name. `low`, `high`: bounds, with whether they are excluded; `values`: None for any."""

    low: tuple[float, bool] = (-math.inf, False)
    high: tuple[float, bool] = (math.inf, False)
    values: set[Any] | None = None
    never: set[Any] = field(default_factory=set)
    unknown: bool = False
    asked: bool = False

    def allows(self) -> bool:
        """Whether anything is left."""
        if self.unknown:
            return not self.asked
        low, high = self.low[0], self.high[0]
        if low > high or (low == high and (self.low[1] or self.high[1])):
            return False
        return self.values is None or any(value not in self.never and self._within(value) for value in self.values)

    def _within(self, value: Any) -> bool:
        if not is_number(value):
            return True
        above = value > self.low[0] or (value == self.low[0] and not self.low[1])
        return above and (value < self.high[0] or (value == self.high[0] and not self.high[1]))

    def take(self, op: str, value: Any) -> None:
        """Leave only what compares so with a constant."""
        self.asked = True
        number = is_number(value)
        match op:
            case "==":
                self.values = {value} if self.values is None else self.values & {value}
            case "!=":
                self.never.add(value)
            case "<" | "<=" if number:
                self.high = min(self.high, (value, op in _STRICT), key=lambda bound: (bound[0], not bound[1]))
            case ">" | ">=" if number:
                self.low = max(self.low, (value, op in _STRICT), key=lambda bound: (bound[0], bound[1]))
            case _:
                pass

    def choose(self, values: set[Any], *, within: bool) -> None:
        """Leave only some values, or all but them."""
        self.asked = True
        if not within:
            self.never |= values
        else:
            self.values = values if self.values is None else self.values & values


def possible(*trees: Any) -> bool:
    """Whether all of these can hold at one time; False only when they surely cannot."""
    ways = [list(islice(_ways(tree), _MOST + 1)) for tree in trees]
    if math.prod(len(item) for item in ways) > _MOST:
        return True
    return any(_consistent([atom for way in chosen for atom in way]) for chosen in product(*ways))


def negated(tree: Any) -> Any:
    """What holds exactly when the tree surely does not."""
    match tree[0]:
        case "and" | "or":
            return ("or" if tree[0] == "and" else "and", *(negated(item) for item in tree[1:]))
        case "not":
            return tree[1]
        case "const":
            return ("const", not tree[1])
        case op if op in _NOT:
            return (_NOT[op], *tree[1:])
        case _:
            return ("not", tree)


def _ways(tree: Any) -> Iterator[tuple[Any, ...]]:
    """The ways in which a tree can hold: each a tuple of atoms that hold together."""
    match tree[0]:
        case "or":
            for item in tree[1:]:
                yield from _ways(item)
        case "and":
            for chosen in product(*(list(islice(_ways(item), _MOST + 1)) for item in tree[1:])):
                yield tuple(atom for way in chosen for atom in way)
        case "not" if tree[1][0] != "get":
            yield from _ways(negated(tree[1]))
        case _:
            yield (tree,)


def _consistent(atoms: list[Any]) -> bool:
    left: dict[str, _Left] = {}
    for atom in atoms:
        if not any(names_in(atom)) and truth(Expr("", atom), lambda _name: None) is not True:
            return False
        _take(atom, left)
    return all(item.allows() for item in left.values())


def _take(atom: Any, left: dict[str, _Left]) -> None:
    match atom:
        case ("get", name):
            left.setdefault(name, _Left()).take("==", True)  # the value of the name
        case ("not", ("get", name)):
            left.setdefault(name, _Left()).take("==", False)  # the value of the name
        case ("known", ("get", name)):
            left.setdefault(name, _Left()).asked = True
        case ("unknown", ("get", name)):
            left.setdefault(name, _Left()).unknown = True
        case ("in" | "not_in" as op, ("get", name), ("list", *items)) if all(item[0] == "const" for item in items):
            left.setdefault(name, _Left()).choose({item[1] for item in items}, within=op == "in")
        case (op, ("get", name), ("const", value)) if op in _TURNED:
            left.setdefault(name, _Left()).take(op, value)
        case (op, ("const", value), ("get", name)) if op in _TURNED:
            left.setdefault(name, _Left()).take(_TURNED[op], value)
        case _:
            pass
