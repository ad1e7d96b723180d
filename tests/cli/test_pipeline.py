"""`stageplay pipeline`, `opportunity`, `advocacy`, `support`, `win-back`: what they list, move and count."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from cli.main import run
from lifecycle import trace
from lifecycle.messages import Happened
from lifecycle.model import Clock, Decision, Profile
from store import customers, facts, inbox, opportunities, projections
from store.database import Database, now
from store.opportunities import Opportunity

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
OWNERS = (("seats", "lucia", 10_000.0, 5), ("tier", "lucia", 4_000.0, 10), ("services", "mara", None, 5))


@pytest.fixture
def acme(applied: Database, sign_up: Callable[..., str]) -> str:
    customer = sign_up()
    with applied.begin() as c:
        for kind, owner, value, commission in OWNERS:
            closes = datetime(2026, 4, 30, 22, 30, tzinfo=UTC)  # in Berlin the first of May
            touch = f"{customer}/expansion/1/{kind}/1/send/{owner}"
            found = Opportunity(touch, customer, kind, f"More {kind}", owner, value, commission, AT, closes)
            opportunities.record(c, found)
    return customer


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert run([*arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("acme")
def test_the_pipeline_lists_what_it_holds_with_its_totals(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pipeline"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Acme seats 10,000 open 2026-05-01 Lucía Ferrer 5%, 500" in shown
    assert "Acme services not known open 2026-05-01 Mara Lindqvist 5%" in shown
    assert "By stage: open: 3, value 14,000, commission 900, 1 of unknown value" in shown
    assert "Lucía Ferrer: 2, value 14,000, commission 900" in shown
    told = said(["pipeline", "--owner", "mara"], capsys)
    assert [(item["account"], item["kind"], item["owner"]) for item in told["opportunities"]] == [
        ("Acme", "services", "mara")
    ]
    assert told["totals"]["by_stage"] == [{"name": "open", "count": 1, "value": 0, "earned": 0, "unknown": 1}]
    assert said(["pipeline", "--stage", "won"], capsys)["opportunities"] == []
    assert run(["pipeline", "--stage", "lost"]) == 0
    assert capsys.readouterr().out == "There are no opportunities.\n"


def test_what_is_won_is_told_to_the_workflow_and_its_commission_is_due(
    applied: Database, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    touch = f"{acme}/expansion/1/seats/1/send/lucia"
    move = ["opportunity", touch, "--by", "mara", "--reason", "they asked for it", "--to"]
    for stage in ("proposal", "won"):
        assert run([*move, stage]) == 0
    assert capsys.readouterr().out == "More seats: open -> proposal\nMore seats: proposal -> won\n"
    assert run([*move, "won"]) == 1
    assert "stage is won already" in capsys.readouterr().err
    with applied.read() as c:
        events = [row.event for row in inbox.undelivered(c, acme)]
        kept = [(one.was, one.stage, one.moved_by, one.reason) for one in opportunities.moves(c, touch)]
    assert [event["name"] for event in events if event["kind"] == "happened"] == ["expansion.sold"]
    assert kept == [("open", "proposal", "mara", "they asked for it"), ("proposal", "won", "mara", "they asked for it")]
    due = said(["pipeline"], capsys)["totals"]["commission_due"]
    assert due == [{"name": "lucia", "count": 1, "value": 10_000, "earned": 500, "unknown": 0}]


@pytest.mark.parametrize(
    ("touch", "stage", "says"),
    [("odd", "won", "there is none of this id"), ("odd", "wone", 'did you mean "won"?')],
)
@pytest.mark.usefixtures("acme")
def test_what_cannot_be_moved_is_said(touch: str, stage: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["opportunity", touch, "--to", stage, "--by", "mara", "--reason", "x"]) == 1
    assert says in capsys.readouterr().err


def happen(db: Database, customer: str, name: str, times: int, **told: Any) -> None:
    with db.begin() as c:
        for nth in range(times):
            inbox.accept(c, customer, "test", f"{name} {now()} {nth}", Happened(name), body_digest="x")
        facts.told(c, customer, {key.replace("_", ".", 1): value for key, value in told.items()})


def test_programmes_are_counted_by_facts_and_by_events_of_the_year(
    applied: Database, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(applied, acme, "reference.agreed", 1, advocacy_reference=True, advocacy_board=False, community_members=40)
    with freeze_time("2025-12-31"):
        happen(applied, acme, "case_study.published", 1)
    happen(applied, acme, "case_study.published", 5)
    with applied.begin() as c:
        gone, _ = customers.create(
            c,
            outer_id="gone",
            name="Gone",
            profile=Profile("UTC", date(2026, 3, 2)),
            clock=Clock(AT, AT),
            contacts=[],
            team={},
        )
        facts.told(c, gone.id, {"advocacy.reference": True})
        customers.stop(c, gone.id, True)
    told = {item["programme"]: item for item in said(["advocacy"], capsys)}
    reached = {name: (item["reached"], item["target"], item["most"]) for name, item in told.items()}
    assert reached == {
        "references": (1, 10, None),
        "case_studies": (5, 4, None),
        "advisory_board": (0, 8, 12),
        "community": (40, 500, None),
    }
    assert run(["advocacy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "References: 1 of 10, 9 to go",
        "  priority for feature requests and events",
        "Case studies a year: 5 of 4, reached",
        "  a credit of $1,000 and co-marketing",
    ]
    assert "Seats on the advisory board: 0 of 8 to 12, 8 to go" in lines


def test_more_members_than_seats_are_too_many(applied: Database, acme: str, capsys: pytest.CaptureFixture[str]) -> None:
    with applied.begin() as c:
        facts.told(c, acme, {"advocacy.board": 13})
    assert run(["advocacy"]) == 0
    assert "Seats on the advisory board: 13 of 8 to 12, 1 too many" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tickets", "who"),
    [
        (9, "the founder"),
        (10, "a VA first, then the founder"),
        (29, "a VA first, then the founder"),
        (30, "part-time support"),
        (99, "part-time support"),
        (100, "a support team"),
    ],
)
def test_the_tickets_of_a_week_say_who_answers_them(
    applied: Database, acme: str, tickets: int, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(applied, acme, "ticket.opened", tickets)
    told = said(["support"], capsys)
    assert told == {"tickets_a_week": tickets, "weeks": [tickets], "staffing": who}
    assert run(["support"]) == 0
    shown = f"{tickets:.1f} tickets a week: {who}\n  the last weeks, the newest first: {tickets}\n"
    assert capsys.readouterr().out == shown


@pytest.mark.usefixtures("applied")
def test_what_each_tier_is_promised_is_listed_with_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["support", "--plans"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Team: $500 a month, first answer within 24 hours",
        "  email, knowledge base",
        "Pro: $2,000 a month, first answer within 8 hours",
        "  email, knowledge base, chat in business hours, Slack channel of their own",
        "  priority queue",
        "Enterprise: $5,000 and more a month, first answer within 4 hours, day and night",
        "  email, knowledge base, chat, Slack channel of their own, phone",
        "  24/7, a CSM of their own, business reviews every quarter",
        "Premium add-on: $500 a month, first answer within 4 hours",
        "  a CSM of their own, a check-in every month, requests for features first",
        "Channels: documentation at once, chat in the app within an hour, email within 24 hours, video by appointment",
    ]
    told = said(["support", "--plans"], capsys)
    assert (told["plans"]["pro"]["price"], told["channels"]["video"]) == ("$2,000", "by appointment")


def test_tickets_are_averaged_over_four_weeks(applied: Database, acme: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = now()
    for days, tickets in ((1, 20), (8, 12), (30, 90)):
        with freeze_time(at - timedelta(days=days)):
            happen(applied, acme, "ticket.opened", tickets)
    with freeze_time(at + timedelta(days=15)):
        told = said(["support"], capsys)
    assert told["weeks"] == [0, 0, 20]
    assert told["staffing"] == "the founder"


def test_milestones_are_counted_against_the_share_that_should(
    applied: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["milestones"]) == 0
    first = "90-day: Activation (five key actions), by day 30: nobody's day is over; wanted: 70%"
    assert first in capsys.readouterr().out.splitlines()
    with freeze_time(now() - timedelta(days=50)), applied.begin() as c:
        profile, clock = Profile("UTC", now().date(), journey="90-day"), Clock(now(), now())
        customers.create(c, outer_id="a", name="A", profile=profile, clock=clock, contacts=[], team={})
    told = {(item["journey"], item["milestone"]): item for item in said(["milestones"], capsys)}
    assert {name: (item["day"], item["share"]) for name, item in told.items()} == {
        ("90-day", "activation"): (30, 70),
        ("self-serve", "setup_complete"): (7, 60),
        ("self-serve", "came_back"): (1, 30),
        ("self-serve", "activated"): (30, 40),
    }
    assert told["90-day", "activation"]["percent"] == 100
    assert run(["milestones", "--days", "40"]) == 0
    assert "by day 30: 100% (1 of 1); wanted: 70%" in capsys.readouterr().out


def moved(db: Database, customer: str, *stages: tuple[datetime, str]) -> None:
    told = [Decision(at, "standard", "0" * 16, 0, stage, "stage", "fired", "moved") for at, stage in stages]
    summary = {"stage": "churned", "band": "", "tier": "pro", "overdue": False, "held": "", "catalogue": ""}
    batch = {"customer": customer, "number": 2, "decisions": [trace.to_row(item) for item in told], "log": "2"}
    batch |= {"summary": {**summary, "as_of": None, "next_due": None}, "snapshot": {}}
    with db.begin() as c:
        projections.store_batch(c, batch, lambda item: item.playbook)


def test_who_came_back_is_counted_by_group(applied: Database, acme: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["win-back"]) == 0
    assert capsys.readouterr().out == "Nobody left in the last 365 days.\n"
    at = now()
    moved(applied, acme, (at - timedelta(days=90), "churned"), (at - timedelta(days=48), "onboarding"))
    assert said(["win-back", "--by", "touch"], capsys) == [
        {"group": group, "left": 1, "back": 1, "trying": 0, "days": 42, "percent": 100} for group in ("high", "all")
    ]
    assert run(["win-back"]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert table[1:] == [["pro", "1", "1", "0", "100%", "42"], ["all", "1", "1", "0", "100%", "42"]]
    assert run(["win-back", "--days", "80"]) == 0
    assert capsys.readouterr().out == "Nobody left in the last 80 days.\n"


def test_whom_win_back_still_tries_has_no_rate_yet(
    applied: Database, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    moved(applied, acme, (now() - timedelta(days=9), "churned"))
    assert run(["win-back"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["pro", "1", "0", "1"]


@pytest.mark.usefixtures("applied")
def test_with_nobody_yet_there_is_nothing_to_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["support"]) == 0
    assert capsys.readouterr().out == "0.0 tickets a week: the founder\n"
