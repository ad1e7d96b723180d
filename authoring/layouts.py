"""What becomes of the parts of a template: each stands in a block that its layout shows, and a mail is MJML.

Jinja2 drops what stands below `extends` outside every block, or in a block that no layout has, without a word: the
customer would get a mail that says nothing. A mail whose elements do not close is refused only when it is to be sent.
So the ways through it are laid out here, each value a "1", and judged by what makes the HTML.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import mrml
from jinja2 import nodes

from authoring.diagnostics import near

Found = Callable[[str, str, int, str, str, str], None]
"""Told a rule, the file, the line, its words, what is wrong, and the fix."""

WAYS = 3
"""The first branch of every `if`, the second, the last."""
MOST = 20_000
"""Pieces of one way, a long text counting as many; what is longer is left to whoever judges extents."""
PIECE = 100
"""Characters of a text that count as one piece."""
_SILENT = (nodes.Import, nodes.FromImport, nodes.Macro, nodes.Assign, nodes.AssignBlock, nodes.Extends)
_ELEMENT = re.compile(r"<(/?)(mj[a-z-]*)\b[^<>]*?(/?)>")
_AT = re.compile(r"position (\d+):")
_ODD = re.compile(r"<(?![a-zA-Z/!])|<mj[^<>]*=\s*[^\s\"'<>]")
"""What begins no element, and an attribute without quotes."""
_AROUND = "write {{% block {} %}} ... {{% endblock %}} around it."
_WHOLE = "close each element, quote each attribute, write &amp; for & and &lt; for <."

_SAID = {
    "unexpected end of stream": "an element is left open",
    "unexpected element": "an element is closed that is not open",
    "unexpected token": "an element is closed that is not open",
    "unable to load included template": "it names another file",
}

Trees = Mapping[str, nodes.Template]
_Piece = tuple[str, str, int]
_Blocks = dict[str, tuple[str, nodes.Block]]


def check_blocks(path: str, trees: Trees, found: Found) -> None:
    """Say what a template holds that its layout never shows. `trees`: it, and all that it reaches."""
    body = trees[path].body
    start = next((at for at, node in enumerate(body) if isinstance(node, nodes.Extends)), None)
    layouts = list(layouts_of(path, trees))
    if start is None or not layouts:
        return
    shown = {block.name for layout in layouts for block in trees[layout].find_all(nodes.Block)}
    around = _AROUND.format("body" if "body" in shown else min(shown, default="NAME"))
    for node in body[start + 1 :]:
        for lost in _lost(node, shown):
            if isinstance(lost, nodes.Block):
                what = f'no layout has the block "{lost.name}", so nobody would read what it says'
                found("template-lost", path, lost.lineno, lost.name, what, near(lost.name, shown))
            else:
                found("template-lost", path, _begins(lost), "", "stands in no block, so nobody would read it", around)


def layouts_of(path: str, trees: Trees) -> Iterator[str]:
    """What a template extends, and what that extends; nothing of it where one is missing or chosen by a value."""
    seen = {path}
    while (above := _extended(trees[path])) in trees and above not in seen:
        seen.add(above)
        yield above
        path = above


def _extended(tree: nodes.Template) -> str:
    names = (node.template for node in tree.body if isinstance(node, nodes.Extends))
    return next((node.value for node in names if isinstance(node, nodes.Const)), "")


def _lost(node: nodes.Node, shown: set[str]) -> Iterator[nodes.Node]:
    """What is dropped of a node below `extends`: blocks that nothing shows, and what is said beside all blocks."""
    if isinstance(node, nodes.Block):
        if node.name not in shown:
            yield node
    elif isinstance(node, nodes.Output):
        said = [item for item in node.nodes if not isinstance(item, nodes.TemplateData) or item.data.strip()]
        yield from said[:1]
    elif isinstance(node, nodes.Include):
        yield node
    elif not isinstance(node, _SILENT):
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Stmt):
                yield from _lost(child, shown)


def _begins(node: nodes.Node) -> int:
    """The line of its first word."""
    data = node.data if isinstance(node, nodes.TemplateData) else ""
    return node.lineno + data[: len(data) - len(data.lstrip())].count("\n")


def check_mail(path: str, trees: Trees, found: Found) -> bool:
    """Whether a mail, or a layout, is MJML; else say where, on the first of its ways that is none.

    `trees`: it, and all that it reaches. What it extends is judged before it, so its own lines hold the fault.
    """
    for way in range(WAYS):
        laid = _Laid(path, trees, way)
        try:
            laid.out()
            mrml.to_html(laid.text)
        except RecursionError:
            return True
        except OSError as error:
            said = _SAID.get(str(error).partition(" in root template")[0], "a tag cannot be read")
            line = laid.line(_offset(str(error), laid.text))
            found("template-mjml", path, line, "", f"is no MJML: {said}", _WHOLE)
            return False
        if way + 1 >= laid.ways:
            break
    return True


def _offset(said: str, text: str) -> int:
    """Where the fault seems to be: an element left open or never opened, else what is no element, else what is said."""
    left: list[re.Match[str]] = []
    for element in _ELEMENT.finditer(text):
        closes, name, empty = element.groups()
        if closes and name not in {item[2] for item in left}:
            return element.start()
        if closes and left[-1][2] != name:
            break
        if closes:
            left.pop()
        elif not empty:
            left.append(element)
    if left:
        return left[-1].start()
    found = _ODD.search(text)
    at = _AT.search(said)
    return found.start() if found else int(at[1]) if at else 0


@dataclass
class _Laid:
    """One way through a mail, as a text. `own`: where each piece of its file begins and ends, and its line. `ways`: how
    many there are where it has most.
    """

    path: str
    trees: Trees
    way: int
    own: list[tuple[int, int, int]] = field(default_factory=list)
    text: str = ""
    steps: int = 0
    ways: int = 1

    def out(self) -> None:
        """Lay the mail out.

        Raises:
            RecursionError: it is longer than any mail.
        """
        pieces: list[str] = []
        length = 0
        for text, file, line in self._file(self.path):
            if file == self.path:
                self.own.append((length, length + len(text), line))
            pieces.append(text)
            length += len(text)
        self.text = "".join(pieces)

    def _file(self, path: str) -> Iterator[_Piece]:
        family = [path, *layouts_of(path, self.trees)]
        blocks: _Blocks = {}
        for file in family:
            for block in self.trees[file].find_all(nodes.Block):
                blocks.setdefault(block.name, (file, block))
        yield from self._all(self.trees[family[-1]].body, family[-1], blocks)

    def _all(self, those: list[nodes.Node], file: str, blocks: _Blocks) -> Iterator[_Piece]:
        for node in those:
            self._count(1)
            match node:
                case nodes.Output():
                    for item in node.nodes:
                        text = item.data if isinstance(item, nodes.TemplateData) else "1"
                        self._count(1 + len(text) // PIECE)
                        yield text, file, item.lineno
                case nodes.If():
                    ways = [node.body, *(part.body for part in node.elif_), node.else_]
                    self.ways = max(self.ways, len(ways))
                    yield from self._all(ways[min(self.way, len(ways) - 1)], file, blocks)
                case nodes.Block():
                    where, block = blocks[node.name]
                    yield from self._all(block.body, where, blocks)
                case nodes.Include(template=nodes.Const(value=str(name))) if name in self.trees:
                    yield from self._file(name)
                case (
                    nodes.For() | nodes.With() | nodes.FilterBlock() | nodes.Scope() | nodes.ScopedEvalContextModifier()
                ):
                    yield from self._all(node.body, file, blocks)
                case _:
                    pass  # it says nothing by itself

    def _count(self, pieces: int) -> None:
        self.steps += pieces
        if self.steps > MOST:
            raise RecursionError

    def line(self, offset: int) -> int:
        """The line of the mail's own file at a place in the text, or of its last words before that."""
        before = (piece for piece in reversed(self.own) if piece[0] <= offset)
        begins, ends, line = next(before, (0, 0, 1))
        return line + self.text[begins : min(offset, ends)].count("\n")
