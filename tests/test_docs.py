"""What people may type, send or look up is written down, and what is written down leads somewhere.

Elsewhere: playbook keys and rules in `tests/authoring/test_reference.py`, settings in `tests/test_settings.py`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands import COMMANDS as NAMED
from cli.commands import command as made
from gateway.translate import FIXED

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
ARCHITECTURE = ROOT / "docs/architecture.md"
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
SECTIONS = ["Context", "Decision", "Consequences", "How we would notice it was wrong"]
COMMANDS = [(name, made(name)) for name in sorted(NAMED)]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[str]:
    """Targets inside the repository."""
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Fragments that headings give: lower case, no punctuation, hyphens for spaces; and explicit ones."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    explicit = set(re.findall(r'<a (?:id|name)="([^"]+)"', page.read_text()))
    return explicit | {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("command", [name for name, _ in COMMANDS])
def test_every_command_is_written_down(command: str) -> None:
    assert re.search(rf"\bstageplay {command}\b", TEXT)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (name, option.opts[0])
        for name, command in COMMANDS
        for option in command.params
        if option.param_type_name == "option"
    ],
)
def test_every_option_is_written_down_with_its_command(command: str, option: str) -> None:
    """On one line, or in one command continued over several."""
    joined = re.sub(r"\\\n\s*", " ", TEXT)
    assert re.search(rf"\bstageplay {command}\b[^\n]*{option}\b", joined)


@pytest.mark.parametrize("kind", FIXED)
def test_every_type_of_event_is_written_down(kind: str) -> None:
    assert f"`{kind}`" in (ROOT / "docs/api.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if fragment and there.suffix == ".md":
            assert fragment in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_page_that_is_named_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:docs|tests|lifecycle|store|workflows|activities|gateway|cli)/[\w/.-]+\.\w+)`", prose(page)
    )
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_architecture_names_modules_that_exist() -> None:
    """A bare name belongs to the package that its section's heading begins with, or to one that the line names."""
    wrong = []
    for section in re.split(r"^## ", ARCHITECTURE.read_text(), flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        for line in re.split(r"\n(?! )", text):
            homes = [ROOT, *(ROOT / name for name in PACKAGES if re.search(rf"\b{name}\b", heading))]
            homes = [ROOT / name for name in re.findall(r"^- `(\w+)/`", line)] or homes
            named = re.findall(r"`([\w/]+\.py)`", line)
            wrong += [f"{heading}: {name}" for name in named if not any((home / name).is_file() for home in homes)]

    assert not wrong


def test_the_architecture_mentions_every_package() -> None:
    text = ARCHITECTURE.read_text()

    assert len(PACKAGES) > 7
    assert not [name for name in PACKAGES if not re.search(rf"^## .*\b{name}\b|`{name}/`", text, re.MULTILINE)]


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_a_decision_says_what_why_and_how_we_would_notice(decision: Path) -> None:
    text = decision.read_text()
    number = decision.name[:4]
    assert text.startswith(f"# {number} ")
    assert re.search(r"^Status: (accepted|superseded by \d{4}), \d{4}-\d{2}\.", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


def test_no_two_decisions_share_a_number() -> None:
    numbers = [decision.name[:4] for decision in DECISIONS]
    assert len(set(numbers)) == len(numbers)
