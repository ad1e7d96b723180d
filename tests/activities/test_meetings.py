"""What a booked meeting owes people: the organizer hears of a clash, and a CANCEL reaches whom the REQUEST named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import icalendar
import pytest

from activities.cards import DONE
from lifecycle.commands import SendInvite
from store import customers, meetings, pages, projections
from store.customers import NewContact
from tests.fakes.provider import Drop
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import POST, FakeSlack

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = [
    pytest.mark.usefixtures("clock"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
NINE, THREE = datetime(2026, 3, 5, 9, tzinfo=UTC), datetime(2026, 3, 5, 15, tzinfo=UTC)


def event_of(mail: dict[str, Any]) -> Any:
    return icalendar.Calendar.from_ical(mail["content"][2]["value"]).walk("VEVENT")[0]


def attendees(mail: dict[str, Any]) -> list[str]:
    return [str(attendee).removeprefix("mailto:") for attendee in event_of(mail)["ATTENDEE"]]


def fill(office: "Office") -> None:
    """Let the organizer have no free slot."""
    meetings.book(office.db, "other", organizer="mara", opens=NINE, closes=THREE, minutes=360, guests=())


def clash_of(office: "Office") -> str:
    return office.touch("kickoff", "task-clash", "mara")


def test_a_meeting_booked_over_another_is_the_organizers_task_once(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    fill(office)
    effects = office.run(office.invite(), office.invite("mara"))
    assert [effect["result"] for effect in effects] == ["sent", "sent"]
    assert len(sendgrid_server.mails) == 2
    with office.db.read() as c:
        task = projections.task(c, clash_of(office))
    assert task is not None
    assert (task.to, task.due_at) == ("mara", NINE)
    assert task.title == (
        "Kickoff is booked over another meeting of yours, Thursday 5 March, 10:00 (Berlin time): move one of them"
    )
    (card,) = slack_server.messages
    assert card["channel"] == "D0MARA"
    assert card["blocks"][-2]["elements"][0]["action_id"] == DONE
    assert "|Open the customer's page>" in card["blocks"][-1]["elements"][0]["text"]


def test_a_meeting_in_a_free_slot_is_nobodys_task(office: "Office", slack_server: FakeSlack) -> None:
    office.run(office.invite(), office.invite("mara"))
    with office.db.read() as c:
        assert projections.task(c, clash_of(office)) is None
    assert slack_server.posts == 0


def test_the_task_about_a_clash_stands_where_its_card_is_lost(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    fill(office)
    slack_server.script(POST, Drop())
    assert office.one(office.invite())[0] == "sent"
    assert len(sendgrid_server.mails) == 1
    with office.db.read() as c:
        assert clash_of(office) in [row.task.task for row in pages.inbox_page(c).tasks]


def moved(office: "Office", to: str = "") -> SendInvite:
    """The same meeting, a week later."""
    first = office.invite(to)
    week = timedelta(days=7)
    touch = office.touch("later", "send", first.to)
    return replace(first, touch=touch, opens=first.opens + week, closes=first.closes + week, moves=1)


def test_a_meeting_that_moves_keeps_its_entry_in_the_calendar(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    office.run(office.invite(), office.invite("mara"))
    assert [effect["result"] for effect in office.run(moved(office), moved(office, "mara"))] == ["sent", "sent"]
    first, *_, last = sendgrid_server.mails
    was, now = (event_of(mail) for mail in (first, last))
    assert (was["UID"], was["SEQUENCE"], now["SEQUENCE"]) == (now["UID"], 0, 1)
    assert (was["DTSTART"].dt, now["DTSTART"].dt) == (NINE, NINE + timedelta(days=7))
    assert last["subject"].startswith("Moved: ")
    assert last["content"][0]["value"].startswith("The meeting “")
    assert "has another time: Thursday 12 March, 10:00 (Berlin time)." in last["content"][0]["value"]


def test_an_invitation_that_goes_after_a_move_tells_the_time_it_moved_to(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    office.one(office.invite())
    office.one(moved(office))
    assert office.one(office.invite("mara"))[0] == "sent"
    assert event_of(sendgrid_server.mails[-1])["DTSTART"].dt == NINE + timedelta(days=7)


def test_a_meeting_that_was_called_off_moves_no_more(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    office.one(office.invite())
    office.one(office.cancel())
    assert office.one(moved(office))[0] == "withdrawn"
    assert event_of(sendgrid_server.mails[-1])["STATUS"] == "CANCELLED"


def test_each_time_a_move_clashes_it_is_the_organizers_task(office: "Office") -> None:
    fill(office)
    week = timedelta(days=7)
    meetings.book(office.db, "next", organizer="mara", opens=NINE + week, closes=THREE + week, minutes=360, guests=())
    office.run(office.invite(), moved(office))
    with office.db.read() as c:
        tasks = [projections.task(c, office.touch("kickoff", part, "mara")) for part in ("task-clash", "task-clash-1")]
    assert [task.due_at if task else None for task in tasks] == [NINE, NINE + week]


def test_whoever_is_asked_about_a_move_reads_where_it_would_go(office: "Office", slack_server: FakeSlack) -> None:
    assert office.one(office.ask(step="later"))[0] == "sent"
    assert "It moves the meeting of Kickoff" in str(slack_server.messages[-1])
    assert "Monday 9 March 2026, between 10:00 and 12:00" in str(slack_server.messages[-1])


def test_a_cancel_reaches_those_who_were_invited_whoever_has_the_role_now(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    office.one(office.invite())
    with office.db.begin() as c:
        customers.upsert_contact(c, office.customer.id, NewContact("grace@acme.example.com", "Grace", ("champion",)))
        customers.upsert_contact(c, office.customer.id, NewContact("ada@acme.example.com", "Ada", ("billing",)))
    assert office.one(office.cancel())[0] == "sent"
    asked, cancelled = sendgrid_server.mails
    assert attendees(asked) == attendees(cancelled) == ["ada@acme.example.com", "mara@stageplay.example.com"]
