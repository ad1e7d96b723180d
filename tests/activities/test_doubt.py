"""The provider is cut at every point. What counts is what it took: never twice, and never silently nothing."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from freezegun.api import FrozenDateTimeFactory
from temporalio.testing import ActivityEnvironment

from activities import perform
from activities.transports import NOBODY_KNOWS
from store import ledger
from tests.fakes.provider import Answer, Behaviour, Drop, Hang, Seen, Slow
from tests.fakes.sendgrid import SEND, FakeSendGrid
from tests.fakes.slack import HISTORY, OPEN, POST, UPDATE, FakeSlack, no

if TYPE_CHECKING:
    from tests.activities.conftest import Office

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What a provider's answers mean has nothing to do with the database."""

# --- mail -------------------------------------------------------------------------------------------------------------

RESET = str(int((AT + timedelta(seconds=42)).timestamp()))


@on_sqlite
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(429, headers={"X-RateLimit-Reset": RESET}), 42),
        (Answer(429, headers={"Retry-After": "7"}), 7),
        (Answer(429, headers={"X-RateLimit-Reset": "soon"}), 60),
        (Answer(429, headers={"X-RateLimit-Reset": "1"}), 1),
        (Answer(429, headers={"Retry-After": "999999"}), 3600),
        (Answer(500), 60),
        (Answer(503), 60),
    ],
    ids=str,
)
def test_a_busy_sendgrid_is_asked_again_when_it_says(
    office: "Office", sendgrid_server: FakeSendGrid, answer: Answer, wait: float
) -> None:
    sendgrid_server.script(SEND, answer)
    (effect,) = office.run(office.email())
    assert (effect["result"], effect["retry_in"]) == ("later", wait)
    assert office.state(office.email()) == "held"
    assert office.one(office.email())[0] == "sent"
    assert len(sendgrid_server.mails) == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_what_sendgrid_refuses_for_good_is_told_in_its_words(
    office: "Office", sendgrid_server: FakeSendGrid, status: int
) -> None:
    errors = [{"message": "The from address does not match a verified Sender Identity.", "field": "from"}]
    sendgrid_server.script(SEND, Answer(status, {"errors": errors}))
    result, reason = office.one(office.email())
    assert result == "failed"
    assert f"({status}): from: The from address does not match" in reason
    assert office.one(office.email())[0] == "failed"
    assert len(sendgrid_server.seen) == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
def test_a_wrong_key_fails_and_says_so(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    result, reason = office.one(office.email(), office.performer(sendgrid_key="SG.other"))
    assert (result, "401" in reason) == ("failed", True)
    assert sendgrid_server.mails == []


@on_sqlite
@pytest.mark.usefixtures("clock")
def test_a_sendgrid_that_cannot_be_reached_is_tried_again(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    assert office.one(office.email(), office.performer(sendgrid_url="http://127.0.0.1:9"))[0] == "later"
    assert office.one(office.email())[0] == "sent"
    assert len(sendgrid_server.mails) == 1


@on_sqlite
@pytest.mark.parametrize(
    "behaviour",
    [
        Hang(),
        Hang(takes=True),
        Drop(),
        Drop(takes=True),
        *(Answer(status, "<html>", takes=takes) for status in (408, 502, 504, 520) for takes in (True, False)),
    ],
    ids=str,
)
def test_a_mail_whose_answer_is_lost_is_never_sent_again(
    office: "Office", sendgrid_server: FakeSendGrid, clock: FrozenDateTimeFactory, behaviour: Behaviour
) -> None:
    sendgrid_server.script(SEND, behaviour)
    assert office.one(office.email())[0] == "unknown"
    for _ in range(3):
        clock.tick(timedelta(hours=7))
        assert office.one(office.email())[0] == "unknown"
    clock.tick(timedelta(hours=3))
    assert office.one(office.email()) == ("failed", NOBODY_KNOWS)
    assert len(sendgrid_server.seen) == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("arrived", "sends"), [(True, 1), (False, 2)])
def test_sendgrids_own_report_settles_a_doubt(
    office: "Office", sendgrid_server: FakeSendGrid, arrived: bool, sends: int
) -> None:
    sendgrid_server.script(SEND, Drop(takes=arrived))
    assert office.one(office.email())[0] == "unknown"
    ledger.settle_unknown(office.db, office.email().touch, arrived, "the event webhook said so")
    assert office.one(office.email())[0] == "sent"
    assert len(sendgrid_server.seen) == sends
    assert len(sendgrid_server.mails) == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
def test_an_invitation_may_be_repeated_and_stays_one_meeting(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    sendgrid_server.script(SEND, Drop(takes=True))
    assert office.one(office.invite())[0] == "unknown"
    assert office.one(office.invite())[0] == "sent"
    assert len(sendgrid_server.mails) == 2
    assert len(sendgrid_server.meetings) == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
def test_a_command_that_takes_too_long_does_not_hold_up_the_others(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    sendgrid_server.script(SEND, Slow())
    performer = office.performer(limit=0.3, timeout=30.0)
    slow, quick = office.email(), office.nudge()
    seen: list[str] = []

    def hook(_: Seen) -> None:
        seen.append(office.state(slow))
        sendgrid_server.release()

    slack_server.hook = hook
    slow_effect, quick_effect = office.run(slow, quick, performer=performer)
    assert (slow_effect["result"], quick_effect["result"]) == ("unknown", "sent")
    assert seen == ["reserved"]
    assert office.one(slow)[0] == "sent"  # the thread had gone on, and the ledger learned of it
    assert len(sendgrid_server.seen) == 1


@on_sqlite
@pytest.mark.parametrize("slow", [True, False])
def test_only_a_batch_that_takes_long_says_that_it_is_alive(
    office: "Office", sendgrid_server: FakeSendGrid, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    monkeypatch.setattr(perform, "HEARTBEAT", 0.05 if slow else perform.HEARTBEAT)
    beats: list[object] = []
    environment = ActivityEnvironment()

    def beat(*_: object) -> None:
        beats.append(None)
        sendgrid_server.release()

    environment.on_heartbeat = beat
    sendgrid_server.script(SEND, *([Slow()] if slow else []))
    result = asyncio.run(environment.run(office.performer().perform, office.batch(office.email())))
    assert result["effects"] == []
    assert bool(beats) is slow


# --- Slack ------------------------------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"}), 30),
        (no("ratelimited"), 60),
    ],
    ids=str,
)
def test_a_busy_slack_is_asked_again_when_it_says(
    office: "Office", slack_server: FakeSlack, answer: Answer, wait: float
) -> None:
    slack_server.script(POST, answer)
    (effect,) = office.run(office.nudge())
    assert (effect["result"], effect["retry_in"]) == ("later", wait)
    assert office.one(office.nudge())[0] == "sent"
    assert slack_server.posts == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    "error", ["channel_not_found", "not_in_channel", "invalid_auth", "invalid_blocks", "msg_too_long"]
)
def test_what_slack_refuses_for_good_fails(office: "Office", slack_server: FakeSlack, error: str) -> None:
    slack_server.script(POST, no(error))
    result, reason = office.one(office.nudge())
    assert (result, error in reason) == ("failed", True)
    assert office.one(office.nudge())[0] == "failed"
    assert len(slack_server.seen) == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("takes", [True, False])
@pytest.mark.parametrize(
    "kind",
    [
        Hang,
        Drop,
        partial(Answer, 200, {"ok": False, "error": "fatal_error"}),
        partial(Answer, 200, {"ok": False, "error": "internal_error"}),
        partial(Answer, 500, "no json at all"),
        partial(Answer, 503, {"ok": False, "error": "service_unavailable"}),
    ],
    ids=str,
)
def test_slack_itself_is_asked_in_a_minute_whether_a_message_arrived(
    office: "Office", slack_server: FakeSlack, kind: Callable[..., Behaviour], takes: bool
) -> None:
    slack_server.script(POST, kind(takes=takes))
    (effect,) = office.run(office.nudge())
    assert (effect["result"], effect["retry_in"]) == ("unknown", 60.0)
    assert office.state(office.nudge()) == "unknown"
    assert office.one(office.nudge())[0] == "sent"
    assert slack_server.posts == 1
    assert [seen.path for seen in slack_server.seen].count(POST) == (1 if takes else 2)


@on_sqlite
@pytest.mark.usefixtures("clock")
def test_a_message_is_found_among_many_others(office: "Office", slack_server: FakeSlack) -> None:
    slack_server.script(POST, Drop(takes=True))
    assert office.one(office.nudge())[0] == "unknown"
    office.run(*(office.nudge(nth) for nth in range(1, 4)))
    assert office.one(office.nudge())[0] == "sent"
    assert slack_server.posts == 4
    row = office.standing(office.nudge())
    assert row is not None
    assert row.provider_ref == f"D0MARA/{slack_server.messages[0]['ts']}"


@on_sqlite
def test_a_message_below_more_than_is_searched_may_be_there(
    office: "Office", slack_server: FakeSlack, clock: FrozenDateTimeFactory
) -> None:
    slack_server.script(POST, Drop(takes=True))
    assert office.one(office.nudge())[0] == "unknown"
    slack_server.messages += [{**slack_server.messages[0], "metadata": None} for _ in range(12)]
    result, reason = office.one(office.nudge())
    assert (result, "more messages than are searched" in reason or "cannot be asked" in reason) == ("unknown", True)
    clock.tick(timedelta(hours=24))
    assert office.one(office.nudge()) == ("failed", NOBODY_KNOWS)
    assert [seen.path for seen in slack_server.seen].count(POST) == 1


@on_sqlite
@pytest.mark.parametrize("path", [OPEN, HISTORY])
def test_while_slack_cannot_be_asked_nothing_is_posted(
    office: "Office", slack_server: FakeSlack, clock: FrozenDateTimeFactory, path: str
) -> None:
    slack_server.script(POST, Drop(takes=True))
    slack_server.script(path, no("ratelimited"), no("missing_scope"), Drop(), no("missing_scope"))
    results = [office.one(office.nudge())[0] for _ in range(4)]
    assert results == ["unknown"] * 4
    clock.tick(timedelta(hours=24))
    assert office.one(office.nudge()) == ("failed", NOBODY_KNOWS)
    assert slack_server.posts == 1


@on_sqlite
@pytest.mark.usefixtures("clock")
def test_a_task_stands_even_where_slack_refuses_its_card(office: "Office", slack_server: FakeSlack) -> None:
    slack_server.script(POST, no("channel_not_found"))
    assert office.one(office.task())[0] == "sent"


@on_sqlite
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("behaviour", [Hang(takes=True), Drop(), no("ratelimited"), Answer(500)], ids=str)
def test_settling_is_simply_repeated(office: "Office", slack_server: FakeSlack, behaviour: Behaviour) -> None:
    office.run(office.ask(), office.ask(nth=1))
    slack_server.script(UPDATE, behaviour)
    assert office.one(office.settle())[0] == "later"
    assert office.one(office.settle())[0] == "sent"
    assert all("Approved" in message["text"] for message in slack_server.messages)


@on_sqlite
@pytest.mark.usefixtures("clock")
def test_a_card_that_somebody_deleted_needs_no_settling(office: "Office", slack_server: FakeSlack) -> None:
    office.run(office.ask())
    slack_server.messages.clear()
    assert office.one(office.settle())[0] == "sent"
