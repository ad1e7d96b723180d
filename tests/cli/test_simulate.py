"""`stageplay simulate` for portfolios: what is written where, and what is refused."""

import json
import re
from pathlib import Path

import pytest

import settings
from cli.main import run

SAMPLE = str(settings.HERE / "samples/portfolio.yaml")
ANSWERS = str(settings.HERE / "samples/answers.yaml")
PLAYBOOK = str(settings.HERE / "playbooks/onboarding-14-day.yaml")
WEEK = ("--days", "7")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def customer(tmp_path: Path) -> str:
    file = tmp_path / "customer.yaml"
    file.write_text("name: Acme\ntier: pro\nzone: Europe/Berlin\nchampion: ada@acme.example.com\n")
    return str(file)


def test_the_sample_portfolio_is_summed_up_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--portfolio", SAMPLE]) == 0
    shown = capsys.readouterr().out

    assert shown.startswith("24 customers, Mon 02 Mar 2026 to Sun 29 Mar 2026; answers: usual customers, seed 1.")
    for heading in ("By playbook", "Sends by day", "The team's work", "Collisions", "days with two or more messages"):
        assert heading in shown
    assert "Mara Lindqvist" in shown


def test_a_long_period_is_shown_by_week(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--portfolio", SAMPLE, "--until", "2026-05-01T00:00", "--seed", "7"]) == 0
    assert "Sends by week" in capsys.readouterr().out


def test_json_is_one_document_and_the_same_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", "--portfolio", SAMPLE, *WEEK, "--format", "json"]
    assert run(arguments) == 0
    first = capsys.readouterr()
    assert run([*arguments, "--answers", ANSWERS]) == 0

    assert json.loads(first.out)["customers"] == 24
    assert capsys.readouterr().out == first.out
    assert not first.err


def test_playbooks_may_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", PLAYBOOK, "--portfolio", SAMPLE, *WEEK, "--format", "json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["plays"]) == {"onboarding-14-day"}


def test_the_page_goes_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "page.html"
    arguments = ["simulate", "--portfolio", SAMPLE, *WEEK, "--start", "2026-03-03", "--format", "html"]

    assert run([*arguments, "--out", str(target)]) == 0
    assert not capsys.readouterr().out
    assert "Simulation of portfolio.yaml" in target.read_text()
    assert "Acorn Ledger" in target.read_text()


def test_the_line_of_a_play_names_its_playbook(customer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--customer", customer, "--start", "2026-03-02T10:00", "--days", "2"]) == 0
    begun = [line for line in capsys.readouterr().out.splitlines() if "started; day 0" in line]
    assert begun
    assert all(line.split("play ", 1)[1].split()[0] in line.split("playbooks/")[1] for line in begun), begun


def test_one_customer_is_played_with_assumed_answers_too(customer: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", "--customer", customer, "--start", "2026-03-02T10:00", "--days", "20", "--format", "json"]
    assert run(arguments) == 0
    silent = json.loads(capsys.readouterr().out)
    assert run([*arguments, "--answers", ANSWERS]) == 0

    assert len(json.loads(capsys.readouterr().out)) != len(silent)


def test_one_customer_has_a_page(customer: str, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    start = ("--start", "2026-03-02T10:00")

    assert run(["simulate", "--customer", customer, *start, "--format", "html", "--out", str(target)]) == 0
    page = target.read_text()
    assert "<h1>Simulation of Acme</h1>" in page
    assert "<b>1</b><span>customer</span>" in page


def test_the_page_of_one_customer_says_names_as_people_do(customer: str, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    start = ("--start", "2026-03-02T10:00")

    assert run(["simulate", "--customer", customer, *start, "--format", "html", "--out", str(target)]) == 0
    page = target.read_text().partition("<body>")[2]
    assert "<b>Acme</b>" in page
    assert "<tr><td>Acme</td>" in page
    assert "<h3>implementation specialist " in page
    said = re.sub(r"<[^>]*>", " ", page)
    assert "simulated" not in said
    assert "implementation_specialist" not in said
    assert "cs_manager" not in said


def test_accounts_with_mistakes_are_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.jsonl"
    fine = {"id": "a", "name": "A", "signed_up_on": "2026-03-02", "champion": "ada@a.example.com"}
    file.write_text(f'{json.dumps(fine)}\n{{"id": "b"}}\n')

    assert run(["simulate", "--portfolio", str(file), *WEEK, "--format", "json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["customers"] == 1
    assert "p.jsonl:2:1: error" in said.err


def test_a_portfolio_of_nobody_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("accounts: []\n")

    assert run(["simulate", "--portfolio", str(file)]) == 1
    said = capsys.readouterr()
    assert not said.out
    assert "p.yaml:1:1: error: holds no account" in said.err


def test_what_is_wrong_with_the_answers_is_said_like_a_playbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("assume: x\ntasks: { done: often }\n")

    assert run(["simulate", "--portfolio", SAMPLE, "--answers", str(file)]) == 1
    assert "answers.yaml:2:16: error" in capsys.readouterr().err


def test_playbooks_that_do_not_compile_are_not_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("playbook: broken\n")

    assert run(["simulate", str(file), "--portfolio", SAMPLE]) == 1
    assert "broken.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "name one customer with --customer FILE, or several with --portfolio FILE"),
        (["--customer", SAMPLE, "--portfolio", SAMPLE], "name one customer"),
        (["--customer", SAMPLE], "say when the customer signs up"),
        (["--portfolio", SAMPLE, "--events", SAMPLE], "--events belongs to one customer"),
        (["--portfolio", SAMPLE, *WEEK, "--until", "2026-04-01"], "keep one"),
        (["--portfolio", "nowhere.yaml"], "there is no file nowhere.yaml"),
        (["--portfolio", SAMPLE, "--until", "soon"], '--until "soon" is not a local date and time'),
        (["--portfolio", SAMPLE, "--until", "2020-01-01"], "--until lies before the start, 2026-03-02T09:00"),
        (["--portfolio", SAMPLE, "--start", "9999-12-31"], '--start "9999-12-31" is not from 2000 to 2200'),
        (["--portfolio", SAMPLE, "--out", "nowhere/page.html"], "cannot write nowhere/page.html"),
        (["--portfolio", SAMPLE, "--out", "."], "cannot write ."),
        ([PLAYBOOK, SAMPLE, "--portfolio", SAMPLE], "different folders"),
        (
            [str(Path(PLAYBOOK).with_name("team.yaml")), "--portfolio", SAMPLE],
            "holds no playbook; name a file",
        ),
        (["renewal-smoth", "--portfolio", SAMPLE], "there is no file renewal-smoth; did you mean "),
        (["renewal-smooth", "--portfolio", SAMPLE], "playbooks/renewal-smooth.yaml?"),
    ],
)
def test_arguments_that_do_not_fit_together_are_misuse(
    arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", *arguments]) == 2
    assert what in capsys.readouterr().err


def test_files_that_are_not_text_are_findings(
    customer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "odd.yaml"
    file.write_bytes(b"name: Acm\xe9\n")

    for arguments in (["--customer", str(file)], ["--customer", customer, "--events", str(file)]):
        assert run(["simulate", PLAYBOOK, *arguments, "--start", "2026-03-02T10:00"]) == 1
        assert "odd.yaml:1:1: error: is not UTF-8 text here" in capsys.readouterr().err
