"""What the demo counts and what it misses, judged from decisions as the store tells them."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from cli import records
from cli.demo import CLOSING, Demo, Part, _figures, _waits
from cli.story import NORTHWIND
from store import ledger
from store.customers import Customer
from store.database import Database
from store.pages import DecisionRow

AT = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def row(step: str, what: str, verdict: str, reason: str) -> DecisionRow:
    return DecisionRow(1, "cus_1", AT, "onboarding-14-day", "r", 1, step, what, verdict, reason, "", "", AT)


@pytest.fixture
def expired() -> list[DecisionRow]:
    return [
        row("kickoff", "invite", "skipped", "nobody answered the approval in time"),
        row("kickoff", "answer", "skipped", "Too late: nobody answered in time."),
        row("training", "approval", "fired", "approved by mara"),
    ]


def test_a_press_that_came_too_late_is_no_second_expiry(expired: list[DecisionRow]) -> None:
    assert _figures(expired)[2:4] == ("1", "1")


def test_an_approval_that_the_story_gives_and_that_expired_is_missing(expired: list[DecisionRow]) -> None:
    part = Part(NORTHWIND, cast("Customer", cast("Any", None)), lines=expired)

    assert "kickoff was not approved in time" in part.missing([])
    assert "training was not approved in time" not in part.missing([])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("began", "why"),
    [
        (AT, "A day of 1 s leaves 0.33 s for an answer within 8 hours"),
        (AT + timedelta(minutes=1), "The round was stopped for a while and its clock ran on"),
    ],
)
async def test_what_came_too_late_says_how_long_there_was_or_that_it_was_stopped(
    expired: list[DecisionRow], monkeypatch: pytest.MonkeyPatch, began: datetime, why: str
) -> None:
    monkeypatch.setattr("cli.records.unsent", lambda _database, _customer: [])
    out = Console(file=StringIO(), width=200)
    customer = cast("Customer", SimpleNamespace(id="cus_1", created_at=AT))
    demo = Demo(1.0, leave=True, out=out, parts=[Part(NORTHWIND, customer, lines=expired)], began=began)

    assert await demo._sum_up(cast("Database", None)) == 1
    said = cast("StringIO", out.file).getvalue()
    assert "Northwind Freight: kickoff was not approved in time" in said
    assert why in said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_being_sent_or_tried_again_is_on_its_way(database: Database) -> None:
    touch = "cus_1/onboarding/1/welcome/1/send/con_1"
    ledger.reserve(database, touch, customer="cus_1", kind="email", lease_for=timedelta(seconds=5))
    assert records.on_the_way(database, ["cus_1", "cus_2"])
    assert not records.on_the_way(database, ["cus_2"])
    ledger.defer(database, touch, 1, "429")
    assert records.on_the_way(database, ["cus_1"])
    ledger.give_up(database, touch, "withdrawn", "exit")
    assert not records.on_the_way(database, ["cus_1"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_targets_that_wait_for_the_customer_take_one_line(database: Database) -> None:
    steps = ("first-value", "kickoff-held", "nps-answer")
    lines = [row(step, "wait", "waiting", "for it") for step in steps]
    part = Part(NORTHWIND, cast("Customer", SimpleNamespace(id="cus_1")), lines=lines)
    assert _waits(database, part) == ["the customer: first-value and 2 more"]
    part.lines += [row(step, "wait", "fired", "met") for step in steps[:2]]
    assert _waits(database, part) == ["the customer: nps-answer"]
    part.lines.append(row(steps[2], "wait", "skipped", "not met in time"))
    assert _waits(database, part) == []


def test_customers_of_a_later_round_bear_its_number() -> None:
    assert NORTHWIND.of_round(1).name == "Northwind Freight"
    assert '"name": "Northwind Freight 2"' in NORTHWIND.of_round(2).signup_envelope("demo-2-northwind", 1)


def test_the_end_says_that_the_clock_runs_on() -> None:
    assert "stop it and run" in CLOSING
    assert "judged late" in CLOSING
