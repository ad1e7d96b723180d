"""What becomes of commands when nothing goes wrong: each kind of them, through real providers on loopback."""

import email
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.policy import default
from typing import TYPE_CHECKING, Any

import icalendar
import pytest
from sqlalchemy import select

from activities import links
from activities.cards import APPROVE, DONE, EDIT, REJECT
from activities.mime import of_parts, to_eml
from lifecycle.messages import Event, FactsReported, Happened
from lifecycle.model import Decision
from store import customers, inbox, meetings, outbox, projections, surveys, tables
from tests.fakes.provider import Answer
from tests.fakes.sendgrid import SEND, FakeSendGrid
from tests.fakes.slack import FakeSlack
from workflows.interface import PlayInfo

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = pytest.mark.usefixtures("clock")
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_an_email_is_sent_once_and_written_down(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    assert office.one(office.email()) == ("sent", "")
    (mail,) = sendgrid_server.mails
    assert mail["subject"] == "Acme, day 1"
    assert mail["from"] == {"email": "success@stageplay.example.com", "name": "Mara Berg"}
    row = office.standing(office.email())
    assert row is not None
    assert (row.state, row.transport, row.provider_ref) == ("sent", "sendgrid", "message-1")
    with office.db.read() as c:
        assert c.execute(select(tables.ledger.c.touch_hash)).scalar_one() == sendgrid_server.touches[0]


def test_a_command_issued_again_sends_nothing(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    assert [office.one(office.email())[0] for _ in range(3)] == ["sent", "sent", "sent"]
    assert len(sendgrid_server.seen) == 1


@on_sqlite
def test_what_is_known_now_stands_in_the_mail(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        told: tuple[Event, ...] = (FactsReported({"usage.dau_wau": 0.4}), Happened("setup.finished"))
        for nth, event in enumerate(told):
            inbox.accept(c, office.customer.id, "app", f"e{nth}", event, body_digest="x")
    office.one(office.email())
    text = sendgrid_server.mails[0]["content"][0]["value"]
    assert "Use: 0.4\nSetup is done.\n" in text


@on_sqlite
def test_a_mail_says_the_day_and_the_facts_of_its_own_play(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        inbox.accept(c, office.customer.id, "app", "e1", FactsReported({"usage.dau_wau": 0.4}), body_digest="x")
    command = office.email()
    about = PlayInfo(anchor="2026-02-20", zone="Europe/Berlin", about={"usage.dau_wau": 0.1})
    office.run(command, batch=office.batch(command, plays={"/".join(command.touch.split("/")[1:3]): about}))
    (mail,) = sendgrid_server.mails
    assert mail["subject"] == "Acme, day 10"
    assert "Use: 0.1\n" in mail["content"][0]["value"]


@on_sqlite
def test_a_mail_about_a_contract_writes_its_end_as_people_do(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    text = "Subject: Your contract\n\nIt ends on {{ contract.ends_on }}.\n"
    digest = office.release({"email/welcome.txt": text})
    command = office.email(release=digest)
    about = PlayInfo(anchor="2026-09-01", zone="Europe/Berlin", about={"contract.ends_on": "2026-09-01"})
    office.run(command, batch=office.batch(command, plays={"/".join(command.touch.split("/")[1:3]): about}))
    assert "It ends on 1 September 2026." in sendgrid_server.mails[0]["content"][0]["value"]


def test_a_survey_link_opens_the_survey_that_was_sent(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    office.one(office.survey())
    text = sendgrid_server.mails[0]["content"][0]["value"]
    token = text.partition("/survey/")[2].split()[0]
    link = links.read_survey("k" * 32, token)
    assert link == links.SurveyLink(office.survey().touch, office.contact)
    with office.db.read() as c:
        survey = surveys.get(c, office.survey().touch)
    assert survey is not None
    assert (survey.contact, survey.survey, survey.sent_at) == (office.contact, "nps", AT)


def calendar_of(mail: dict[str, Any]) -> Any:
    (event,) = icalendar.Calendar.from_ical(mail["content"][2]["value"]).walk("VEVENT")
    return event


def test_an_invitation_reaches_each_guest_with_one_uid(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    results = office.run(office.invite(), office.invite("mara"))
    assert [result["result"] for result in results] == ["sent", "sent"]
    guest, host = sendgrid_server.mails
    assert calendar_of(guest)["UID"] == calendar_of(host)["UID"]
    assert [str(person) for person in calendar_of(guest)["ATTENDEE"]] == [
        "mailto:ada@acme.example.com",
        "mailto:mara@stageplay.example.com",
    ]
    assert "When: Thursday 5 March 2026, 10:00 (Berlin time), 60 minutes" in guest["content"][0]["value"]
    assert "List-Unsubscribe" in guest["headers"]
    assert "headers" not in host
    assert "nsubscribe" not in host["content"][0]["value"] + host["content"][1]["value"]


def test_a_meeting_that_is_cancelled_is_taken_back_with_a_higher_sequence(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    office.run(office.invite(), office.invite("mara"))
    office.run(office.cancel(), office.cancel("mara"))
    asked, _, taken, again = sendgrid_server.mails
    assert taken["content"][2]["type"] == "text/calendar; method=CANCEL"
    assert calendar_of(taken)["UID"] == calendar_of(asked)["UID"]
    assert [int(calendar_of(mail)["SEQUENCE"]) for mail in (asked, taken, again)] == [0, 1, 1]
    assert calendar_of(taken)["STATUS"] == "CANCELLED"
    assert len(calendar_of(taken)["ATTENDEE"]) == 2
    assert taken["subject"] == "Cancelled: Kickoff: Acme"
    assert "churned" not in json.dumps(taken)


@on_sqlite
def test_a_meeting_that_was_never_booked_needs_no_cancel(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    assert office.one(office.cancel()) == ("withdrawn", "there is no meeting to cancel")
    assert sendgrid_server.mails == []


@on_sqlite
def test_an_invitation_to_a_cancelled_meeting_is_not_sent(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    office.one(office.invite())
    meetings.cancel(office.db, office.invite().meeting)
    assert office.one(office.invite("mara"))[0] == "withdrawn"
    assert len(sendgrid_server.mails) == 1


@on_sqlite
def test_what_was_to_be_tried_again_of_a_cancelled_meeting_is_settled(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    sendgrid_server.script(SEND, Answer(500))
    assert office.one(office.invite())[0] == "later"
    meetings.cancel(office.db, office.invite().meeting)
    assert office.one(office.invite())[0] == "withdrawn"
    assert office.state(office.invite()) == "withdrawn"


@on_sqlite
def test_a_slack_message_goes_to_the_teammate_with_its_hash(office: "Office", slack_server: FakeSlack) -> None:
    assert office.one(office.nudge()) == ("sent", "")
    (message,) = slack_server.messages
    assert message["channel"] == "D0MARA"
    assert message["blocks"][0]["text"]["text"] == "Acme: look here"
    assert "Call Ada, Mara. <https://help.example.com|Help>" in message["blocks"][1]["text"]["text"]
    page = f"<https://stageplay.example.com/customers/{office.customer.id}|Open the customer's page>"
    assert message["blocks"][-1]["elements"][0]["text"] == page
    with office.db.read() as c:
        assert message["metadata"]["event_payload"] == {
            "touch": c.execute(select(tables.ledger.c.touch_hash)).scalar_one()
        }


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    actions = [block for block in message["blocks"] if block["type"] == "actions"]
    return {item["action_id"]: item for block in actions for item in block["elements"]}


def test_a_question_has_three_buttons_and_is_on_the_dashboard(office: "Office", slack_server: FakeSlack) -> None:
    assert office.one(office.ask())[0] == "sent"
    found = buttons(slack_server.messages[0])
    value = f"{office.customer.id}/onboarding/1/welcome"
    assert set(found) == {APPROVE, REJECT, EDIT}
    assert found[APPROVE]["value"] == found[REJECT]["value"] == value
    assert "confirm" in found[REJECT]
    assert found[EDIT]["url"] == f"https://stageplay.example.com/approvals/{value}"
    with office.db.read() as c:
        row = projections.approval(c, office.customer.id, "onboarding/1/welcome")
    assert row is not None
    assert row.preview["subject"] == "Acme, day 1"
    assert row.preview["to"] == ["Ada Lovelace"]
    assert "[unsubscribe link]" in row.preview["text"]
    assert row.cards[0].card.startswith("slack:D0MARA/")


def test_settling_takes_the_buttons_off_every_card(office: "Office", slack_server: FakeSlack) -> None:
    office.run(office.ask(), office.ask(nth=1), office.ask(nth=2, to="omar"))
    assert office.one(office.settle())[0] == "sent"
    assert len(slack_server.messages) == 3
    for message in slack_server.messages:
        assert buttons(message) == {}
        assert "Approved by Mara Berg." in message["text"]
    with office.db.read() as c:
        row = projections.approval(c, office.customer.id, "onboarding/1/welcome")
    assert row is not None
    assert (row.result, row.closed_by) == ("approved", "mara")


@on_sqlite
def test_a_question_already_settled_is_not_asked(office: "Office", slack_server: FakeSlack) -> None:
    office.run(office.ask(), office.settle("expired", by=""))
    result, reason = office.one(office.ask(nth=1))
    assert (result, "expired" in reason) == ("withdrawn", True)
    assert slack_server.posts == 1


@on_sqlite
def test_the_question_about_an_invitation_says_when_it_may_lie_and_keeps_places_for_its_slot(
    office: "Office", slack_server: FakeSlack
) -> None:
    assert office.one(office.ask(step="kickoff"))[0] == "sent"
    card = json.dumps(slack_server.messages[0])
    assert "Wednesday 4 March 2026, first free between 10:00 and 16:00 (Berlin time), 60 minutes" in card
    assert "booked when it goes out: Wednesday 4 March 2026, the first free 60 minutes between 10:00 and 16:00" in card
    with office.db.read() as c:
        row = projections.approval(c, office.customer.id, "onboarding/1/kickoff")
    assert row is not None
    assert "[meeting day], [meeting time] ([meeting zone]), 60 minutes" in row.preview["text"]


@on_sqlite
def test_the_question_about_an_invitation_counts_its_days_from_those_of_its_round(
    office: "Office", slack_server: FakeSlack
) -> None:
    assert office.one(replace(office.ask(step="kickoff"), day_zero=date(2026, 3, 9)))[0] == "sent"
    assert "booked when it goes out: Thursday 12 March 2026" in json.dumps(slack_server.messages[0])


@on_sqlite
def test_an_edited_text_goes_out_with_the_readers_own_links(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        text = "Dear Ada,\r\n\r\n<b>new</b> words\r\n--\r\nUnsubscribe: [unsubscribe link]\r\n"
        projections.save_edit(c, office.customer.id, "onboarding/1/welcome", 2, "New subject", text, "mara")
    assert office.one(office.email(edited=True)) == ("sent", "")
    (mail,) = sendgrid_server.mails
    text, html = (part["value"] for part in mail["content"])
    assert mail["subject"] == "New subject"
    assert "https://stageplay.example.com/unsubscribe/" in text
    assert "&lt;b&gt;new&lt;/b&gt; words" in html
    assert html.count("/unsubscribe/") == 1


@on_sqlite
def test_an_edited_invitation_still_says_when(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        text = "We meet on [meeting day] at [meeting time]."
        projections.save_edit(c, office.customer.id, "onboarding/1/kickoff", 2, "", text, "mara")
    office.one(office.invite(edited=True))
    (mail,) = sendgrid_server.mails
    assert mail["subject"] == "Kickoff: Acme"
    assert mail["content"][0]["value"].startswith("We meet on Thursday 5 March 2026 at 10:00.")


@on_sqlite
def test_the_edited_subject_of_an_invitation_says_when_too(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        subject = "Kickoff on [meeting day] at [meeting time]"
        projections.save_edit(c, office.customer.id, "onboarding/1/kickoff", 2, subject, "See you!", "mara")
    office.one(office.invite(edited=True))
    (mail,) = sendgrid_server.mails
    assert mail["subject"] == "Kickoff on Thursday 5 March 2026 at 10:00"


@on_sqlite
def test_an_edited_invitation_reaches_the_teammate_too(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        text = "We meet on [meeting day]. Unsubscribe: [unsubscribe link]"
        projections.save_edit(c, office.customer.id, "onboarding/1/kickoff", 2, "", text, "mara")
    assert office.one(office.invite(to="mara", edited=True)) == ("sent", "")
    (mail,) = sendgrid_server.mails
    assert "[" not in mail["content"][0]["value"]


def test_a_task_is_a_row_and_a_card_with_one_button(office: "Office", slack_server: FakeSlack) -> None:
    assert office.one(office.task())[0] == "sent"
    with office.db.read() as c:
        row = projections.task(c, office.task().touch)
    assert row is not None
    assert (row.title, row.checklist, row.to) == ("Plan for Acme", ("Goals & dates",), "mara")
    assert set(buttons(slack_server.messages[0])) == {DONE}
    assert buttons(slack_server.messages[0])[DONE]["value"] == office.task().touch


@on_sqlite
def test_a_task_of_the_engine_bears_its_sentence(office: "Office") -> None:
    office.one(office.task("Nobody answered: decide about the welcome mail"))
    with office.db.read() as c:
        row = projections.task(c, office.task().touch)
    assert row is not None
    assert (row.title, row.checklist) == ("Nobody answered: decide about the welcome mail", ())


def test_decisions_are_stored_once_with_their_place(office: "Office") -> None:
    decision = Decision(AT, "onboarding", office.digest, 1, "welcome", "email", "fired", "due")
    batch = office.batch(office.nudge(), decisions=(decision,))
    assert [effect["result"] for effect in office.run(batch=batch)] == ["sent"]
    assert [effect["result"] for effect in office.run(batch=batch)] == ["sent"]
    with office.db.read() as c:
        places = c.execute(select(tables.decisions.c.place)).scalars().all()
        assert customers.get(c, office.customer.id).stage == "onboarding"
    assert places == ["playbooks/onboarding.yaml:12"]


@on_sqlite
def test_a_batch_without_commands_stores_its_decisions(office: "Office") -> None:
    assert office.run(batch=office.batch()) == []


@pytest.mark.parametrize("factor", [1.0, 86_400.0])
def test_the_outbox_keeps_what_would_have_been_sent(
    new_office: Any, sendgrid_server: FakeSendGrid, slack_server: FakeSlack, factor: float
) -> None:
    """By the settings, or because the customer rehearses, whatever the settings say."""
    office = new_office(factor=factor)
    outside = {} if factor > 1 else {"email_transport": "outbox", "slack_transport": "outbox"}
    performer = office.performer(**outside)
    commands = (office.email(), office.survey(), office.invite(), office.nudge(), office.ask(), office.task())
    effects = office.run(*commands, office.settle(), performer=performer)
    assert {effect["result"] for effect in effects} == {"sent"}
    assert (sendgrid_server.seen, slack_server.seen) == ([], [])
    with office.db.read() as c:
        kept = {entry.touch: entry for entry in outbox.entries(c, 100)}
    assert set(kept) == {command.touch for command in commands}
    assert {entry.at for entry in kept.values()} == {AT}
    invite = kept[office.invite().touch]
    mail = email.message_from_bytes(to_eml(of_parts(invite.body, invite.subject), invite.at), policy=default)
    assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
        "text/calendar",
        "text/calendar",
    ]
    assert icalendar.Calendar.from_ical(kept[office.invite().touch].body["ics"])["METHOD"] == "REQUEST"
    assert APPROVE not in kept[office.ask().touch].body["blocks"]
    assert "Approved by Mara Berg." in kept[office.ask().touch].body["text"]
    assert kept[office.ask().touch].subject == "Welcome for Acme: Approved by Mara Berg"


@on_sqlite
def test_the_outbox_does_not_keep_a_mail_twice(new_office: Any) -> None:
    office = new_office(factor=86_400.0)
    assert [office.one(office.email())[0] for _ in range(2)] == ["sent", "sent"]
    with office.db.read() as c:
        assert len(outbox.entries(c, 10)) == 1


@on_sqlite
def test_a_later_due_shows_the_later_day(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    office.one(office.email(due=AT + timedelta(days=4)))
    assert sendgrid_server.mails[0]["subject"] == "Acme, day 5"
