"""A small standard folder that is silent, and a judge that puts one file into it and says what an author would read."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from authoring.answers import SILENCE, Answers
from authoring.compile import Compiled, compile_folder
from authoring.diagnostics import Diagnostic, Report, render_text
from authoring.lint import lint
from authoring.lives import Start, World, of_account
from authoring.portfolio import Account, read_portfolio
from authoring.roster import Roster
from authoring.scenario import check, load
from authoring.simulate import Library
from lifecycle.playbook import Lifecycle, Playbook
from tests.fakes import export

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
STANDARD = HERE / "standard"
REPLACES = ("lifecycle", "facts", "team")
TODAY = date(2026, 3, 2)


class Judge:
    """Compiles the standard folder with changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.case = ""

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
        self.case = f"playbooks/{kind}.yaml"
        (self.folder / self.case).write_bytes(raw)
        if path.stem.startswith("no-lifecycle"):
            (self.folder / "playbooks/lifecycle.yaml").unlink()
        return compile_folder(self.folder / "playbooks", self.folder / "templates").diagnostics

    def says(self, path: Path) -> str:
        """What an author reads about a case, warnings about it included."""
        found = self.file(path)
        if found or not (self.folder / "playbooks/lifecycle.yaml").exists():
            return render_text(found)
        compiled = compile_folder(self.folder / "playbooks", self.folder / "templates")
        shown = (self.case, "playbooks/team.yaml")
        return render_text([item for item in lint(compiled, TODAY) if item.place.file in shown])


CARE = """
playbook: care
title: Care
owner: csm
priority: 40
trigger: { stage: onboarding }
anchor: signup
timing: { zone: customer, at: "10:00" }
steps:
  - { id: tip, day: 1, email: { to: champion, template: welcome } }
  - id: kickoff
    day: 2
    approval: { by: csm, within: 8 business hours, escalate: [{ after: 2 business hours, to: cs_manager }] }
    invite: { to: [champion, csm], template: kickoff, when: "day 3 between 10:00 and 16:00", length: 60 minutes }
  - { id: ask, day: 4, survey: { kind: nps, to: champion } }
  - { id: call, day: 5, at: "18:00", task: { to: csm, title: "Call {{ customer.name }}" } }
"""


class Theatre:
    """Plays portfolios on the standard folder with one more playbook, `care`, from Monday 2 March 2026, 08:00 UTC."""

    SINCE = datetime(2026, 3, 2, 8, tzinfo=UTC)
    ACME = "{ id: acme, name: Acme, zone: Europe/Berlin, country: DE, champion: ada@acme.example.com }"

    care = CARE

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.compiled = judge.compiled({"playbooks/care.yaml": CARE})
        self.lifecycle = next(item for item in self.compiled.releases.values() if isinstance(item, Lifecycle))
        self.books = [item for item in self.compiled.releases.values() if isinstance(item, Playbook)]
        self.file = judge.folder.parent / "portfolio.yaml"
        self.report = Report()

    def world(self, answers: Answers = SILENCE, *, care: str = CARE, days: int = 28, seed: str = "1") -> World:
        """The world of the standard folder, with another text of `care`."""
        compiled = self.compiled if care == CARE else self.judge.compiled({"playbooks/care.yaml": care})
        assert not compiled.diagnostics, render_text(compiled.diagnostics)
        until = self.SINCE.replace(day=1, month=4) if days == 28 else self.SINCE.replace(day=1 + days)
        return World(Library(compiled.releases), compiled.digest, answers, self.SINCE, until, seed)

    def accounts(self, *lines: str, as_of: str = "2026-03-02T09:00") -> list[Account]:
        """Accounts as written in a file; what is wrong with it is in `report`."""
        listed = "".join(f"  - {line}\n" for line in lines)
        self.file.write_text(f"as_of: {as_of}\naccounts:\n{listed}", encoding="utf-8")
        self.report = Report()
        return list(read_portfolio(self.file, self.lifecycle, self.report, self.books))

    def starts(self, *lines: str) -> list[Start]:
        """The same, as customers with people of the team file."""
        assert self.compiled.team
        roster = Roster(self.compiled.team, self.lifecycle)
        found = [of_account(account, roster) for account in self.accounts(*(lines or (self.ACME,)))]
        assert not self.report.failed, render_text(self.report.sorted())
        return found


@pytest.fixture
def theatre(judge: Judge) -> Theatre:
    return Theatre(judge)


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


@pytest.fixture(scope="session")
def shipped(compiled: Compiled) -> Lifecycle:
    """The lifecycle that ships, which the documented mappings are written for."""
    return next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return export.write(tmp_path / "export")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return export.write_small(tmp_path)
