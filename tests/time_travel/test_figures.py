"""No figure of a playbook or journey that ships can be changed unseen: each day, time, length, threshold and person is
changed by itself, and a scenario then comes out otherwise, or the file is refused.

What no scenario tells stands in `unproven.toml`; the list may only become shorter.
"""

import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from authoring import scenario
from authoring.compile import Compiled, compile_folder, compile_playbook, read_templates
from authoring.diagnostics import Report
from authoring.source import Mapping, Node, Scalar, Sequence, parse
from lifecycle.playbook import Lifecycle, Manifest, digest_of

pytestmark = pytest.mark.nightly

ROOT = Path(__file__).parents[2]
PLAYBOOKS = ROOT / "playbooks"
BOOKS = sorted(path for path in PLAYBOOKS.glob("*.yaml") if path.read_text().count("\nplaybook: "))
ALONE = [path for path in BOOKS if not any(f"\nuses: {path.stem}\n" in book.read_text() for book in BOOKS)]
"""No other playbook is made from it, so that it can be compiled by itself."""
COURSES = [PLAYBOOKS / "lifecycle.yaml", *sorted(PLAYBOOKS.glob("journeys/*.yaml"))]
UNPROVEN: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "unproven.toml").read_text())

TEXTS = {"playbook", "uses", "title", "template", "checklist", "id", "was", "owner", "text"}
"""Keys of what people read, of names, and of who looks after the file."""
COMMON = {"priority", "zone", "window", "range", "ticked_by"}
"""Keys of what counts beside others, of where clocks hang, of the hours that all messages keep (tests of their own:
`tests/lifecycle/test_courtesy.py`), of what authors may write, and of who may tick: no figures of one playbook."""
ELSEWHERE = {"staffing", "support", "channels", "programmes", "holidays", "business_hours", "roles", "managers"}
"""Parts of the lifecycle whose figures no scenario shows; `docs/rows.toml` names the tests that do."""
INSTEAD = {"csm": "cs_manager", "champion": "billing", "billing": "champion", "executive_sponsor": "champion"}
NUMBER = re.compile(r"(?<![\w.:'])\d+(?:\.\d+)?(?![\w'])")


@dataclass(frozen=True)
class Mutant:
    """A playbook with one figure changed. `name`: where and what."""

    name: str
    text: str


def mutants(text: str, roles: frozenset[str]) -> Iterator[Mutant]:
    """Every way to change one figure of a file."""
    lines = text.splitlines(keepends=True)
    root = parse(text, "playbook.yaml", Report()).root
    for path, scalar in _scalars(root, ()) if root else ():
        at, column = scalar.place.line - 1, scalar.place.column - 1
        before, after, end = lines[at][:column], lines[at][column:], at + 1
        if scalar.value not in after:
            end, after = _folded(lines, at), f'"{scalar.value}"\n'
        for value in _otherwise(scalar.value, roles):
            written = before + after.replace(scalar.value, value, 1)
            yield Mutant(f"{path}: {scalar.value} -> {value}", "".join([*lines[:at], written, *lines[end:]]))


def _folded(lines: list[str], at: int) -> int:
    """Where a value that goes on over several lines ends: before the next line that stands no deeper than its key."""
    deep = len(lines[at]) - len(lines[at].lstrip())
    further = range(at + 1, len(lines))
    return next((n for n in further if len(lines[n]) - len(lines[n].lstrip()) <= deep), len(lines))


def _scalars(node: Node, path: tuple[str, ...]) -> Iterator[tuple[str, Scalar]]:
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            if key not in TEXTS | COMMON | ELSEWHERE:
                yield from _scalars(value, (*path, key))
    elif isinstance(node, Sequence):
        for number, value in enumerate(node.items):
            yield from _scalars(value, (*path, _id(value) or str(number)))
    else:
        yield ".".join(path), node


def _id(node: Node) -> str:
    found = node.entries.get("id") if isinstance(node, Mapping) else None
    return found.value if isinstance(found, Scalar) else ""


def _otherwise(value: str, roles: frozenset[str]) -> Iterator[str]:
    if value in roles:
        yield INSTEAD.get(value, "csm")
        return
    compared = re.search("[<>=]", value)
    for found in NUMBER.finditer(value):
        number = found[0]
        if value[found.end() : found.end() + 1] == ":":
            changes = [f"{(int(number) + 1) % 24:02d}"]
        elif "." in number:
            changes = [f"{float(number) + by:.2f}" for by in (0.05, -0.05)]
        else:
            changes = [str(int(number) + by) for by in ((1, -1) if compared else (1,))]
        for changed in changes:
            yield value[: found.start()] + changed + value[found.end() :]


class Stage:
    """Plays all scenarios with another text of one file; those that told last come first."""

    def __init__(self, compiled: Compiled, copy: Path) -> None:
        self.compiled = compiled
        self.copy = Path(shutil.copytree(PLAYBOOKS, copy))
        self.life = next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))
        self.roles = frozenset(self.life.roles) | set(INSTEAD)
        self.templates = read_templates(ROOT / "templates", Report())
        self.order = list(compiled.scenarios)

    def tells(self, path: Path, text: str) -> bool:
        """Whether the file is refused, or a scenario comes out otherwise."""
        changed = self._playbook(path, text) if path in ALONE else self._folder(path, text)
        return changed is None or any(self._differs(number, changed) for number in range(len(self.order)))

    def _differs(self, number: int, changed: Compiled) -> bool:
        source = self.order[number]
        read, wrong = scenario.read(source, changed)
        if read is not None and not wrong and not scenario.check(read, changed):
            return False
        self.order.insert(0, self.order.pop(number))
        return True

    def _playbook(self, path: Path, text: str) -> Compiled | None:
        """What became of the folder when one playbook is another: the rest need not be compiled again."""
        before = self.compiled.catalogue or Manifest("")
        names, sources = list(before.playbooks), tuple(self.compiled.sources.values())
        book, _found = compile_playbook(text, f"playbooks/{path.name}", self.life, self.templates, names, sources)
        if book is None:
            return None
        digest = digest_of(book)
        manifest = Manifest(before.lifecycle, {**before.playbooks, book.name: digest})
        releases = {**self.compiled.releases, digest: book, digest_of(manifest): manifest}
        return replace(self.compiled, catalogue=manifest, digest=digest_of(manifest), releases=releases)

    def _folder(self, path: Path, text: str) -> Compiled | None:
        place = self.copy / path.relative_to(PLAYBOOKS)
        place.write_text(text)
        try:
            found = compile_folder(self.copy, ROOT / "templates")
        finally:
            shutil.copyfile(path, place)
        return found if found.catalogue else None


@pytest.fixture(scope="module")
def stage(compiled: Compiled, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(compiled, tmp_path_factory.mktemp("folder") / "playbooks")


@pytest.mark.parametrize("path", [*BOOKS, *COURSES], ids=lambda path: path.stem)
def test_a_figure_that_is_changed_is_noticed(path: Path, stage: Stage) -> None:
    text = path.read_text()
    unseen = [one.name for one in mutants(text, stage.roles) if not stage.tells(path, one.text)]

    assert unseen == UNPROVEN.get(path.stem, [])
