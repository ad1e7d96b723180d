"""How much there may be to do and to write while a template is filled in: an upper bound, read off its syntax.

A text that repeats itself a thousand million times would stop the worker that fills it in, and with it everybody's
sends. What is known only then (a name, a list of it) counts as `NAME` characters or rounds; what is written counts as
it is: a number as its value, for it may be a width or how often; a text as its length; another template as what is in
it. Parts add up; loops, calls, filters, `*` and `%` multiply. What hangs on itself, and `**`, has no bound. A fact that
says how wide or how often is as much as its range allows; without a range it has no bound either.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from jinja2 import nodes

from authoring.expressions import dotted

MOST = 100_000_000
"""Above this a template is refused: seconds of work, or a text of a hundred megabytes."""
NAME = 100
ENDLESS = MOST + 1

_WIDTH = re.compile(r"[%:][-+#0<>^=,]*(\d+)")
_WIDTHS_GIVEN = re.compile(r"%[-+ #0]*(\*|\d*\.\*)|:[^{}]*\{")
_OTHERS = (nodes.Include, nodes.Extends)
_GIVE = (
    *(nodes.Macro, nodes.Block, nodes.Assign, nodes.AssignBlock),
    *(nodes.Import, nodes.FromImport, nodes.For, nodes.With),
)
"""What gives a name to something, or counts."""
_TIMES = (nodes.Mul, nodes.Mod, nodes.Call, nodes.Filter)
_WIDE = frozenset({"center", "indent", "batch", "slice", "ljust", "rjust", "zfill", "expandtabs", "range", "lipsum"})
"""Filters, functions and methods that are told how wide or how often."""
_COUNTS = frozenset({"round", "int", "float", "abs", "length", "count", "sum", "wordcount"})
"""Filters that make a number of anything."""
_OF_NUMBERS = (nodes.BinExpr, nodes.UnaryExpr, nodes.Filter)
"""What is a number where all that it is made of are."""


class Extent:
    """Measures templates that are filled in together, by their paths."""

    def __init__(self, family: Mapping[str, nodes.Template], highs: Mapping[str, float | None]) -> None:
        """`highs`: numbers that texts may use, with the highest that each can be, None where nobody says."""
        self.family = family
        self._times = {
            name: ENDLESS if high is None else max(1, math.ceil(high / NAME)) for name, high in highs.items()
        }
        self._given: dict[str, list[nodes.Node]] = {}
        self._found: dict[str, int] = {}
        self._whole: dict[str, int] = {}
        self._counters: set[str] = set()
        for tree in family.values():
            self._learn(tree)

    def excess(self, path: str) -> nodes.Node | None:
        """The innermost part of a template that is too much by itself; None where it is another template's, or none."""
        if self._template(path) <= MOST:
            return None
        node: nodes.Node = self.family[path]
        while inner := next((one for one in node.iter_child_nodes() if self.of(one) > MOST), None):
            node = inner
        return None if isinstance(node, _OTHERS) else node

    def of(self, node: nodes.Node) -> int:
        """How much this may be, at most `ENDLESS`."""
        by_facts = (self._times.get(name, 1) for part in self._sizes(node) for name in self._names(part))
        return min(math.prod(by_facts, start=self._measure(node)), ENDLESS)

    # --- what facts multiply ------------------------------------------------------------------------------------------

    def _sizes(self, node: nodes.Node) -> list[nodes.Node]:
        """The parts of a node that say how wide or how often."""
        match node:
            case nodes.Mul():
                sides = ((node.left, node.right), (node.right, node.left))
                return [times for text, times in sides if not self._is_number(text)]
            case nodes.Filter(name=called) | nodes.Call(node=nodes.Name(name=called) | nodes.Getattr(attr=called)):
                told: list[nodes.Node] = [*node.args, *node.kwargs]
                return told if called in _WIDE or (called == "format" and self._takes_widths(node)) else []
            case nodes.Mod():
                return [node.right] if self._takes_widths(node) else []
            case _:
                return []

    def _takes_widths(self, node: nodes.Node) -> bool:
        """Whether a form takes a width from what is filled in, as `%*d` and `{:{}}` do."""
        texts = (one.value for one in self._reached(node, set()) if isinstance(one, nodes.Const))
        return any(isinstance(text, str) and _WIDTHS_GIVEN.search(text) for text in texts)

    def _names(self, node: nodes.Node) -> set[str]:
        """Every dotted name that a value hangs on."""
        return {path for one in self._reached(node, set()) if (path := dotted(one)) is not None}

    def _reached(self, node: nodes.Node, seen: set[str]) -> Iterator[nodes.Node]:
        """All parts of a node, and of what its names were given."""
        yield node
        inside = list(node.iter_child_nodes())
        if isinstance(node, nodes.Name) and node.name not in seen:
            seen.add(node.name)
            inside = [part for one in self._given.get(node.name, ()) for part in self._parts(one)]
        for part in inside:
            yield from self._reached(part, seen)

    def _is_number(self, node: nodes.Node, above: tuple[str, ...] = ()) -> bool:
        """Whether this is surely a number, so that to multiply by it repeats nothing."""
        match node:
            case nodes.Const():
                return not isinstance(node.value, str)
            case nodes.Getattr():
                return dotted(node) in self._times
            case nodes.Name(name=name) if name in self._counters:
                return True
            case nodes.Name():
                given = [part for one in self._given.get(node.name, ()) for part in self._parts(one)]
                known = bool(given) and node.name not in above
                return known and all(self._is_number(one, (*above, node.name)) for one in given)
            case nodes.Filter() if node.name in _COUNTS:
                return True
            case nodes.CondExpr(expr1=one, expr2=other):
                return self._is_number(one, above) and other is not None and self._is_number(other, above)
            case _:
                return isinstance(node, _OF_NUMBERS) and all(
                    self._is_number(part, above) for part in node.iter_child_nodes()
                )

    # --- what is written ----------------------------------------------------------------------------------------------

    def _measure(self, node: nodes.Node) -> int:
        match node:
            case nodes.TemplateData():
                return len(node.data)
            case nodes.Const():
                return _constant(node.value)
            case nodes.Name():
                return self._name(node.name)
            case nodes.Getattr(node=nodes.Name(name="self")):
                return self._name(f"self.{node.attr}")
            case nodes.Pow():
                return ENDLESS
            case nodes.Include() | nodes.Extends():
                return sum(self._template(path) for path in _named(node.template))
            case nodes.For():
                return self._loop(node)
            case nodes.Macro():
                return 0
            case nodes.Compare():
                return sum(1 if isinstance(one, nodes.Const) else self.of(one) for one in _compared(node))
            case nodes.Call(node=nodes.Name(name="range")) if all(isinstance(one, nodes.Const) for one in node.args):
                return _rounds([one.value for one in node.args if isinstance(one, nodes.Const)])
            case nodes.FilterBlock() | nodes.CallBlock():
                around = node.filter if isinstance(node, nodes.FilterBlock) else node.call
                return max(1, self.of(around)) * max(1, sum(self.of(one) for one in node.body))
            case _ if isinstance(node, _TIMES):
                return math.prod(max(1, self.of(one)) for one in node.iter_child_nodes())
            case _:
                return sum(self.of(one) for one in node.iter_child_nodes())

    def _loop(self, node: nodes.For) -> int:
        if node.recursive:
            return ENDLESS
        inside = sum(self.of(one) for one in chain([node.test] if node.test else [], node.body))
        return max(1, self.of(node.iter)) * (1 + inside) + sum(self.of(one) for one in node.else_)

    def _template(self, path: str) -> int:
        """A whole template; one that is missing or includes itself is told elsewhere, and counts as nothing."""
        if path not in self._whole:
            self._whole[path] = 0
            self._whole[path] = self.of(self.family[path]) if path in self.family else 0
        return self._whole[path]

    def _name(self, name: str) -> int:
        """What a template gave this name; one that is given by what hangs on it has no bound."""
        if name not in self._given:
            return NAME
        if name not in self._found:
            self._found[name] = ENDLESS
            self._found[name] = max(sum(self.of(part) for part in self._parts(one)) for one in self._given[name])
        return self._found[name]

    def _parts(self, given: nodes.Node) -> Iterable[nodes.Node]:
        """What makes the value of a name."""
        match given:
            case nodes.Macro():
                return (*given.defaults, *given.body)
            case nodes.Block():
                return given.body
            case nodes.Assign():
                return (given.node,)
            case nodes.AssignBlock():
                return (*given.body, *((given.filter,) if given.filter else ()))
            case nodes.Import():
                trees = (self.family[path] for path in _named(given.template) if path in self.family)
                return [part for tree in trees for one in tree.find_all(nodes.Macro) for part in self._parts(one)]
            case _:
                return (given,)

    def _learn(self, tree: nodes.Template) -> None:
        for node in tree.find_all(_GIVE):
            match node:
                case nodes.Macro():
                    self._give(node.name, node)
                case nodes.Block():
                    self._give(f"self.{node.name}", node)
                case nodes.Assign() | nodes.AssignBlock():
                    self._targets(node.target, node)
                case nodes.Import():
                    self._give(node.target, node)
                case nodes.For(target=nodes.Name(name=counter), iter=nodes.Call(node=nodes.Name(name="range"))):
                    self._counters.add(counter)
                case nodes.With():
                    for target, value in zip(node.targets, node.values, strict=True):
                        self._targets(target, value)
                case nodes.FromImport():
                    for name in node.names:
                        if not isinstance(name, str):
                            self._give(name[1], nodes.Name(name[0], "load"))
                case _:
                    pass

    def _targets(self, target: nodes.Node, value: nodes.Node) -> None:
        for named in (target, *target.find_all((nodes.Name, nodes.NSRef))):
            if isinstance(named, nodes.Name | nodes.NSRef):
                self._give(named.name, value)

    def _give(self, name: str, value: nodes.Node) -> None:
        self._given.setdefault(name, []).append(value)


def _named(template: nodes.Expr) -> list[str]:
    """The templates that stand there by name; those named by a value are told elsewhere."""
    items = template.items if isinstance(template, nodes.List | nodes.Tuple) else [template]
    return [item.value for item in items if isinstance(item, nodes.Const) and isinstance(item.value, str)]


def _compared(node: nodes.Compare) -> list[nodes.Node]:
    return [node.expr, *(one.expr for one in node.ops)]


def _constant(value: object) -> int:
    match value:
        case str():
            return max([1, len(value), *(_number(found) for found in _WIDTH.findall(value))])
        case int() | float():
            return ENDLESS if abs(value) > MOST else max(1, math.ceil(abs(value)))
        case _:
            return 1


def _number(digits: str) -> int:
    return ENDLESS if len(digits) > len(str(MOST)) else int(digits)


def _rounds(bounds: list[object]) -> int:
    """Rounds of `range(...)` of numbers; what it cannot be stops the send."""
    whole = [one for one in bounds if isinstance(one, int)]
    if not whole or len(whole) < len(bounds) or len(whole) > 3 or whole[2:] == [0]:  # noqa: PLR2004  # start, stop, step
        return 1
    return min(len(range(*whole)), ENDLESS) if max(map(abs, whole)) <= MOST else ENDLESS
