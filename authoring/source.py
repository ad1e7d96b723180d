"""YAML 1.2 text to a small tree of nodes that know their place: the only reader of YAML.

Built from the pure parser's event stream, not from its composed graph: events come lazily and without recursion, so
depth, node count and alias growth are limits checked while reading, and a hostile file ends as one finding. Scalars
follow the YAML 1.2 core schema (`yes` and `012` are what they look like). Tags, merge keys and several documents in one
file are not part of the language.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NoReturn

from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # ruamel's own C extension has no types
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from authoring.diagnostics import Place, Report
from lifecycle.quick import quick

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 50_000

Kind = Literal["text", "int", "float", "bool", "null", "unknown"]

_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("null", re.compile(r"(?:~|null|Null|NULL|)\Z")),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")),
    ("int", re.compile(r"[-+]?[0-9]+\Z")),
    ("float", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")),
)
_WORDS = frozenset("abcdeghijklmopqrsuvwxyzABCDEGHIJKLMOPQRSUVWXYZ")
"""What no other kind begins with."""
_DEEP = re.compile(rf"(?:[\[{{][ \t\r\n]*){{{MAX_DEPTH + 1}}}")
_LONG_TAG = re.compile(r"!\S{1000}")  # the parser takes quadratic time over one
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@quick
@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as written. `exact`: the value stands in the line as it is, so words inside it can be pointed at.

    `offset`: columns from the start of the place to the first character of the value (1 inside quotes). `written`: what
    stands there in place of the value, the name of an input; an input that does not exist is of kind `unknown`.
    """

    value: str
    kind: Kind
    place: Place
    exact: bool = False
    offset: int = 0
    written: str = ""

    def at(self, start: int, width: int) -> Place:
        """The place of `width` characters from `start` in the value; the whole value where it is not verbatim."""
        if not self.exact:
            return self.place
        return replace(self.place, column=self.place.column + self.offset + start, width=max(1, width))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list; `place` is its first character."""

    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys to values in the order written, each key once; `keys` has the key's own node, `place` its first key."""

    entries: dict[str, "Node"]
    keys: dict[str, Scalar]
    place: Place


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """One file read. `root` is None when nothing could be made of it; then there is a finding."""

    file: str
    lines: tuple[str, ...]
    root: Node | None

    @property
    def head(self) -> Place:
        """The first line, for findings about the file as a whole."""
        return Place(self.file, source=self.lines[0] if self.lines else "", width=1)


def read_text(path: Path, file: str, report: Report) -> str | None:
    """The text of a file of at most 1 MiB of UTF-8, None (with a finding) where it is not that."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        report.add("file", Place(file), f"cannot be read: {error.strerror}", "check the name and the permissions.")
        return None
    if len(raw) > MAX_BYTES:
        _too_large(Place(file), report)
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        report.add("file", Place(file, line), "is not UTF-8 text here", "save the file as UTF-8.")
        return None


def parse(text: str, file: str, report: Report) -> Source:
    """Read one YAML document into nodes; every fault becomes a finding, none is raised."""
    lines = tuple(text[:MAX_BYTES].splitlines())
    source = Source(file, lines, None)
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        _too_large(source.head, report)
        return source
    if deep := _DEEP.search(text):
        report.add("too-deep", _place_of_index(source, text, deep.start()), *_TOO_DEEP)
        return source
    if tag := _LONG_TAG.search(text):
        what = "holds an endless word that starts with an exclamation mark"
        report.add("yaml", _place_of_index(source, text, tag.start()), what, "put quotes around the text.")
        return source
    return replace(source, root=_quickly(source, text) or _Builder(source, report).build(text))


def _quickly(source: Source, text: str) -> Node | None:
    """The nodes of a file in which nothing is wrong, four times as fast; None for any other: the pure parser reads it
    again, whose words and places are those that people see.
    """
    unheard = Report()
    builder = _Builder(source, unheard)
    try:
        if not _OTHERWISE.search(text):
            builder.take(_c_events(text))
    except (_Stop, YAMLError, ValueError):
        return None
    return None if unheard.sorted() else builder.root


def _c_events(text: str) -> Iterator[Any]:
    parser = CParser(text)
    while (event := parser.get_event()) is not None:
        yield event


_OTHERWISE = re.compile("[\\x85\\u2028\\u2029]|^%", re.MULTILINE)
"""What YAML 1.1, which the C parser reads, takes for something else: line ends, and directives."""
_TOO_DEEP = (f"is nested more than {MAX_DEPTH} levels deep", "move the inner part out.")


def _too_large(place: Place, report: Report) -> None:
    report.add("too-large", place, "is larger than 1 MiB", "split it into several files.")


def _place_of_index(source: Source, text: str, index: int) -> Place:
    line = len(text[: index + 1].splitlines())
    column = index - max(text.rfind("\n", 0, index), text.rfind("\r", 0, index))
    return Place(source.file, line, column, 1, source.lines[line - 1] if line <= len(source.lines) else "")


class _Stop(Exception):  # noqa: N818  # not an error of ours: reading ends here, the finding is already recorded
    pass


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet. `pending`: the key that waits for its value, None where a key comes."""

    kind: Literal["list", "map"]
    place: Place
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Scalar] = field(default_factory=dict)
    pending: Scalar | None = None
    size: int = 1
    height: int = 1


class _Builder:
    """Turns the parser's events into nodes with a stack of its own."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source, self.report = source, report
        self.stack: list[_Open] = []
        self.size = 0
        """Of all collections that are open."""
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.root: Node | None = None
        self.documents = 0

    def build(self, text: str) -> Node | None:
        try:
            self.take(self._events(text))
        except _Stop:
            return None
        if self.root is None:
            self.report.add("yaml", self.source.head, "is empty", 'start with "playbook: its-name".')
        return self.root

    def take(self, events: Iterable[Any]) -> None:
        for event in events:
            self._take(event)

    def _events(self, text: str) -> Iterator[Any]:
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            unclosed = "stream" in str(error.problem) and error.context_mark is not None
            mark = error.context_mark if unclosed else error.problem_mark or error.context_mark
            place = self._point(mark) if mark else self.source.head
            what = ": ".join(part for part in ("is not YAML", error.context, error.problem) if part)
            self._refuse("yaml", place, what, _yaml_fix(error))
        except (YAMLError, ValueError, OverflowError, IndexError, AssertionError, TypeError, AttributeError) as error:
            what = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            self._refuse("yaml", self.source.head, f"is not YAML: {what}", "remove the character or escape it names.")

    def _refuse(self, rule: str, place: Place, what: str, fix: str) -> NoReturn:
        self.report.add(rule, place, what, fix)
        raise _Stop

    def _take(self, event: Any) -> None:
        match event:
            case ScalarEvent():  # most of them are
                self._untagged(event)
                self._add(self._scalar(event), event.anchor)
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self._refuse("yaml", self._span(event), "starts a second document", "put it into its own file.")
            case MappingStartEvent() | SequenceStartEvent():
                self._untagged(event)
                kind: Literal["list", "map"] = "map" if isinstance(event, MappingStartEvent) else "list"
                if len(self.stack) >= MAX_DEPTH:
                    self._refuse("too-deep", self._span(event), *_TOO_DEEP)
                self.stack.append(_Open(kind, self._span(event), event.anchor))
                self.size += 1
            case MappingEndEvent() | SequenceEndEvent():
                self._close(self.stack.pop())
            case AliasEvent():
                self._alias(event)
            case _:
                pass

    def _untagged(self, event: Any) -> None:
        tag = str(event.tag) if event.tag is not None else ""
        if tag and tag != "!":
            shown = tag.replace("tag:yaml.org,2002:", "!!")[:60]
            self._refuse("yaml", self._span(event), f'has the tag "{shown}"', "remove the tag; values need none.")

    def _close(self, done: _Open) -> None:
        self.size -= done.size
        if done.kind == "list":
            node: Node = Sequence(tuple(done.items), done.place)
        else:
            first = next(iter(done.keys.values()), None)
            node = Mapping(done.entries, done.keys, first.place if first else done.place)
        self._add(node, done.anchor, done.size, done.height)

    def _alias(self, event: Any) -> None:
        place = self._span(event)
        known = self.anchors.get(event.anchor)
        if known is None:
            self._refuse("yaml", place, f'"*{event.anchor}" has no anchor before it', f'write "&{event.anchor}" first.')
        self._add(known[0], None, known[1], known[2])

    def _add(self, node: Node, anchor: str | None, size: int = 1, height: int = 0) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, size, height)
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += size
        self.size += size
        parent.height = max(parent.height, height + 1)
        if self.size > MAX_NODES:
            self._refuse(
                "too-large", node.place, f"makes the file longer than {MAX_NODES} values", "split it, or drop aliases."
            )
        if len(self.stack) + height > MAX_DEPTH:
            self._refuse("too-deep", node.place, *_TOO_DEEP)
        if parent.kind == "list":
            parent.items.append(node)
        else:
            self._add_to_map(parent, node)

    def _add_to_map(self, parent: _Open, node: Node) -> None:
        key = parent.pending
        if key is None:
            if not isinstance(node, Scalar):
                fix = "write a word before the colon."
                self._refuse("yaml", node.place, "is a list or a mapping used as a key", fix)
            if node.value == "<<":
                self._refuse("yaml", node.place, '"<<" (merge) is not part of the language', "write the keys out.")
            parent.pending = node
            return
        parent.pending = None
        if key.value in parent.keys:
            first = parent.keys[key.value].place
            what, fix = f'"{key.value}" is written twice', "keep one of the two."
            self.report.add("duplicate-key", key.place, what, fix, related=str(first))
            return
        if isinstance(node, Scalar) and not node.value and node.kind == "null":
            node = replace(node, place=key.place)  # nothing is written there that could be pointed at
        parent.keys[key.value], parent.entries[key.value] = key, node

    def _scalar(self, event: Any) -> Scalar:
        value, place = str(event.value), self._span(event)
        if bad := _FORBIDDEN.search(value):
            what = f"contains the control character U+{ord(bad.group()):04X}"
            self._refuse("yaml", place, what, "remove it.")
        plain = event.style in (None, "")
        kind = _plain_kind(value) if plain else "text"
        offset = 0 if plain else 1
        start = place.column - 1 + offset
        exact = event.style not in ("|", ">") and place.source[start : start + len(value)] == value and bool(value)
        return Scalar(value, kind, place, exact, offset)

    def _span(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        line, column, text = self._at(start)
        last = end.column if end.line == start.line else len(text.rstrip())
        return Place(self.source.file, line, column, max(1, last - start.column), text)

    def _point(self, mark: Any) -> Place:
        line, column, text = self._at(mark)
        return Place(self.source.file, line, column, 1, text)

    def _at(self, mark: Any) -> tuple[int, int, str]:
        """Line and column of a mark, counted from 1, and the text of its line."""
        lines = self.source.lines
        line = min(mark.line, max(0, len(lines) - 1))
        text = lines[line] if lines else ""
        return line + 1, min(mark.column, len(text)) + 1, text


@lru_cache(maxsize=4096)
def _plain_kind(value: str) -> Kind:
    """What an unquoted value is in the YAML 1.2 core schema; octal and hexadecimal stay texts."""
    if value and value[0] in _WORDS:
        return "text"
    return next((name for name, form in _KINDS if form.match(value)), "text")


def _yaml_fix(error: MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "mapping values are not allowed" in problem:
        return "put quotes around a text that contains a colon, and check the indentation."
    if "\\t" in repr(problem):
        return "indent with spaces, not tabs."
    if "expected <block end>" in problem or "indent" in problem:
        return "give this line the same indentation as its neighbours."
    if "found unexpected end of stream" in problem or "<stream end>" in problem:
        return "close the quote or bracket that is still open."
    return "check quotes, brackets, colons and indentation here."
