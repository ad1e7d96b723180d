"""The worker dies, workers race, the database is lost. What counts is what the provider took: never twice, and never
silently nothing.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import text

from activities.perform import DatabaseLostError
from activities.transports import NOBODY_KNOWS
from lifecycle.commands import Command
from store import customers, ledger, outbox
from store.database import now, open_database
from tests.fakes.provider import Answer, Hang, Slow
from tests.fakes.sendgrid import SEND, FakeSendGrid
from tests.fakes.slack import POST, FakeSlack

if TYPE_CHECKING:
    from tests.activities.conftest import Office

LEASE = timedelta(minutes=5)
PATIENT = {"timeout": 60.0, "limit": 60.0}
"""For sends that nothing must cut short but the test itself, however busy the machine."""
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What a provider's answers mean has nothing to do with the database."""

# --- the worker dies --------------------------------------------------------------------------------------------------


@contextmanager
def process(office: "Office", *commands: Command) -> Iterator["subprocess.Popen[str]"]:
    """A worker process that performs the commands; gone at the end of the block."""
    delivery = asdict(office.delivery) | PATIENT
    given = {"database": office.url, "delivery": delivery, "batch": office.batch(*commands)}
    command = [sys.executable, "-m", "tests.fakes.one_batch", json.dumps(given)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def killed(office: "Office", server: FakeSendGrid | FakeSlack, command: Command) -> None:
    """Perform a command in a process that is killed when the provider has its request and has not answered."""
    with process(office, command) as child:
        server.hook = lambda _: os.kill(child.pid, signal.SIGKILL)
        child.communicate(timeout=90)
    server.hook = lambda _: None
    assert child.returncode == -signal.SIGKILL
    assert office.state(command) == "reserved"


@contextmanager
def after(length: timedelta) -> Iterator[None]:
    with freeze_time(now() + length, real_asyncio=True):
        yield


def test_a_mail_of_a_killed_worker_is_not_sent_again(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    killed(office, sendgrid_server, office.email())
    (effect,) = office.run(office.email())
    assert effect["result"] == "unknown"
    assert 0 < effect["retry_in"] <= LEASE.total_seconds()
    with after(LEASE):
        assert office.one(office.email())[0] == "unknown"
    with after(timedelta(hours=25)):
        assert office.one(office.email()) == ("failed", NOBODY_KNOWS)
    assert len(sendgrid_server.seen) == 1


@on_sqlite
@pytest.mark.parametrize("takes", [True, False])
def test_a_message_of_a_killed_worker_is_posted_once(office: "Office", slack_server: FakeSlack, takes: bool) -> None:
    slack_server.script(POST, Hang(takes=takes))
    killed(office, slack_server, office.nudge())
    with after(LEASE):
        assert office.one(office.nudge())[0] == "sent"
    assert slack_server.posts == 1


@on_sqlite
def test_a_question_of_a_killed_worker_can_still_be_settled(office: "Office", slack_server: FakeSlack) -> None:
    killed(office, slack_server, office.ask())
    with after(LEASE):
        assert office.one(office.ask())[0] == "sent"
        assert office.one(office.settle())[0] == "sent"
    assert slack_server.posts == 1
    assert "Approved" in slack_server.messages[0]["text"]


@on_sqlite
def test_an_invitation_of_a_killed_worker_is_one_meeting(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    killed(office, sendgrid_server, office.invite())
    with after(LEASE):
        assert office.one(office.invite())[0] == "sent"
    assert len(sendgrid_server.mails) == 2
    assert len(sendgrid_server.meetings) == 1


# --- its play is left meanwhile ---------------------------------------------------------------------------------------


def of_left_play(office: "Office", command: Command, **delivery: Any) -> str:
    """What becomes of a command that is issued again after its play was left."""
    (effect,) = office.run(performer=office.performer(**delivery), batch=office.batch(command, plays={}))
    return effect["result"]


@on_sqlite
@pytest.mark.parametrize("kept", [True, False])
def test_what_a_killed_worker_sent_of_a_play_left_since_is_known_and_what_it_did_not_never_goes(
    office: "Office", kept: bool
) -> None:
    touch, of = office.email().touch, office.customer.id
    ledger.reserve(office.db, touch, customer=of, kind="email", lease_for=LEASE)
    if kept:
        with office.db.begin() as c:
            outbox.keep(c, touch, customer=of, kind="email", to="ada@example.com", subject="Hi", body={}, at=now())
    assert of_left_play(office, office.email(), email_transport="outbox") == "unknown"
    became = "sent" if kept else "withdrawn"
    with after(LEASE):
        assert of_left_play(office, office.email(), email_transport="outbox") == became
    assert office.state(office.email()) == became
    with office.db.read() as c:
        assert (outbox.by_touch(c, touch) is not None) == kept


@on_sqlite
def test_an_invitation_that_may_be_out_is_not_repeated_for_a_play_that_was_left(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    killed(office, sendgrid_server, office.invite())
    with after(LEASE):
        assert of_left_play(office, office.invite()) == "unknown"
    assert len(sendgrid_server.mails) == 1
    assert office.state(office.invite()) == "unknown"


@on_sqlite
def test_what_had_not_been_reserved_of_a_play_that_was_left_never_goes(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    assert of_left_play(office, office.email()) == "withdrawn"
    assert sendgrid_server.seen == []


@on_sqlite
def test_a_thread_past_its_limit_sends_nothing_of_a_play_that_was_left_meanwhile(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    assert office.one(office.email(), office.performer(mails_per_second=1.0))[0] == "sent"  # takes the only token
    hasty = office.performer(mails_per_second=1.0, limit=0.2)
    assert office.one(office.survey(), hasty)[0] == "unknown"
    assert of_left_play(office, office.survey()) == "withdrawn"
    hasty._threads.shutdown()
    assert office.state(office.survey()) == "withdrawn"
    assert len(sendgrid_server.seen) == 1


# --- it is held meanwhile ---------------------------------------------------------------------------------------------


def hold(office: "Office") -> None:
    with office.db.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "an incident")


@on_sqlite
def test_what_a_killed_worker_may_have_sent_is_in_doubt_although_everything_is_held_since(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    killed(office, sendgrid_server, office.email())
    hold(office)
    assert office.one(office.email()) == ("unknown", "it is being sent at this moment")
    with after(LEASE):
        assert office.one(office.email())[0] == "unknown"
    assert office.state(office.email()) == "unknown"
    assert len(sendgrid_server.seen) == 1


@on_sqlite
def test_what_a_killed_worker_surely_did_not_send_waits_for_the_end_of_a_hold(office: "Office") -> None:
    touch, of = office.email().touch, office.customer.id
    ledger.reserve(office.db, touch, customer=of, kind="email", lease_for=LEASE)
    hold(office)
    with after(LEASE):
        assert office.one(office.email(), office.performer(email_transport="outbox"))[0] == "held"
    assert office.state(office.email()) == "held"


@on_sqlite
def test_an_invitation_that_may_be_out_is_not_repeated_while_everything_is_held_and_is_not_forgotten(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    killed(office, sendgrid_server, office.invite())
    hold(office)
    with after(LEASE):
        (effect,) = office.run(office.invite())
        assert (effect["result"], effect["retry_in"]) == ("unknown", 3600.0)
        assert office.state(office.invite()) == "unknown"
        assert len(sendgrid_server.mails) == 1
        with office.db.begin() as c:
            customers.lift_hold(c, customers.EVERYTHING)
        assert office.one(office.invite())[0] == "sent"
    assert len(sendgrid_server.meetings) == 1


@on_sqlite
def test_an_invitation_that_may_be_out_to_somebody_who_unsubscribed_since_stays_a_doubt(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    killed(office, sendgrid_server, office.invite())
    with office.db.begin() as c:
        customers.suppress(c, "ada@acme.example.com", "unsubscribed", "test")
    with after(LEASE):
        assert office.one(office.invite())[0] == "unknown"
    assert office.state(office.invite()) == "unknown"
    assert len(sendgrid_server.mails) == 1


@on_sqlite
def test_what_may_be_out_and_cannot_be_asked_about_for_want_of_a_token_stays_a_doubt(
    office: "Office", slack_server: FakeSlack
) -> None:
    killed(office, slack_server, office.nudge())
    busy = office.performer(posts_per_second=0.001)
    office.run(*(office.nudge(nth) for nth in range(1, 6)), performer=busy)
    with after(LEASE):
        (effect,) = office.run(office.nudge(), performer=busy)
    assert (effect["result"], effect["retry_in"]) == ("unknown", 5.0)


@on_sqlite
def test_what_slack_took_with_an_answer_that_nobody_can_read_is_a_doubt(
    office: "Office", slack_server: FakeSlack
) -> None:
    slack_server.script(
        POST, Answer(200, {"ok": True}, {"Content-Type": "application/json; charset=x-none"}, takes=True)
    )
    assert office.one(office.nudge())[0] == "unknown"
    with after(LEASE):
        assert office.one(office.nudge())[0] == "sent"
    assert slack_server.posts == 1


# --- two workers on one row -------------------------------------------------------------------------------------------


def test_two_threads_on_one_row_send_once(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    sendgrid_server.script(SEND, Slow())
    other = open_database(office.url)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(office.one, office.email(), office.performer(**PATIENT))
        assert sendgrid_server.wait_for(1, 60)
        result, reason = office.one(office.email(), office.performer(other, **PATIENT))
        assert (result, reason) == ("unknown", "it is being sent at this moment")
        sendgrid_server.release()
        assert first.result(60)[0] == "sent"
    other.close()
    assert len(sendgrid_server.seen) == 1


def test_processes_that_race_for_one_row_send_once(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with ExitStack() as stack:
        children = [stack.enter_context(process(office, office.email())) for _ in range(3)]
        printed = [child.communicate(timeout=90)[0].splitlines()[-1] for child in children]
    results = [[effect["result"] for effect in json.loads(line)] for line in printed]
    assert all(result in ([], ["unknown"]) for result in results)
    assert office.one(office.email())[0] == "sent"  # also where no child got as far as sending, on a busy machine
    assert len(sendgrid_server.seen) == 1


# --- the database is lost ---------------------------------------------------------------------------------------------


def lose(office: "Office", table: str) -> None:
    with office.db.begin() as c:
        c.execute(text(f"ALTER TABLE {table} RENAME TO gone"))


def find_again(office: "Office", table: str) -> None:
    with office.db.begin() as c:
        c.execute(text(f"ALTER TABLE gone RENAME TO {table}"))


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("table", ["batches", "customers", "ledger"])
def test_a_lost_database_fails_the_batch_before_anything_is_sent(
    office: "Office", sendgrid_server: FakeSendGrid, table: str
) -> None:
    batch = office.batch(office.email())
    lose(office, table)
    with pytest.raises(DatabaseLostError) as caught:
        office.run(batch=batch)
    assert "ada" not in str(caught.value).lower()
    assert caught.value.__cause__ is None
    find_again(office, table)
    assert office.run(batch=batch)[0]["result"] == "sent"
    assert len(sendgrid_server.seen) == 1


@pytest.mark.usefixtures("clock")
def test_an_answer_that_could_not_be_written_is_written_later(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    performer = office.performer()
    sendgrid_server.hook = lambda _: lose(office, "ledger")
    with pytest.raises(DatabaseLostError):
        office.run(office.email(), performer=performer)
    find_again(office, "ledger")
    assert office.state(office.email()) == "reserved"
    assert office.run(office.email(), performer=performer)[0]["result"] == "sent"
    assert office.state(office.email()) == "sent"
    assert len(sendgrid_server.seen) == 1


def test_an_answer_forgotten_with_its_process_is_a_doubt(
    office: "Office", sendgrid_server: FakeSendGrid, clock: FrozenDateTimeFactory
) -> None:
    sendgrid_server.hook = lambda _: lose(office, "ledger")
    with pytest.raises(DatabaseLostError):
        office.run(office.email())
    find_again(office, "ledger")
    assert office.one(office.email())[0] == "unknown"
    clock.tick(LEASE)
    assert office.one(office.email())[0] == "unknown"
    assert len(sendgrid_server.seen) == 1
