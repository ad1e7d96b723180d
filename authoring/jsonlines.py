"""Reads files of JSON lines into the nodes that YAML files are read into, so that one reader serves both.

A line is one object of at most 1 MiB; memory holds one line. Columns are not known: a finding names the line.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from authoring.diagnostics import Place, Report
from authoring.fields import mapping
from authoring.source import MAX_BYTES, MAX_DEPTH, Mapping, Node, Scalar, Sequence


def read_lines(path: Path, report: Report) -> Iterator[Mapping]:
    """The objects of a file of JSON lines; memory holds one line."""
    number = 0
    try:
        with path.open("rb") as stream:
            while raw := stream.readline(MAX_BYTES + 1):
                number += 1
                place = Place(path.name, number)
                if len(raw) > MAX_BYTES:
                    report.add("too-large", place, "is a line larger than 1 MiB", "write one account a line.")
                    return
                node = _line(raw, place, report) if raw.strip() else None
                if node is not None:
                    yield node
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        report.add("file", Place(path.name), what, "check the name and the permissions.")


def _line(raw: bytes, place: Place, report: Report) -> Mapping | None:
    try:
        data = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
        node = _node(data, place, MAX_DEPTH)
    except (ValueError, RecursionError) as error:
        what = f"is not JSON that can be read: {getattr(error, 'msg', '') or 'nested too deep, or not UTF-8'}"
        report.add("value", place, what, "write one account a line, as a JSON object.")
        return None
    return mapping(node, report, "an account", 'one JSON object a line, such as {"id": "acme", "name": "Acme"}')


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise json.JSONDecodeError("a key stands twice in one object", "", 0)
    return found


def _no_constant(word: str) -> float:
    raise json.JSONDecodeError(f"{word} is no number", "", 0)


def _node(data: Any, place: Place, depth: int) -> Node:
    """JSON data as nodes, all at the place of their line."""
    if depth == 0:
        raise RecursionError
    match data:
        case dict():
            keys = {name: Scalar(name, "text", place) for name in data}
            return Mapping({name: _node(item, place, depth - 1) for name, item in data.items()}, keys, place)
        case list():
            return Sequence(tuple(_node(item, place, depth - 1) for item in data), place)
        case None:
            return Scalar("", "null", place)
        case bool():
            return Scalar(str(data).lower(), "bool", place)
        case int():
            return Scalar(str(data), "int", place)
        case float():
            return Scalar(repr(data) if math.isfinite(data) else "", "float", place)
        case _:
            return Scalar(str(data), "text", place)


def plain(node: Node) -> Any:
    """A node as JSON data."""
    match node:
        case Mapping(entries=entries):
            return {name: plain(item) for name, item in entries.items()}
        case Sequence(items=items):
            return [plain(item) for item in items]
        case Scalar(kind="text", value=value):
            return value
        case Scalar(kind="null"):
            return None
        case Scalar(kind="bool", value=value):
            return value.lower() == "true"
        case Scalar(kind="int", value=value):
            return int(value)
        case Scalar(value=value):  # pragma: no branch - the union is closed
            return float(value)
