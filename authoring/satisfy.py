"""What would have to be otherwise for a condition to hold, or not to: the fewest names with values near today's.

A search over values that can matter: those where a comparison turns, a step beside them, and in between. Every way that
is returned was tried on the condition itself, so none is wrong; a condition of an unusual shape may have ways that are
not found.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, combinations, islice, pairwise, product
from math import ceil, floor
from typing import Any

from authoring.namespace import Names
from lifecycle import conditions
from lifecycle.actions import Expr
from lifecycle.conditions import Lookup
from lifecycle.model import Value
from lifecycle.playbook import FactSpec

Way = dict[str, Value]
"""Names with the values that they would need."""
MOST = 12
"""Ways that are returned."""
_TRIES = 4_000
_COMPARE = ("==", "!=", "<", "<=", ">", ">=", "in", "not_in")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What a condition is judged by: the values as they are, the types of names, the specs of facts."""

    lookup: Lookup
    names: Names
    facts: Mapping[str, FactSpec]

    def with_(self, way: Way) -> Lookup:
        """The values as they would be."""
        return lambda name: way[name] if name in way else self.lookup(name)


def ways(expr: Expr, known: Known, *, want: bool = True) -> list[Way]:
    """Ways to make a condition hold (or fail), those that change the fewest names first; `[{}]` where it does already.

    One that fails is false, not unknown: an unknown condition is not met, but nobody knows what it will be.
    """
    tree = expr.tree
    if conditions.truth(expr, known.lookup) is want:
        return [{}]
    found = list(islice(_pooled(tree, tree, known, want, 1), MOST))
    if not found:
        apart = [way for way in _apart(tree, tree, known, want) if _does(tree, way, known, want)]
        found = sorted((*apart, *islice(_pooled(tree, tree, known, want, 2), MOST)), key=len)
    return found[:MOST]


def _does(tree: Any, way: Way, known: Known, want: bool) -> bool:
    return conditions.truth(Expr("", tree), known.with_(way)) is want


def _apart(tree: Any, whole: Any, known: Known, want: bool) -> list[Way]:
    """Ways for each part by itself, put together where all of them must hold."""
    if _does(tree, {}, known, want):
        return [{}]
    if tree[0] == "not":
        return _apart(tree[1], whole, known, not want)
    if tree[0] not in ("and", "or"):
        first = list(islice(_pooled(tree, whole, known, want, 1), MOST))
        return first or list(islice(_pooled(tree, whole, known, want, 2), MOST))
    parts = [_apart(part, whole, known, want) for part in tree[1:]]
    if (tree[0] == "and") is not want:
        return list(chain.from_iterable(parts))[:MOST]
    found: list[Way] = [{}]
    for part in parts:
        both = [{**one, **other} for one in found for other in part if not _differ(one, other)]
        found = sorted(both, key=len)[:MOST]
    return found


def _differ(one: Way, other: Way) -> bool:
    return any(name in one and one[name] != value for name, value in other.items())


def _pooled(tree: Any, whole: Any, known: Known, want: bool, size: int) -> Iterator[Way]:
    """Ways that change so many names, of a part of a condition; values are those that matter to the whole."""
    names = tuple(dict.fromkeys(conditions.names_in(tree)))
    pools = {name: _values(name, whole, known) for name in names}
    tries: Iterable[Way] = (
        dict(zip(chosen, values, strict=True))
        for chosen in combinations(names, size)
        for values in product(*(pools[name] for name in chosen))
    )
    return (way for way in islice(tries, _TRIES) if _does(tree, way, known, want))


def _values(name: str, tree: Any, known: Known) -> list[Value]:
    """The values of a name that can matter, the nearest to today's first."""
    now = known.lookup(name)
    match known.names.type_of(name):
        case "boolean":
            found: list[Value] = [True, False]
        case "number":
            found = list(_numbers(name, tree, known))
        case "date":
            found = list(_dates(tree, known))
        case _:
            found = list(known.names.choices.get(name) or (*_constants(tree, str), "another"))
    return [value for value in dict.fromkeys(found) if value != now]


def _numbers(name: str, tree: Any, known: Known) -> list[Value]:
    spec = known.facts.get(name) or FactSpec("number")
    step = spec.resolution or 1
    turns = sorted({*_turns(name, tree, known), *_constants(tree, int), *_constants(tree, float)})
    ends = [end for end in (spec.low, spec.high) if end is not None]
    between = [(one + other) / 2 for one, other in pairwise(turns)]
    beside = [turn + off for turn in turns for off in (0, step, -step)]
    now = known.lookup(name)
    near = now if isinstance(now, int | float) else turns[0] if turns else 0
    rounded = [_plain(value) for value in (*beside, *between, *ends)]
    if name not in known.facts:  # of the other names only the ARR is a number, in whole units
        rounded = [whole for value in rounded for whole in (floor(value), ceil(value))]
    inside = sorted((abs(value - near), value) for value in rounded if _within(value, spec))
    return [value for _, value in inside]


def _within(value: float, spec: FactSpec) -> bool:
    return (spec.low is None or value >= spec.low) and (spec.high is None or value <= spec.high)


def _plain(value: float) -> float:
    """Without the dust of binary fractions; a whole number as one."""
    found = round(value, 9)
    return int(found) if float(found).is_integer() else found


def _turns(name: str, tree: Any, known: Known) -> Iterator[float]:
    """Where comparisons that are straight lines in this name turn over."""
    for part in parts(tree):
        if part[0] in _COMPARE and name in conditions.names_in(part):
            at = [_gap(part, known.with_({name: x})) for x in (0, 1)]
            if at[0] is not None and at[1] is not None and at[0] != at[1]:
                yield at[0] / (at[0] - at[1])


def _gap(part: Any, lookup: Lookup) -> float | None:
    left, right = (conditions.value(item, lookup) for item in part[1:3])
    return left - right if conditions.is_number(left) and conditions.is_number(right) else None


def _dates(tree: Any, known: Known) -> Iterator[str]:
    written = (*_constants(tree, str), *(known.lookup(name) for name in conditions.names_in(tree)))
    for item in written:
        day = conditions.as_date(item)
        if day is not None:
            yield from (one.isoformat() for one in (day, day - _DAY, day + _DAY))


def _constants(tree: Any, kind: type) -> tuple[Any, ...]:
    return tuple(part[1] for part in parts(tree) if part[0] == "const" and type(part[1]) is kind)


def parts(tree: Any) -> Iterator[Any]:
    """A tree and all trees in it."""
    yield tree
    if tree[0] not in ("get", "const"):
        for part in tree[1:]:
            yield from parts(part)


def leaves(tree: Any) -> Iterator[Any]:
    """The smallest conditions that a condition is made of."""
    if tree[0] in ("and", "or", "not"):
        for part in tree[1:]:
            yield from leaves(part)
    else:
        yield tree


_SIGNS = {"not_in": "not in"}
_BINDS = {"or": 1, "and": 2, "not": 3}


def written(tree: Any, inside: int = 0) -> str:
    """A tree as an author writes it."""
    op = tree[0]
    match op:
        case "get":
            return str(tree[1])
        case "const":
            return repr(tree[1]).lower() if isinstance(tree[1], bool) else repr(tree[1])
        case "list":
            return "[" + ", ".join(written(part) for part in tree[1:]) + "]"
        case "known" | "unknown":
            return f"{written(tree[1])} is {'defined' if op == 'known' else 'undefined'}"
        case "neg":
            return f"-{written(tree[1], 9)}"
        case "not":
            return f"not {written(tree[1], _BINDS['not'])}"
        case _:
            binds = _BINDS.get(op, 4 if op in _COMPARE else 5)
            text = f" {_SIGNS.get(op, op)} ".join(written(part, binds + (op not in ("and", "or"))) for part in tree[1:])
            return f"({text})" if binds < inside else text
