"""A small standard folder that is silent, and a judge that puts one file into it and says what an author would read."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from authoring.compile import Compiled, compile_folder
from authoring.diagnostics import Diagnostic, render_text
from authoring.scenario import check, load
from lifecycle.playbook import Lifecycle

HERE = Path(__file__).parent
STANDARD = HERE / "standard"
REPLACES = ("lifecycle", "facts", "team")


class Judge:
    """Compiles the standard folder with changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def compiled(self, files: dict[str, str] | None = None, *, without: tuple[str, ...] = ()) -> Compiled:
        """The standard folder with files added or replaced (path below the folder to text)."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(STANDARD, self.folder)
        for name in without:
            (self.folder / name).unlink()
        for name, text in (files or {}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return compile_folder(self.folder / "playbooks", self.folder / "templates")

    def playbook(self, text: str) -> tuple[Diagnostic, ...]:
        """The findings about one playbook beside the standard ones."""
        return self.compiled({"playbooks/tried.yaml": text}).diagnostics

    def rules(self, text: str) -> list[str]:
        """The rules that one playbook breaks, in the order of its lines."""
        return [item.rule for item in self.playbook(text)]

    def file(self, path: Path) -> tuple[Diagnostic, ...]:
        """The findings about a case of `bad/` or `ok/`: a playbook, a scenario, or one instead of a standard file."""
        raw = path.read_bytes()
        text = raw.decode("utf-8", "replace")
        if text.lstrip("# \n").startswith("scenario:"):
            compiled = self.compiled()
            scenario, found = load(text, path.name, compiled)
            return check(scenario, compiled) if scenario else found
        self.compiled()
        kind = next((kind for kind in REPLACES if text.startswith((f"{kind}:", "people:"))), path.stem)
        kind = "team" if text.startswith("people:") else kind
        (self.folder / f"playbooks/{kind}.yaml").write_bytes(raw)
        if path.stem.startswith("no-lifecycle"):
            (self.folder / "playbooks/lifecycle.yaml").unlink()
        return compile_folder(self.folder / "playbooks", self.folder / "templates").diagnostics

    def says(self, path: Path) -> str:
        """What an author reads about a case."""
        return render_text(self.file(path))


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path / "project")


@pytest.fixture(scope="session")
def lifecycle() -> Lifecycle:
    compiled = compile_folder(STANDARD / "playbooks", STANDARD / "templates")
    return next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))


@pytest.fixture
def playbook_of() -> Callable[[str], str]:
    """A whole playbook around the given steps."""
    head = "playbook: tried\ntitle: Tried\nowner: csm\ntrigger: { stage: onboarding }\nanchor: signup\n"
    return lambda steps: f"{head}steps:\n{steps}"
