"""Inputs: the named, typed values of a playbook that other teams may choose otherwise, and the files that do so.

Where a value stands in YAML, `inputs.grace` stands for it and is put there before anything is read; conditions and
templates know inputs by name. A file with `uses` is the other playbook with its own values, title, owner and priority;
its `entry` must hold besides the other's. Its steps stand in the other's file.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from authoring.diagnostics import Place, Report, near
from authoring.fields import Fields, mapping
from authoring.grammar import keys
from authoring.namespace import CUSTOMER_ROLES, Names, Type
from authoring.source import Mapping as MappingNode
from authoring.source import Node, Scalar, Sequence, Source
from lifecycle.conditions import is_number

Constant = bool | int | float | str
PREFIX = "inputs."
TYPES = ("number", "text", "boolean", "role", "time", "length", "choice")
OWN = ("playbook", "title", "owner", "priority")
"""What a file with `uses` says for itself; `entry` and `inputs` add to what the other says."""
_NAME = re.compile(r"inputs\.([A-Za-z0-9_.-]{1,64})\Z")
_RANGE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)-(-?[0-9]+(?:\.[0-9]+)?)\Z")
_EXAMPLE = "{ type: number, default: 10 }"


@dataclass(frozen=True, slots=True)
class Input:
    """One input with its value. `node`: the value as written, of kind `unknown` after a finding, so that what is wrong
    with it is said once; `place`: where the input is declared.
    """

    type: str
    value: Constant
    node: Scalar
    place: Place


@dataclass(frozen=True, slots=True)
class Variant:
    """A playbook file as it is to be read. `entry`: a condition of the file that uses it, which must hold besides."""

    source: Source
    entry: Scalar | None = None


# --- files that use others --------------------------------------------------------------------------------------------


def variant(source: Source, bases: Mapping[str, Source], report: Report) -> Variant:
    """The file itself, or the file it uses with what this one says in its place."""
    root = source.root
    if not isinstance(root, MappingNode) or "uses" not in root.entries:
        return Variant(source)
    fields = Fields(root, keys("variant"), "the playbook", report)
    used = fields.scalar("uses", '"uses: other-playbook"')
    base = bases.get(used.value) if used else None
    other = base.root if base else None
    if used is None or base is None or not isinstance(other, MappingNode) or "uses" in other.entries:
        if used is not None:
            _unusable(used, bases, report)
        return Variant(replace(source, root=None))
    own = {key: node for key, node in root.entries.items() if key in OWN}
    merged = MappingNode(
        {**other.entries, **own, **_inputs(fields, other, report)},
        {**other.keys, **{key: root.keys[key] for key in own}},
        other.place,
    )
    return Variant(replace(base, root=merged), fields.scalar("entry", "a condition such as customer.country == 'DE'"))


def _unusable(used: Scalar, bases: Mapping[str, Source], report: Report) -> None:
    if used.value in bases:
        what, fix = f'"{used.value[:60]}" uses another playbook itself', "use that one."
    else:
        what, fix = f'no playbook is called "{used.value[:60]}"', near(used.value, bases)
    report.add("unknown-playbook", used.place, what, fix)


def _inputs(fields: Fields, other: MappingNode, report: Report) -> dict[str, Node]:
    """The declared inputs of the other file, with the values of this one as defaults."""
    group = other.entries.get("inputs")
    declared = group if isinstance(group, MappingNode) else MappingNode({}, {}, other.place)
    chosen = mapping(fields.get("inputs"), report, '"inputs"', "{ grace: 10 days }")
    entries = dict(declared.entries)
    for name, node in chosen.entries.items() if chosen else ():
        item = entries.get(name)
        if item is None and chosen is not None:
            unknown(name, chosen.keys[name].place, declared.entries, report)
        elif isinstance(item, MappingNode):
            key = item.keys.get("default", Scalar("default", "text", item.place))
            entries[name] = MappingNode({**item.entries, "default": node}, {**item.keys, "default": key}, item.place)
    return {"inputs": MappingNode(entries, declared.keys, declared.place)} if entries else {}


# --- what is declared -------------------------------------------------------------------------------------------------


def declared(root: MappingNode, names: Names, report: Report) -> dict[str, Input]:
    """The inputs that a playbook declares, each with its value."""
    example = f"offer_percent: {_EXAMPLE}"
    found: dict[str, Input] = {}
    for key, node in Fields(root, root.entries, "", report).entries("inputs", example):
        name = key.value
        found[name] = Input("wrong", "", replace(key, kind="unknown"), key.place)
        inner = mapping(node, report, f'the input "{name}"', _EXAMPLE)
        if inner is not None:
            own = Report()
            fields = Fields(inner, keys("input"), f'the input "{name}"', own)
            item = _Reader(fields, names, own).read(key)
            found[name] = replace(item, type="wrong", node=replace(item.node, kind="unknown")) if own.failed else item
            report.take(own.sorted())
    return found


class _Reader:
    """Reads one declared input."""

    def __init__(self, fields: Fields, names: Names, report: Report) -> None:
        self.fields, self.names, self.report = fields, names, report

    def read(self, key: Scalar) -> Input:
        fields = self.fields
        if "type" not in fields:
            fields.missing("type", '"type: number"')
        kind = fields.choice("type", TYPES, "text")
        node = fields.scalar("default", '"default: 10"', required=True)
        for word, owner in (("range", "number"), ("choices", "choice")):
            if word in fields and kind != owner:
                what = f'"{word}" belongs to inputs of type {owner}'
                self.report.add("value", fields.key(word), what, f'remove it, or write "type: {owner}".')
        if kind == "choice" and "choices" not in fields:
            fields.missing("choices", '"choices: [low, high]"')
        choices = [item.value for item in fields.words("choices", "[low, high]")]
        low, high = self._range()
        if node is None:
            return Input(kind, "", key, key.place)
        value = self._value(node, kind, choices)
        if is_number(value) and not low <= value <= high:
            what = f"{node.value} lies outside {low:g} to {high:g}"
            self.report.add("range", node.place, what, f"write a number from {low:g} to {high:g}.")
        return Input(kind, value, node, key.place)

    def _range(self) -> tuple[float, float]:
        node = self.fields.scalar("range", "a range such as 5-20")
        found = _RANGE.match(node.value.strip()) if node else None
        if found is not None and float(found[1]) < float(found[2]):
            return float(found[1]), float(found[2])
        if node is not None:
            what = f'"{node.value[:40]}" is not a range from low to high'
            self.report.add("range", node.place, what, 'write "5-20".')
        return float("-inf"), float("inf")

    def _value(self, node: Scalar, kind: str, choices: Collection[str]) -> Constant:
        fields = self.fields
        if node.value.startswith(PREFIX):
            self.report.add("value", node.place, "an input stands for another input", "write the value itself.")
        match kind:
            case "number":
                return fields.number_of(node, "default")
            case "boolean":
                return fields.flag("default")
            case "length":
                fields.length_of(node)
            case "time":
                fields.clock_of(node.value.strip(), node.place)
            case "role":
                self._known(node, (*self.names.roles, *CUSTOMER_ROLES), "unknown-role", "role")
            case "choice":
                self._known(node, choices, "value", "choice")
            case _:
                pass
        return fields.shortened(node, "default")

    def _known(self, node: Scalar, known: Collection[str], rule: str, what: str) -> None:
        if node.value not in known and (rule != "unknown-role" or self.names.complete):
            self.report.add(rule, node.place, f'no {what} is called "{node.value[:60]}"', near(node.value, known))


def unknown(name: str, place: Place, known: Collection[str], report: Report) -> None:
    """Record that no input has this name."""
    report.add("unknown-input", place, f'no input is called "{name[:60]}"', near(name, known))


# --- where they stand -------------------------------------------------------------------------------------------------


def filled_in(node: MappingNode, inputs: Mapping[str, Input], report: Report) -> dict[str, Node]:
    """The entries of a mapping with the value of an input wherever its name stands as a value, at any depth."""
    return {key: _filled(value, inputs, report) for key, value in node.entries.items()}


def _filled(node: Node, inputs: Mapping[str, Input], report: Report) -> Node:
    match node:
        case MappingNode():
            return replace(node, entries=filled_in(node, inputs, report))
        case Sequence(items=items):
            return replace(node, items=tuple(_filled(item, inputs, report) for item in items))
        case Scalar(kind="text", value=value) if found := _NAME.match(value.strip()):
            return _chosen(node, found[1], inputs, report)
        case _:
            return node


def _chosen(node: Scalar, name: str, inputs: Mapping[str, Input], report: Report) -> Scalar:
    if name not in inputs:
        unknown(name, node.place, inputs, report)
        return replace(node, kind="unknown")
    value = inputs[name].node
    return replace(node, value=value.value, kind=value.kind, exact=False, written=node.value)


def with_inputs(names: Names, inputs: Mapping[str, Input]) -> Names:
    """The namespace with the inputs: their types, their values, and what a choice can be."""
    kinds: dict[str, Type] = {"number": "number", "boolean": "boolean", "wrong": "any"}
    types = {f"{PREFIX}{name}": kinds.get(item.type, "text") for name, item in inputs.items()}
    constants = {f"{PREFIX}{name}": item.value for name, item in inputs.items()}
    return replace(names, types={**names.types, **types}, constants=constants)


def unused(inputs: Mapping[str, Input], texts: Collection[str]) -> Iterator[tuple[str, Place]]:
    """The inputs that none of the texts (values of the file, templates) names."""
    for name, item in inputs.items():
        word = re.compile(rf"\binputs\.{re.escape(name)}\b")
        if not any(word.search(text) for text in texts):
            yield name, item.place


def words_of(node: Node) -> Iterator[str]:
    """Every single value in a tree of nodes, as written."""
    match node:
        case MappingNode(entries=entries):
            for value in entries.values():
                yield from words_of(value)
        case Sequence(items=items):
            for item in items:
                yield from words_of(item)
        case _:
            yield node.value
