"""What happens at the same moment on PostgreSQL, where transactions run side by side. SQLite has one writer."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from cli.apply import apply
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from store import customers, inbox, ledger, releases
from store.database import Database, one_at_a_time

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ROOT = Path(__file__).parents[2]
Signup = Callable[..., dict[str, Any]]


@pytest.fixture
def intake(db: Database) -> Intake:
    return Intake(db, Lifecycles(), allow_rehearsal=False)


def waits_or_ends(db: Database, other: Future[Any]) -> None:
    """Return once the other transaction waits for a lock of ours, or has ended without waiting."""
    while not other.done():
        with db.read() as c:
            if c.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                return


def test_an_event_that_races_its_signup_is_not_parked_for_ever(db: Database, intake: Intake, signup: Signup) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.begin() as c:
            intake._take(c, Inbound("api", "customer.signed_up", "evt_signup", signup()["data"]))
            event = pool.submit(intake.take, Inbound("api", "api.connected", "evt_1", {"customer": "acme"}))
            waits_or_ends(db, event)
        assert event.result().status == "accepted"
    with db.read() as c:
        assert inbox.parked(c) == []


def test_a_customer_that_signs_up_during_apply_hears_of_the_new_catalogue(
    db: Database, intake: Intake, signup: Signup
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.begin() as c:
            customer = intake._take(c, Inbound("api", "customer.signed_up", "evt_1", signup()["data"])).customer
            applied = pool.submit(apply, db, ROOT / "playbooks", ROOT / "templates")
            waits_or_ends(db, applied)
        assert applied.result().told == 1
    with db.read() as c:
        assert [row.event["kind"] for row in inbox.undelivered(c, customer)] == ["signed_up", "catalogue_applied"]


def test_a_signup_waits_for_apply_and_then_starts_with_the_new_catalogue(
    db: Database, intake: Intake, signup: Signup
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.begin() as c:
            one_at_a_time(c, releases.APPLYING)
            taken = pool.submit(intake.take, Inbound("api", "customer.signed_up", "evt_1", signup()["data"]))
            waits_or_ends(db, taken)
            assert not taken.done()
            assert customers.find(c, "acme") is None
        assert taken.result().customer


def test_a_send_that_is_being_reserved_when_its_customer_is_merged_counts_for_the_survivor(
    db: Database, intake: Intake, signup: Signup
) -> None:
    for name in ("acme", "globex"):
        intake.take(Inbound("api", "customer.signed_up", f"signup-{name}", signup(id=name)["data"]))
    with db.read() as c:
        gone, into = customers.find(c, "globex"), customers.find(c, "acme")
        assert gone is not None
        assert into is not None
        (ada,) = customers.contacts(c, gone.id)
    reserving, go = threading.Event(), threading.Event()

    def barrier(_: Connection) -> None:
        """The last look before a send, which sees no merge and takes its time."""
        reserving.set()
        assert go.wait(20)

    touch, lease = f"{gone.id}/onboarding/1/welcome/1/send/{ada.id}", timedelta(minutes=1)
    with ThreadPoolExecutor(2) as pool:
        send = pool.submit(
            ledger.reserve, db, touch, customer=gone.id, kind="send_email", lease_for=lease, barrier=barrier
        )
        assert reserving.wait(20)
        merge = pool.submit(
            intake.take, Inbound("api", "customer.merged", "merge", {"customer": "globex", "into": "acme"})
        )
        waits_or_ends(db, merge)
        assert not merge.done()
        go.set()
        assert send.result() == ledger.Reservation(touch, 1)
        assert merge.result().status == "accepted"
    with db.read() as c:
        event = inbox.undelivered(c, into.id)[1].event
    assert [row[2] for row in event["touched"]] == [f"{gone.id}/onboarding/1/welcome"]
