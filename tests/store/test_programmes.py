"""Counting over all customers, on both databases: tickets by the week, events by the year."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from lifecycle.messages import Happened
from lifecycle.programmes import Programme, Staffing
from store import inbox, programmes
from store.customers import Customer
from store.database import Database
from store.programmes import OPENED

SIGNED_UP = datetime(2025, 12, 1, 9, tzinfo=UTC)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROWS = (Staffing(0, "the founder"), Staffing(2, "a team"))


@pytest.fixture(autouse=True)
def told(request: pytest.FixtureRequest) -> Customer:
    with freeze_time(SIGNED_UP):
        made: Customer = request.getfixturevalue("customer")
    return made


def happen(db: Database, customer: Customer, name: str, *days_ago: float) -> None:
    for nth, days in enumerate(days_ago):
        with freeze_time(AT - timedelta(days=days)), db.begin() as c:
            inbox.accept(c, customer.id, "api", f"{name}-{nth}", Happened(name), body_digest=f"{nth:064}")


def test_each_ticket_counts_in_the_week_in_which_it_came(database: Database, told: Customer) -> None:
    happen(database, told, OPENED, 28, 27.9, 15, 14, 13.9, 7.1, 6.9, 0)
    with database.read() as c:
        assert programmes.support(c, ROWS, AT) == programmes.Support((2, 2, 2, 1), "the founder")
        assert programmes.support(c, ROWS, SIGNED_UP - timedelta(days=8)).weeks == ()


def test_an_event_counts_for_the_year_in_which_it_came(database: Database, told: Customer) -> None:
    happen(database, told, "case_study.published", 70, 1)
    happen(database, told, OPENED, 1)
    wanted = {"studies": Programme("Case studies", 4, None, "", "case_study.published")}
    with database.read() as c:
        (found,) = programmes.standings(c, wanted, AT)
    assert (found.reached, found.missing) == (1, 3)
