"""Which template files a step needs, and whether each can be sent: they exist, start as they must, and use only names
that exist and are known when the step fires.

A release carries the text of every template it can reach: those its steps name, what these extend, include or import,
and the shared ones. Only syntax is read here; rendering belongs to `activities`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from authoring.diagnostics import Place, Report, near
from authoring.extent import Extent
from authoring.layouts import Trees, check_blocks, check_mail, layouts_of
from authoring.source import Scalar
from authoring.variables import Checker, Found, Variables, assigned
from lifecycle.actions import Action, Document, Email, Escalate, Invite, Slack, Survey, Task
from lifecycle.playbook import Step

FOLDER = "templates"
SHARED = ("layout.mjml", "slack/task.txt", "slack/approval.txt")
"""Carried by every release where they exist: the layout of invitations, the card of a task, the card of a question."""

_ENVIRONMENT = ImmutableSandboxedEnvironment()
MAX_DEPTH = 60
_HEAD = {"slack": "Title"}
_OTHERS = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
_ENDLESS = "may grow without end while it is filled in"
_LESS = (
    "repeat less: no **, no huge numbers, nothing that hangs on itself, few loops in loops; give a fact that says how "
    "wide or how often a range."
)


def syntax_of(text: str) -> nodes.Template:
    """The syntax tree of a template.

    Raises:
        TemplateSyntaxError: it is not a template.
        RecursionError: it nests deeper than any walk over it should go.
    """
    tree = _ENVIRONMENT.parse(text)
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        raise RecursionError
    return tree


@dataclass(frozen=True, slots=True)
class Parsed:
    """One template read: its syntax, the other templates it names with the line that names them, and the names that it
    gives itself.
    """

    tree: nodes.Template
    wanted: tuple[tuple[str, int], ...]
    local: frozenset[str]


@dataclass
class Library:
    """The template files of a folder by their path below it; each is parsed once, its faults reported once. `checked`:
    what was checked already with which names, because many steps send the same; `measured`: of which files the extent;
    `laid`: of which files it is known that all they say is shown; `mails`: which are MJML.
    """

    texts: Mapping[str, str]
    report: Report
    folder: str = FOLDER
    parsed: dict[str, Parsed | None] = field(default_factory=dict)
    checked: set[tuple[tuple[str, ...], Variables]] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)
    laid: set[str] = field(default_factory=set)
    mails: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        """The lines of each template."""
        return {path: text.splitlines() for path, text in self.texts.items()}

    def place(self, path: str, line: int, words: str = "") -> Place:
        """A line of a template; the caret stands under the words where the line has them."""
        lines = self.lines.get(path, [])
        source = lines[line - 1] if 0 < line <= len(lines) else ""
        front = "" if words.startswith("_") else r"(?<![\w.])"
        found = re.search(rf"{front}{re.escape(words)}(?!\w)", source) if words else None
        if found is None:
            return Place(f"{self.folder}/{path}", max(line, 1), 1, max(1, len(source)), source)
        return Place(f"{self.folder}/{path}", line, found.start() + 1, found.end() - found.start(), source)

    def parse(self, path: str) -> Parsed | None:
        """The syntax of a template; None (with a finding) where it has none."""
        if path not in self.parsed:
            self.parsed[path] = self._parse(path)
        return self.parsed[path]

    def _parse(self, path: str) -> Parsed | None:
        try:
            tree = syntax_of(self.texts[path])
        except TemplateSyntaxError as error:
            what = f"cannot be read: {(error.message or 'wrong syntax').rstrip('.')}"
            self.report.add(
                "template-syntax", self.place(path, error.lineno), what, "close what is open, check the words."
            )
            return None
        except (RecursionError, ValueError, OverflowError):
            self.report.add("template-syntax", self.place(path, 1), "cannot be read: it nests too deep", "simplify it.")
            return None
        return Parsed(tree, tuple(self._wanted(path, tree)), assigned(tree))

    def _wanted(self, path: str, tree: nodes.Template) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for node in tree.find_all(_OTHERS):
            named = getattr(node, "template", None)
            items = named.items if isinstance(named, nodes.List | nodes.Tuple) else [named]
            for item in items:
                if isinstance(item, nodes.Const) and isinstance(item.value, str):
                    found.append((item.value, node.lineno))
                else:
                    what = "names another template by a value"
                    fix = 'name it in quotes, such as {% include "footer.txt" %}.'
                    self.report.add("template-syntax", self.place(path, node.lineno), what, fix)
        return found

    def closure(self, roots: list[str]) -> dict[str, str]:
        """The texts of these templates and of all that they reach; a missing or circular one is a finding."""
        found: dict[str, str] = {}
        for root in roots:
            self._reach(root, found, ())
        return found

    def _reach(self, path: str, found: dict[str, str], above: tuple[str, ...]) -> None:
        found[path] = self.texts[path]
        parsed = self.parse(path)
        for wanted, line in parsed.wanted if parsed else ():
            if wanted in (*above, path):
                what = f'"{wanted}" includes itself'
                self.report.add("template-syntax", self.place(path, line, wanted), what, "remove one of the two.")
            elif wanted not in self.texts:
                what = f'there is no template "{wanted[:80]}"'
                self.report.add("template-missing", self.place(path, line, wanted), what, near(wanted, self.texts))
            elif wanted not in found:
                self._reach(wanted, found, (*above, path))

    def check_head(self, path: str) -> None:
        """The first line is `Subject: ...` (Slack: `Title: ...`), then a blank line, then a text."""
        word = _HEAD.get(path.partition("/")[0], "Subject")
        lines = self.lines[path] or [""]
        fix = f'start the file with "{word}: ..." and a blank line.'
        if not re.match(rf"{word}: *\S", lines[0]):
            self.report.add("template-head", self.place(path, 1), f'does not start with "{word}:"', fix)
        elif len(lines) < 2 or lines[1].strip():  # noqa: PLR2004  # head and blank line
            self.report.add("template-head", self.place(path, 2), "has no blank line after the first", fix)
        elif not any(line.strip() for line in lines[2:]):
            self.report.add("template-head", self.place(path, 1), "has a head and no text", "write the text below it.")


def files_of(action: Action) -> list[str]:
    """The template files that an action names, below `templates/`."""
    match action:
        case Email(template=name) if name:
            return [f"email/{name}.txt", f"email/{name}.mjml"]
        case Survey(template=name) if name:
            return [f"surveys/{name}.txt", f"surveys/{name}.mjml"]
        case Slack(template=name) if name:
            return [f"slack/{name}.txt"]
        case Invite(template=name) if name:
            return [f"invites/{name}.txt"]
        case Document(template=name) if name:
            return [f"documents/{name}.md"]
        case _:
            return []


def needed(step: Step, words: Scalar | None, place: Place, library: Library) -> list[str]:
    """The files that a step needs and that exist; each missing one is a finding at the words that name it."""
    wanted = files_of(step.action)
    found = [path for path in wanted if path in library.texts]
    if len(found) < len(wanted):
        _missing([path for path in wanted if path not in found], words.place if words else place, library)
    for path in found:
        if path.endswith(".txt"):
            library.check_head(path)
    return found


def _missing(paths: list[str], place: Place, library: Library) -> None:
    """One finding for the files of one name, with a name that does exist and is close."""
    folder, _, first = paths[0].partition("/")
    end = first[first.rfind(".") :]
    there = [
        path.removeprefix(f"{folder}/").removesuffix(end)
        for path in library.texts
        if path.startswith(f"{folder}/") and path.endswith(end)
    ]
    shown = " and ".join(f"{library.folder}/{path}" for path in paths)
    close = near(first.removesuffix(end), there)
    fix = close if close.startswith("did you mean") else f"create {shown}."
    library.report.add("template-missing", place, f"there is no {shown}", fix)


def check_files(paths: list[str], variables: Variables, library: Library) -> None:
    """Check every name in these files and in all that they reach."""
    if (tuple(paths), variables) in library.checked:
        return
    library.checked.add((tuple(paths), variables))
    reached = library.closure(paths)
    family = {path: parsed for path in reached if (parsed := library.parse(path)) is not None}
    local = [parsed.local for parsed in family.values()]
    for path, parsed in family.items():
        Checker(variables, local, _reporter(library, path)).check(parsed.tree)
    trees = {path: parsed.tree for path, parsed in family.items()}
    if len(trees) == len(reached):
        _lay_out(paths, trees, library)
    if not library.measured.issuperset(family):
        _measure(Extent(trees, variables.highs), library)


def _lay_out(paths: list[str], trees: Trees, library: Library) -> None:
    """Say what nobody would read of these files, and which mails are no MJML; one whose layout is none is left."""

    def found(rule: str, path: str, line: int, words: str, what: str, fix: str) -> None:
        library.report.add(rule, library.place(path, line, words), what, fix)

    for path in sorted(trees.keys() - library.laid):
        library.laid.add(path)
        check_blocks(path, trees, found)
    for mail in (path for path in paths if path.endswith(".mjml")):
        for path in (*reversed([*layouts_of(mail, trees)]), mail):
            if path not in library.mails:
                library.mails[path] = check_mail(path, trees, found)
            if not library.mails[path]:
                break


def _measure(extent: Extent, library: Library) -> None:
    """Say what is too much in files that are filled in together."""
    for path in sorted(extent.family.keys() - library.measured):
        library.measured.add(path)
        node = extent.excess(path)
        if node is not None:
            library.report.add("template-extent", library.place(path, node.lineno), _ENDLESS, _LESS)


def _reporter(library: Library, path: str) -> Found:
    def found(rule: str, line: int, words: str, what: str, fix: str) -> None:
        library.report.add(rule, library.place(path, line, words), what, fix)

    return found


def check_text(text: Scalar, variables: Variables, report: Report) -> None:
    """Check a Jinja2 text that stands in the playbook itself: the title of a task."""
    try:
        tree = syntax_of(text.value)
    except TemplateSyntaxError as error:
        what = f"the text cannot be read: {(error.message or 'wrong syntax').rstrip('.')}"
        report.add("template-syntax", text.place, what, "close what is open, check the words.")
        return
    except (RecursionError, ValueError, OverflowError):
        report.add("template-syntax", text.place, "the text cannot be read: it nests too deep", "simplify it.")
        return

    def found(rule: str, _line: int, words: str, what: str, fix: str) -> None:
        at = text.value.find(words)
        report.add(rule, text.at(at, len(words)) if words and at >= 0 else text.place, what, fix)

    Checker(variables, [assigned(tree)], found).check(tree)
    if any(tree.find_all(_OTHERS)):
        report.add("template-syntax", text.place, "the text names another template", "write the words here.")
    elif Extent({"": tree}, variables.highs).excess("") is not None:
        report.add("template-extent", text.place, f"the text {_ENDLESS}", _LESS)


def cards_of(step: Step, library: Library) -> list[str]:
    """The shared cards that a step shows people, as far as they exist: a task's, a question's."""
    wanted = {
        "slack/task.txt": isinstance(step.action, Task | Escalate),
        "slack/approval.txt": step.approval is not None,
    }
    return [path for path, shown in wanted.items() if shown and path in library.texts]
