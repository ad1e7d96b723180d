"""Conditions: Jinja2's own parser, a restricted subset, names and types checked, compiled to a tree.

Allowed: names of the namespace, texts, numbers, true and false, lists of these, comparison, `in`, `and or not`,
arithmetic on numbers, `is defined`. Nothing is ever called, filtered, indexed or looked up by attribute on a value, so
an expression cannot reach anything. Every fault is a finding at the exact words; none is raised.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateError
from jinja2.parser import Parser

from authoring.diagnostics import Place, Report, near
from authoring.fields import TYPESET
from authoring.namespace import Names, Type, offered
from authoring.source import Scalar
from lifecycle.actions import Expr
from lifecycle.conditions import as_date, names_in

MAX_LENGTH = 500
MAX_DEPTH = 20
_LARGEST = 10**15
_NEVER = ("const", False)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")

_OPERATORS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lteq": "<=",
    "gt": ">",
    "gteq": ">=",
    "in": "in",
    "notin": "not_in",
}
_ARITHMETIC: dict[type[nodes.Node], str] = {nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*", nodes.Div: "/"}
_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Call: ("a call", 'compare values instead, such as "nps.score >= 9"'),
    nodes.Filter: ("a filter", "filters belong into templates; compare the plain value"),
    nodes.Getitem: ("square brackets after a value", 'write the name with dots, such as "usage.dau_wau"'),
    nodes.CondExpr: ('"... if ... else ..."', 'use "and" and "or"'),
    nodes.Dict: ("a mapping", "compare single values"),
    nodes.Concat: ('"~"', "compare the texts one by one"),
    nodes.Mod: ('"%"', "use + - * / on numbers"),
    nodes.FloorDiv: ('"//"', "use + - * / on numbers"),
    nodes.Pow: ('"**"', "use + - * / on numbers"),
}
_PARSER = Environment(autoescape=True)


class _Refused(Exception):  # noqa: N818  # not an error of ours: the finding is already recorded
    pass


def compile_expression(node: Scalar, names: Names, report: Report) -> Expr:
    """The checked tree of a condition; after a finding a tree that is never met."""
    if node.written:  # an input: conditions know it by its name
        node = replace(node, value=node.written, kind="text", exact=True, written="")
    text = node.value.strip()
    try:
        return Expr(text, _Checker(node, names, report).condition())
    except _Refused:
        return Expr(text, _NEVER)


def compile_value(node: Scalar, names: Names, report: Report, kind: Type, choices: Collection[str] = ()) -> Expr:
    """The checked tree of a value of one kind; after a finding one that is worth nothing.

    Args:
        node: the words.
        names: what may stand in them.
        report: takes the findings.
        kind: what comes out; `any`: a text, a number, true or false.
        choices: the only texts that it can be; empty: any.
    """
    if node.written:  # an input: expressions know it by its name
        node = replace(node, value=node.written, kind="text", exact=True, written="")
    text = node.value.strip()
    try:
        return Expr(text, _Checker(node, names, report, "value").value(kind, choices))
    except _Refused:
        return Expr(text, _NEVER)


def proven(tree: Any, met: bool = True) -> frozenset[str]:
    """The names that are surely known when a tree came out as `met`: unknown is never met, nor is `not unknown`."""
    match tree[0]:
        case "and" | "or":
            parts = [proven(item, met) for item in tree[1:]]
            every = (tree[0] == "and") == met
            return frozenset().union(*parts) if every else frozenset.intersection(*parts)
        case "not":
            return proven(tree[1], not met)
        case "known":
            return frozenset(names_in(tree[1])) if met else frozenset()
        case "unknown":
            return frozenset() if met else frozenset(names_in(tree[1]))
        case _:
            return frozenset(names_in(tree))


@dataclass(slots=True)
class _Checker:
    """One expression being checked. `word`: what findings call it. `seen` counts how often each dotted name was met, to
    point at the right one.
    """

    node: Scalar
    names: Names
    report: Report
    word: str = "condition"
    seen: dict[str, int] = field(default_factory=dict)

    def condition(self) -> Any:
        root = self._parsed()
        tree, kind = self._walk(root, 1)
        if kind not in ("boolean", "any"):
            name = f' "{tree[1]}"' if tree[0] == "get" else ""
            fix = {"number": "compare it, such as > 5", "text": "compare it, such as == 'pro'"}.get(kind, "compare it")
            place = self._names_of(tree)
            self._refuse("type", f"is a {kind}{name}, not something true or false", f"{fix}.", place)
        return tree

    def value(self, kind: Type, choices: Collection[str]) -> Any:
        tree, found = self._walk(self._parsed(), 1)
        if tree[0] == "list":
            self._refuse("type", "is a list", "write one value.")
        if found == "text" and kind == "date" and tree[0] == "const" and as_date(tree[1]):
            return tree
        if kind not in ("any", found) and found != "any":
            name = f' "{tree[1]}"' if tree[0] == "get" else ""
            self._refuse("type", f"is a {found}{name}, not a {kind}", f"write a {kind}.", self._names_of(tree))
        if choices and tree[0] == "const" and tree[1] not in choices:
            what = f'is "{str(tree[1])[:60]}", which this never is'
            self._refuse("value", what, near(str(tree[1]), choices))
        return tree

    def _parsed(self) -> nodes.Expr:
        value = self.node.value
        if len(value) > MAX_LENGTH:
            self._refuse("expression", f"is longer than {MAX_LENGTH} characters", "name the parts as milestones.")
        if wrapped := re.fullmatch(r"\s*\{\{(.*)\}\}\s*", value, re.DOTALL):
            self._refuse("expression", "is wrapped in {{ }}", f'write "{wrapped[1].strip()[:80]}".')
        try:
            parser = Parser(_PARSER, value, state="variable")
            root = parser.parse_expression()
            if not parser.stream.eos:
                word = str(parser.stream.current.value)
                self._refuse("expression", f'has a word too many: "{word[:40]}"', _extra_fix(word), self._word(word))
        except TemplateError as error:
            what = str(error.message or "cannot be read").rstrip(".")
            self._refuse("expression", f"cannot be read: {what}", _unreadable_fix(value))
        except RecursionError:
            self._refuse("expression", "nests too deep", "name the parts as milestones.")
        except (ValueError, OverflowError):  # a number or an escape that Python itself refuses
            self._refuse("expression", "contains a number or an escape that cannot be read", "write a plain value.")
        return root

    def _refused(self, rule: str, what: str, fix: str, place: Place | None = None) -> _Refused:
        """Record a finding; what is raised ends this expression."""
        self.report.add(rule, place or self.node.place, f"the {self.word} {what}", fix)
        return _Refused()

    def _refuse(self, rule: str, what: str, fix: str, place: Place | None = None) -> NoReturn:
        raise self._refused(rule, what, fix, place)

    def _names_of(self, *trees: Any) -> Place:
        """The place of the first name in these trees; of the whole expression when there is none."""
        first = next((name for tree in trees for name in names_in(tree)), "")
        return self._word(first) if first else self.node.place

    def _word(self, word: str, count: int = 0) -> Place:
        """The place of the `count`-th occurrence of a word in the expression."""
        front = "" if word.startswith("_") else r"(?<![\w.])"
        found = list(re.finditer(rf"{front}{re.escape(word)}(?!\w)", self.node.value))
        if not found:
            return self.node.place
        hit = found[min(count, len(found) - 1)]
        return self.node.at(hit.start(), hit.end() - hit.start())

    def _walk(self, node: nodes.Node, depth: int) -> tuple[Any, Type]:
        if depth > MAX_DEPTH:
            self._refuse("expression", "nests too deep", "name the parts as milestones.")
        match node:
            case nodes.And() | nodes.Or():
                return self._logic(node, depth)
            case nodes.Not():
                return ("not", self._boolean(node.node, "not", depth)), "boolean"
            case nodes.Compare():
                return self._compare(node, depth)
            case nodes.Const() | nodes.TemplateData():
                return self._constant(node)
            case nodes.Name() | nodes.Getattr():
                return self._name(node)
            case nodes.Test():
                return self._test(node, depth)
            case nodes.List() | nodes.Tuple():
                return self._list(node, depth)
            case nodes.Neg():
                return ("neg", self._number(node.node, "-", depth)), "number"
            case nodes.Pos():
                return self._number(node.node, "+", depth), "number"
            case nodes.BinExpr() if type(node) in _ARITHMETIC:
                op = _ARITHMETIC[type(node)]
                return (op, self._number(node.left, op, depth), self._number(node.right, op, depth)), "number"
            case _:
                what, fix = _REFUSED.get(type(node), ("something", 'write a comparison, such as "nps.score >= 9"'))
                inner = dotted(getattr(node, "node", node))
                place = self._word(inner) if inner else None
                raise self._refused("expression", f"uses {what}, which conditions cannot", f"{fix}.", place)

    def _logic(self, node: nodes.And | nodes.Or, depth: int) -> tuple[Any, Type]:
        """A chain of one operator becomes one flat tree, however long it is."""
        op = "and" if isinstance(node, nodes.And) else "or"
        parts: list[nodes.Node] = [node.right]
        left: nodes.Node = node.left
        while type(left) is type(node) and isinstance(left, nodes.BinExpr):
            parts.append(left.right)
            left = left.left
        parts.append(left)
        return (op, *(self._boolean(part, op, depth) for part in reversed(parts))), "boolean"

    def _boolean(self, node: nodes.Node, op: str, depth: int) -> Any:
        tree, kind = self._walk(node, depth + 1)
        if kind not in ("boolean", "any"):
            what, fix = f'has a {kind} beside "{op}"', "compare it first, such as nps.score > 8."
            self._refuse("type", what, fix, self._names_of(tree))
        return tree

    def _number(self, node: nodes.Node, op: str, depth: int) -> Any:
        tree, kind = self._walk(node, depth + 1)
        if kind not in ("number", "any"):
            what, fix = f'has a {kind} beside "{op}", which takes numbers', "use numbers on both sides."
            self._refuse("type", what, fix, self._names_of(tree))
        return tree

    def _compare(self, node: nodes.Compare, depth: int) -> tuple[Any, Type]:
        """`0 < x < 5` becomes two comparisons."""
        left = self._walk(node.expr, depth + 1)
        parts = []
        for operand in node.ops:
            right = self._walk(operand.expr, depth + 1)
            op = _OPERATORS[operand.op]
            self._comparable(op, left, right)
            parts.append((op, left[0], right[0]))
            left = right
        return (parts[0] if len(parts) == 1 else ("and", *parts)), "boolean"

    def _comparable(self, op: str, left: tuple[Any, Type], right: tuple[Any, Type]) -> None:
        if op in ("in", "not_in"):
            if right[0][0] != "list":
                shown = op.replace("_", " ")
                self._refuse("type", f'has no list after "{shown}"', "write a list, such as ['pro', 'enterprise'].")
            for item in right[0][1:]:
                self._same_kind(op, left, (item, _type_of_const(item) if item[0] == "const" else "any"))
            return
        if "list" in (left[0][0], right[0][0]):
            self._refuse("type", f'compares a list with "{op}"', 'use "in" to ask whether a value is one of several.')
        self._same_kind(op, left, right)

    def _same_kind(self, op: str, left: tuple[Any, Type], right: tuple[Any, Type]) -> None:
        kinds = {left[1], right[1]}
        if "any" in kinds:
            return
        if kinds == {"date", "text"}:
            for tree, kind in (left, right):
                if kind == "text" and not (tree[0] == "const" and as_date(tree[1])):
                    place = self._names_of(left[0], right[0])
                    self._refuse("type", "compares a date with a text", "write the date as '2026-03-02'.", place)
            return
        if len(kinds) > 1:
            what = f'compares a {left[1]} with a {right[1]} by "{op}"'
            self._refuse("type", what, _kinds_fix(left, right), self._names_of(left[0], right[0]))
        if op in ("<", "<=", ">", ">=") and kinds <= {"text", "boolean"}:
            what = f'asks for the order of {left[1]} values by "{op}"'
            self._refuse("type", what, "use == or !=, or in [...].", self._names_of(left[0], right[0]))
        for one, other in ((left, right), (right, left)):
            self._possible(one[0], other[0])

    def _possible(self, name: Any, const: Any) -> None:
        """A text compared with one that its name can never have would never be met."""
        choices = self.names.choices.get(name[1], ()) if name[0] == "get" else ()
        if choices and const[0] == "const" and const[1] not in choices:
            place = self._word(const[1]) if isinstance(const[1], str) else None
            rule = {"customer.stage": "unknown-stage", "customer.band": "unknown-band"}.get(name[1], "unknown-name")
            what = f'compares {name[1]} with "{str(const[1])[:60]}", which it never is'
            self._refuse(rule, what, near(str(const[1]), choices), place)

    def _constant(self, node: nodes.Node) -> tuple[Any, Type]:
        value = getattr(node, "value", None)
        if isinstance(value, str) and value.isprintable() and not any("\ud800" <= c <= "\udfff" for c in value):
            return ("const", value), "text"
        if isinstance(value, bool):
            return ("const", value), "boolean"
        if isinstance(value, int | float) and abs(value) <= _LARGEST:
            return ("const", value), "number"
        if value is None:
            self._refuse("expression", 'uses "none"', 'ask "is defined" or "is not defined" instead.')
        raise self._refused("expression", "contains a value that cannot be stored", "write a plain text or number.")

    def _name(self, node: nodes.Name | nodes.Getattr) -> tuple[Any, Type]:
        path = dotted(node)
        if path is None:
            place = self._word(node.attr) if isinstance(node, nodes.Getattr) else None
            fix = 'only names have parts, such as "customer.tier".'
            self._refuse("expression", "asks for a part of a value", fix, place)
        count = self.seen.get(path, 0)
        self.seen[path] = count + 1
        kind = self.names.type_of(path)
        if path in self.names.constants:
            return ("const", self.names.constants[path]), kind or "any"
        if path in self.names.conditions:
            return self.names.conditions[path], "boolean"
        if kind is None and path.startswith("inputs."):
            known = [name.removeprefix("inputs.") for name in self.names.constants]
            what = f'no input is called "{path.removeprefix("inputs.")[:60]}"'
            self.report.add("unknown-input", self._word(path, count), what, near(path.removeprefix("inputs."), known))
            return _NEVER, "any"
        if kind is None:
            fix = near(path, offered(path, self.names.types))
            if "." not in path and not fix.startswith("did"):
                fix = f"write '{path[:60]}' in single quotes, if it is a text; names have a dot."
            self.report.add("unknown-name", self._word(path, count), f'nothing is called "{path[:80]}"', fix)
            return ("get", path), "any"
        return ("get", path), kind

    def _test(self, node: nodes.Test, depth: int) -> tuple[Any, Type]:
        tree, _kind = self._walk(node.node, depth + 1)
        if node.name not in ("defined", "undefined") or node.args or node.kwargs:
            self._refuse("expression", f'asks "is {node.name}"', 'only "is defined" and "is undefined" can be asked.')
        return ("known" if node.name == "defined" else "unknown", tree), "boolean"

    def _list(self, node: nodes.List | nodes.Tuple, depth: int) -> tuple[Any, Type]:
        items = [self._walk(item, depth + 1)[0] for item in node.items]
        if any(item[0] == "list" for item in items):
            self._refuse("expression", "has a list inside a list", "write one flat list.")
        return ("list", *items), "any"


def dotted(node: nodes.Node) -> str | None:
    """`customer.tier` for the syntax of a dotted name, None for anything else."""
    parts: list[str] = []
    while isinstance(node, nodes.Getattr):
        parts.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name):
        return None
    return ".".join([node.name, *reversed(parts)])


def _extra_fix(word: str) -> str:
    if word in ("=", "assign"):
        return 'write "==" to compare.'
    if word.lower() in ("and", "or", "not"):
        return f'write "{word.lower()}" in small letters.'
    return 'join two conditions with "and" or "or"; put texts in quotes.'


def _unreadable_fix(text: str) -> str:
    share = re.search(r"([0-9]{1,3})\s*%", text)
    if share:
        return f"write a share as a number: {int(share[1]) / 100:g} for {share[1]}%."
    if not set(text).isdisjoint(TYPESET):
        return "write straight quotes, as in 'pro'."
    return 'write a comparison, such as "nps.score >= 9".'


def _kinds_fix(*sides: tuple[Any, Type]) -> str:
    """How two sides of a comparison become of one kind, where a constant is what is wrong."""
    for (tree, kind), other in zip(sides, (sides[1][1], sides[0][1]), strict=True):
        if tree[0] == "const" and kind == "text" and other == "number" and _NUMBER.match(tree[1]):
            return f"write {tree[1]} without quotes."
        if tree[0] == "const" and kind == "number" and other == "text":
            return f"write '{tree[1]}' in quotes."
        if tree[0] == "const" and other == "boolean":
            return "ask for it alone, or with not before it: it is true or false."
    return "compare values of one kind."


def _type_of_const(tree: Any) -> Type:
    value = tree[1]
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "text"
