"""`stageplay document`: every shipped document with what is known now, and nothing that is not known left blank."""

import re
from collections.abc import Callable
from datetime import date

import pytest

from cli.main import run
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from lifecycle.messages import ContractSigned, FactsReported
from lifecycle.model import Contract
from store import inbox, tables
from store.database import Database

KINDS = (
    "account-overview",
    "case-study-interview",
    "escalation-brief",
    "health-check",
    "qbr-preparation",
    "renewal-brief",
    "success-plan",
    "success-plan-status",
)
NOTE = """# 2026-03-04 - Kickoff: Acme
## Account Health
- NPS: 9 (last: 7)
- Adoption: 72% (target: 80%)
- Renewal: on track
## Key Wins
- Imports | run *alone*
## Concerns
- [[Zoe Quist]] looks at a competitor
- Too many mails
## Action Items
- [ ] Send the roadmap (owner: ae, due: 2026-03-20)
- [x] Close the ticket
## Goals
- Half the time for reports
## Expansion Opportunity
- Teams: Finance
- ACV uplift: $24,000
"""


@pytest.fixture
def acme(sign_up: Callable[..., str]) -> str:
    return sign_up()


@pytest.fixture
def noted(applied: Database, acme: str) -> str:
    """Acme with a note of its kickoff, and a health score that is known."""
    intake = Intake(applied, Lifecycles(), allow_rehearsal=False)
    for day, text in enumerate((NOTE, "# 2026-02-10 - Call: Acme\n## Concerns\n- Too many mails\n")):
        intake.take(Inbound("api", "interaction.noted", f"n{day}", {"customer": "acme-1", "note": text}))
    told = FactsReported({"health.score": 62, "usage.dau_wau": 0.7, "usage.core_features": 5})
    with applied.begin() as c:
        inbox.accept(c, acme, "test", "facts", told, body_digest="x")
    return acme


def written(kind: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert run(["document", "acme-1", kind, *more]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_known_prints_as_missing_with_who_owns_it(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = written(kind, capsys)
    assert text.startswith("# ")
    assert re.search(r"\*\*missing: [^*]+ \(ask [A-Z][a-z]+ [A-Z][a-z]+\)\*\*", text)
    for line in text.splitlines():
        assert not re.search(r"\|\s*\|", line) or re.fullmatch(r"\| +\| +\|", line), line
        assert not re.search(r": *$|\b0%|\bNone\b", line) or line.endswith("well:") or line[-9:] in line, line
    assert not re.search(r"^- *$", text, re.MULTILINE)


@pytest.mark.usefixtures("noted")
def test_the_review_is_prepared_with_score_wins_risks_chances_goals_and_agenda(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = written("qbr-preparation", capsys)
    for line in (
        "| Health score | 62 |",
        "| Latest NPS answer | 9 |",
        "| NPS at the review before | 7 |",
        "| Mood of the last call | positive |",
        "- Daily by weekly active users, in percent: 70",
        r"- Imports \| run \*alone\*",
        r"- Too many mails (named in 2 calls)",
        "- Zoe Quist looks at a competitor",
        "- Teams that could use it: Finance",
        "- What that would bring in a year: 24,000",
        "- Half the time for reports",
        "- Send the roadmap (AE, due 20 March 2026): overdue",
        "- Close the ticket (Mara Lindqvist, due 11 March 2026): done",
        "## Agenda, 45 to 60 minutes",
    ):
        assert line in text.splitlines(), line
    agenda = [int(found) for found in re.findall(r"^\| (\d+) \| [A-Z]", text, re.MULTILINE)]
    assert agenda == [5, 15, 15, 10, 10, 5]
    assert re.search(r"^\| Product usage \| [\d.]+ of 40 \| \d+% \|$", text, re.MULTILINE)


@pytest.mark.usefixtures("noted")
def test_the_plan_and_its_status_say_goals_metrics_issues_and_what_is_under_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan, status = (written(kind, capsys) for kind in ("success-plan", "success-plan-status"))
    assert "- Half the time for reports" in plan
    assert "| Technical setup | day 5 | yes |" in plan
    assert "Prepared by Mara Lindqvist." in plan
    assert not re.search("score|NPS", plan)  # it is gone through with the customer
    assert "| Health score | 62 | 80 | behind |" in status
    assert "| NPS | 9 | 9 | on track |" in status
    assert "| Adoption, in percent | 72 | 80 | behind |" in status
    assert "| Zoe Quist looks at a competitor | 1 | competitor-mentioned |" in status
    assert "| Too many mails | 2 | **missing: plan (ask Mara Lindqvist)** |" in status


@pytest.mark.usefixtures("noted")
def test_briefs_and_checks_tell_of_the_score_the_calls_and_the_people(capsys: pytest.CaptureFixture[str]) -> None:
    overview, check, escalation, renewal = (
        written(kind, capsys) for kind in ("account-overview", "health-check", "escalation-brief", "renewal-brief")
    )
    assert "| Champion | Ada |" in overview
    assert "| Yearly revenue | **missing: yearly revenue (ask Mara Lindqvist)** |" in overview
    assert "| Last call | Kickoff of 4 March 2026 |" in overview
    assert "- A competitor is mentioned: the playbook competitor-mentioned" in check
    assert "- Last call: Kickoff of 4 March 2026, positive" in escalation
    assert "| What was said of the renewal | on track |" in renewal


def test_the_contract_that_ends_next_is_no_missing_one(
    applied: Database, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with applied.begin() as c:
        for name, day in (("later", date(2027, 5, 1)), ("main", date(2027, 3, 1))):
            event = ContractSigned(Contract(name, day))
            inbox.accept(c, acme, "test", name, event, body_digest="x")
    assert "| Contract ends on | 1 March 2027 |" in written("qbr-preparation", capsys)
    assert "The contract ends on 1 March 2027." in written("renewal-brief", capsys)


def test_a_champion_without_a_name_is_no_blank(
    applied: Database, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with applied.begin() as c:
        c.execute(tables.contacts.update().where(tables.contacts.c.customer == acme).values(name=""))
    assert "| Champion | ada@acme.example.com |" in written("account-overview", capsys)


def test_a_customer_without_a_champion_is_asked_for_one(
    applied: Database, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with applied.begin() as c:
        c.execute(tables.contacts.delete().where(tables.contacts.c.customer == acme))
    assert "| Champion | **missing: champion (ask Mara Lindqvist)** |" in written("account-overview", capsys)


@pytest.mark.usefixtures("noted")
def test_it_is_html_where_that_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    page = written("qbr-preparation", capsys, "--format", "html")
    assert "<h1>Business review: Acme</h1>" in page
    assert "<td>62</td>" in page


@pytest.mark.usefixtures("acme")
def test_the_kinds_are_listed_and_another_one_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["document", "acme-1"]) == 0
    listed = re.findall(r"stageplay document acme-1 (\S+)", capsys.readouterr().out)
    assert tuple(listed) == KINDS
    assert run(["document", "acme-1", "memo"]) == 2
    assert "choose one of: account-overview" in capsys.readouterr().err


def test_without_anybody_to_read_it_there_is_none(
    applied: Database, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert acme
    with applied.begin() as c:
        c.execute(tables.assignments.delete())
    assert run(["document", "acme-1", "health-check"]) == 1
    assert "nobody is csm of this customer" in capsys.readouterr().err
