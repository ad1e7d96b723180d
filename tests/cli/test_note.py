"""`stageplay note`: what it shows, that it does nothing without being told to, and what it refuses."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import run
from store import inbox, interactions
from store.database import Database

NOTE = """# 2026-03-10 - QBR: Acme

## Account Health
- NPS: 9 (last: 7)
- Renewal: on track

## Concerns
- [[Zoe Quist]] looks at a competitor

## Action Items
- [ ] Send the roadmap (due: 2026-03-20)

## Expansion Opportunity
- Teams: Finance
"""
SHOWN = """\
Acme (acme-1)
QBR of 2026-03-10: a new note, positive
  Mood of the last call: not known -> positive
  Latest NPS answer: not known -> 9
  NPS at the review before: not known -> 7
  wins: 0, concerns: 1, goals: 0
  task for the csm, due 2026-03-20: Send the roadmap
  risk: A competitor is mentioned; suggested: the playbook competitor-mentioned, which nobody starts but you
  room to grow: Finance
  Zoe Quist is no contact yet: send contact.added with the address
  renewal, as it is said there: on track (no contract is known; contracts stay as they are)
"""


@pytest.fixture
def acme(sign_up: Callable[..., str]) -> str:
    return sign_up()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "qbr.md"
    path.write_text(NOTE, encoding="utf-8")
    return path


def names(db: Database, customer: str) -> list[str]:
    with db.read() as c:
        return [row.event["name"] for row in inbox.undelivered(c, customer) if row.event["kind"] == "happened"]


def test_it_is_shown_and_not_done_until_it_is_asked_for(
    applied: Database, acme: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["note", "acme-1", str(file)]) == 0
    assert capsys.readouterr().out == f"{SHOWN}Nothing was done. Add --yes to do it.\n"
    assert names(applied, acme) == []
    assert run(["note", acme, str(file), "--yes", "--by", "mara"]) == 0
    assert capsys.readouterr().out.endswith("Done. The customer's workflow hears of it from the gateway.\n")
    assert names(applied, acme) == ["interaction.noted", "action.agreed", "risk.named", "expansion.noted"]
    assert run(["note", acme, str(file), "--yes"]) == 0
    assert capsys.readouterr().out == "Acme (acme-1)\nThis note is known as it is: nothing changes.\n"
    assert len(names(applied, acme)) == 4


def test_an_edited_note_says_what_becomes_of_the_items(
    applied: Database, acme: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["note", acme, str(file), "--yes"]) == 0
    capsys.readouterr()
    file.write_text(NOTE.replace("[ ]", "[x]").replace("## Concerns\n- [[Zoe Quist]] looks at a competitor", ""))
    assert run(["note", acme, str(file), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["changes"], told["done"]) == (True, False)
    assert "done: Send the roadmap" in told["lines"]
    assert "no longer in the note: [[Zoe Quist]] looks at a competitor" in told["lines"]
    with applied.read() as c:
        assert len(interactions.of(c, [acme])[0].risks) == 1


@pytest.mark.usefixtures("acme")
def test_it_is_read_from_a_pipe_and_its_mistakes_told_by_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for form, line in (("text", "-:4:3: error: no such label stands here  [unknown-key]"), ("json", '"line": 4')):
        monkeypatch.setattr("sys.stdin", io.StringIO(NOTE.replace("NPS", "NSP")))
        assert run(["note", "acme-1", "-", "--format", form]) == 1
        said = capsys.readouterr()
        assert line in said.out + said.err


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("change", "arguments", "code", "says"),
    [
        (("Acme", "Globex"), [], 1, 'the title names another account than "Acme"'),
        (("", ""), ["--by", "eve"], 2, 'nobody on the team is "eve"'),
        (("", ""), ["--by", "ivo"], 0, ""),
    ],
)
def test_what_cannot_be_done_is_said(
    file: Path,
    change: tuple[str, str],
    arguments: list[str],
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file.write_text(NOTE.replace(*change))
    assert run(["note", "acme-1", str(file), *arguments]) == code
    assert says in capsys.readouterr().err


@pytest.mark.usefixtures("acme")
def test_a_file_that_is_not_there_and_a_customer_that_is_not_there_are_misuse(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["note", "acme-1", str(file) + "x"]) == 2
    assert run(["note", "odd", str(file)]) == 2
    assert 'no customer has the id "odd"' in capsys.readouterr().err
