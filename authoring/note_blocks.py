"""Markdown taken apart into what a note of a call is made of: headings, items of lists, and other text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt

_OFF = ("reference", "lheading", "html_block", "code", "fence", "blockquote", "inline", "text_join")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the note. `line`: from 0; `depth`: of an item, how deep its list stands; `text`: on one line."""

    kind: Literal["heading", "item", "text"]
    line: int
    text: str
    depth: int = 0


def blocks(text: str) -> Iterator[Block]:
    """The blocks in order. An item of several paragraphs is one item, and those that follow its first stand alone."""
    depth, opened, line = 0, False, 0
    heading = False
    for token in MarkdownIt("commonmark").disable(list(_OFF)).parse(text):
        line = token.map[0] if token.map else line
        if token.type in ("bullet_list_open", "ordered_list_open"):
            if opened:
                yield Block("item", line, "", depth)
            depth, opened = depth + 1, False
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
        elif token.type == "list_item_open":
            opened = True
        elif token.type == "list_item_close" and opened:
            yield Block("item", line, "", depth)
            opened = False
        elif token.type == "heading_open":
            heading = True
        elif token.type == "inline":
            kind: Literal["heading", "item", "text"] = "heading" if heading else "item" if opened else "text"
            yield Block(kind, line, " ".join(token.content.split()), depth)
            heading = opened = False
