"""Texts that a condition compares with a value nobody lists: tiers, touch models, segments. Part of `authoring.lint`.

What somebody's billing system calls a tier stands in no file, so `'teams'` for `'team'` is no error; but it is met by
nobody, and nobody would notice. What is nearly, and not quite, one of the words that are used elsewhere is told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from authoring.diagnostics import Place, Report
from authoring.lint_words import leaves
from authoring.source import Mapping as MappingNode
from authoring.source import Node, Scalar, Sequence, Source
from lifecycle.actions import Expr
from lifecycle.playbook import Lifecycle, Playbook

_NAMES = ("customer.tier", "customer.touch", "customer.segment")
_COMPARES = ("==", "!=", "in", "not_in")
_NEAR = 0.75
_COMMON = 2


def nearly(lifecycle: Lifecycle, books: Iterable[Playbook], sources: Mapping[str, Source], report: Report) -> None:
    """A finding for each text that is nearly one of the lifecycle or, where that has none, of several files."""
    listed = {"customer.tier": {*lifecycle.notice, *lifecycle.support}, "customer.touch": set(lifecycle.touch)}
    files: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for source, thing in (("lifecycle", lifecycle), *((book.name, book) for book in books)):
        for item in leaves(thing):
            for name, text in _compared(item.tree) if isinstance(item, Expr) else ():
                files[name, text][sources[source].file] = source
    for (name, text), those in files.items():
        known = listed.get(name) or {
            word for (other, word), where in files.items() if other == name and len(where) >= _COMMON
        }
        meant = get_close_matches(text, known - {text}, n=1, cutoff=_NEAR)
        if text in known or not meant:
            continue
        for source in those.values():
            for place in _places(sources[source].root, text):
                what = f'the condition compares {name} with "{text[:60]}", which no customer may have'
                report.add("nearly", place, what, f'did you mean "{meant[0]}"?')


def _compared(tree: Any) -> Iterator[tuple[str, str]]:
    """Each of the names that a condition compares with a text, and that text."""
    if not isinstance(tree, tuple | list):
        return
    if tree[0] in _COMPARES:
        for one, other in ((tree[1], tree[2]), (tree[2], tree[1])):
            if one[0] == "get" and one[1] in _NAMES:
                texts = other[1:] if other[0] == "list" else [other]
                yield from ((one[1], text[1]) for text in texts if text[0] == "const" and isinstance(text[1], str))
    for part in tree[1:]:
        yield from _compared(part)


def _places(node: Node | None, text: str) -> Iterator[Place]:
    """Where a text stands in quotes within the conditions of a file."""
    match node:
        case MappingNode(entries=entries):
            for value in entries.values():
                yield from _places(value, text)
        case Sequence(items=items):
            for item in items:
                yield from _places(item, text)
        case Scalar(value=value):
            for quote in "'\"":
                start = value.find(f"{quote}{text}{quote}")
                if start >= 0:
                    yield node.at(start + 1, len(text))
        case _:
            pass
