"""Where a meeting takes place: the calendar entry, the mail and whoever approves it say the host's room, or nothing."""

from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import icalendar
import pytest

from activities.mime import of_parts, to_eml
from lifecycle.actions import Email
from lifecycle.commands import SendInvite
from lifecycle.playbook import Step
from store import outbox, projections, team
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import FakeSlack

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = [
    pytest.mark.usefixtures("clock"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
MARAS, OMARS = "https://meet.example.com/mara?pwd=a1&hd=b", "https://meet.example.com/omar"
WRITTEN = "https://meet.example.com/mara?pwd=a1&amp;hd=b"
SAYS_WHERE = (
    "Subject: Kickoff\n\nDay: {{ meeting.day }}\n"
    "{% if meeting.url is defined %}\nCall: {{ meeting.url }}\n{% endif %}\nBye.\n"
)


def rooms(office: "Office", **urls: str) -> None:
    """Give the teammates these rooms, and the others none."""
    with office.db.begin() as c:
        people = [replace(one, meeting_url=urls.get(one.id, "")) for one in team.teammates(c)]
        team.save_team(c, people, {"csm": ("cs_manager",)})


def event_of(mail: dict[str, Any]) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(mail["content"][2]["value"]).walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    return event


def said(mail: dict[str, Any]) -> tuple[str, str]:
    """The text and the HTML."""
    return mail["content"][0]["value"], mail["content"][1]["value"]


def handed_on(office: "Office", to: str = "") -> SendInvite:
    """The meeting, Omar's from now on."""
    first = office.invite(to)
    touch = f"{first.touch}/2"
    return replace(first, touch=touch, organizer="omar", guests=(first.guests[0], "omar"), moves=1, change="team-1")


def edited(office: "Office", text: str) -> None:
    office.one(office.ask(step="kickoff"))
    with office.db.begin() as c:
        projections.save_edit(c, office.customer.id, "onboarding/1/kickoff", 2, "", text, "mara")


def test_an_invitation_says_where_in_the_calendar_the_text_and_the_html(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    rooms(office, mara=MARAS)
    assert office.one(office.invite())[0] == "sent"
    (mail,) = sendgrid_server.mails
    event = event_of(mail)
    assert event["LOCATION"] == MARAS
    (room,) = event.conferences
    assert (room.uri, room.feature, room.label) == (MARAS, "VIDEO", "Video meeting with Mara Berg")
    assert f"\nWhere: {MARAS}" in str(event["DESCRIPTION"])
    text, html = said(mail)
    assert f"\nWhere: {MARAS}\n" in text
    assert f'Where: <a href="{WRITTEN}">{WRITTEN}</a>' in html
    assert text.count(MARAS) == 1, "said once"


def test_a_text_that_says_where_itself_is_left_as_it_is(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    rooms(office, mara=MARAS)
    digest = office.release({"invites/kickoff.txt": SAYS_WHERE})
    assert office.one(office.invite(release=digest))[0] == "sent"
    (mail,) = sendgrid_server.mails
    assert event_of(mail)["DESCRIPTION"] == f"Day: Thursday 5 March 2026\nCall: {MARAS}\nBye.\n"
    assert "Where:" not in said(mail)[0]


def test_without_a_room_nothing_is_invented(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    digest = office.release({"invites/kickoff.txt": SAYS_WHERE})
    office.run(office.invite(), office.invite("mara", release=digest))
    for mail in sendgrid_server.mails:
        assert {"LOCATION", "CONFERENCE"}.isdisjoint(event_of(mail))
        assert "Where:" not in said(mail)[0]
    assert event_of(sendgrid_server.mails[1])["DESCRIPTION"] == "Day: Thursday 5 March 2026\nBye.\n"


def test_a_meeting_that_is_handed_on_takes_place_in_the_new_hosts_room(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    rooms(office, mara=MARAS, omar=OMARS)
    office.run(office.invite(), office.invite("mara"))
    with office.db.begin() as c:
        team.give(c, office.customer.id, {"csm": "omar"})
    taken_off = replace(office.cancel("mara"), touch=office.touch("kickoff", "off", "mara"), change="team-1")
    results = [effect["result"] for effect in office.run(handed_on(office), handed_on(office, "omar"), taken_off)]
    assert results == ["sent"] * 3
    first, _, to_ada, to_omar, to_mara = sendgrid_server.mails
    assert event_of(to_ada)["UID"] == event_of(first)["UID"]
    for mail in (to_ada, to_omar):
        event = event_of(mail)
        assert (event["SEQUENCE"], event["LOCATION"]) == (1, OMARS)
        assert [(room.uri, room.label) for room in event.conferences] == [(OMARS, "Video meeting with Omar")]
        text, html = said(mail)
        assert f" Please join here: {OMARS}\n" in text
        assert MARAS not in text + str(event["DESCRIPTION"])
        assert html.count(f'href="{OMARS}"') == 2
    assert {"LOCATION", "CONFERENCE"}.isdisjoint(event_of(to_mara)), "who is taken off is told no place"
    assert OMARS not in "".join(said(to_mara))


def test_a_new_host_without_a_room_takes_the_old_place_off_the_calendar(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    rooms(office, mara=MARAS)
    office.one(office.invite())
    with office.db.begin() as c:
        team.give(c, office.customer.id, {"csm": "omar"})
    assert office.one(handed_on(office))[0] == "sent"
    last = sendgrid_server.mails[-1]
    assert {"LOCATION", "CONFERENCE"}.isdisjoint(event_of(last))
    assert "join here" not in said(last)[0]


def test_the_room_is_that_of_whoever_the_meeting_is_booked_with(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    """Until the workflow has handed a meeting on, it stands in the calendar of the one before."""
    rooms(office, mara=MARAS, omar=OMARS)
    office.one(office.invite())
    with office.db.begin() as c:
        team.give(c, office.customer.id, {"csm": "omar"})
    office.one(office.invite("mara"))
    last = sendgrid_server.mails[-1]
    assert event_of(last)["LOCATION"] == MARAS
    assert MARAS in said(last)[0]
    assert OMARS not in said(last)[0]


def test_a_meeting_that_moves_or_is_cancelled_keeps_its_place(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    rooms(office, mara=MARAS)
    first = office.invite()
    office.one(first)
    office.one(replace(first, touch=office.touch("later", "send", first.to), moves=1))
    office.one(office.cancel())
    _, moved, cancelled = sendgrid_server.mails
    for mail in (moved, cancelled):
        assert event_of(mail)["LOCATION"] == MARAS
        assert [room.uri for room in event_of(mail).conferences] == [MARAS]
    assert MARAS in said(moved)[0]
    assert MARAS not in said(cancelled)[0], "nobody is sent to a meeting that does not take place"


def test_whoever_approves_an_invitation_sees_where_and_an_edit_keeps_it(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    rooms(office, mara=MARAS)
    edited(office, "We meet at [meeting time], on [meeting link].\n")
    assert "Where: https://meet.example.com/mara?pwd=a1&amp;hd=b" in str(slack_server.messages[-1])
    with office.db.read() as c:
        row = projections.approval(c, office.customer.id, "onboarding/1/kickoff")
    assert row is not None
    assert row.preview["text"].endswith("\n\nWhere: [meeting link]\n")
    office.one(office.invite(edited=True))
    assert f"We meet at 10:00, on {MARAS}.\n" in said(sendgrid_server.mails[-1])[0]
    assert "Where:" not in said(sendgrid_server.mails[-1])[0]


def test_an_edit_that_left_the_place_out_still_says_where(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    rooms(office, mara=MARAS)
    edited(office, "See you!\n")
    office.one(office.invite(edited=True))
    assert f"See you!\n\nWhere: {MARAS}\n" in said(sendgrid_server.mails[-1])[0]


def test_a_place_of_which_nothing_came_is_left_out_with_its_line(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    edited(office, "See you!\nWhere: [meeting link]\nBye.\n")
    office.one(office.invite(edited=True))
    assert event_of(sendgrid_server.mails[-1])["DESCRIPTION"] == "See you!\nBye.\n"


def test_whoever_approves_an_invitation_hears_that_it_does_not_say_where(
    office: "Office", slack_server: FakeSlack
) -> None:
    office.one(office.ask(step="kickoff"))
    card = str(slack_server.messages[-1])
    assert "It does not say where: Mara Berg has no meeting_url in the team file." in card
    assert "Where:" not in card


@pytest.mark.parametrize(("url", "shown"), [(MARAS, f"Call me: {MARAS}"), ("", "Call me: write first")])
def test_any_text_may_offer_a_teammates_room(
    office: "Office", sendgrid_server: FakeSendGrid, url: str, shown: str
) -> None:
    rooms(office, mara=url)
    room = "{{ sender.meeting_url | default('write first') }}"
    both = "team.csm.meeting_url is defined and owner.meeting_url is defined"
    also = f"{{% if {both} %}}Same: {{{{ owner.meeting_url }}}}{{% endif %}}"
    texts = {
        "email/room.txt": f"Subject: Room\n\nCall me: {room}\n{also}\n",
        "email/room.mjml": "{% extends 'layout.mjml' %}{% block body %}<mj-text>Hi</mj-text>{% endblock %}",
    }
    digest = office.release(texts, steps=(Step("room", Email(("champion",), "room")),))
    assert office.one(office.email("room", release=digest)) == ("sent", "")
    text, _ = said(sendgrid_server.mails[-1])
    assert shown in text
    assert ("Same: " in text) == bool(url)


def test_the_file_that_the_outbox_keeps_opens_with_its_place(office: "Office") -> None:
    rooms(office, mara=MARAS)
    office.one(office.invite(), performer=office.performer(email_transport="outbox"))
    with office.db.read() as c:
        (entry,) = outbox.entries(c, 5)
    message = message_from_bytes(to_eml(of_parts(entry.body, entry.subject), entry.at), policy=default)
    parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    assert len(parts) == 2
    for part in parts:
        unfolded = part.get_content().replace("\r\n", "\n").replace("\n ", "")
        assert f"\nLOCATION:{MARAS}\n" in unfolded
        label = "LABEL=Video meeting with Mara Berg"
        assert f"\nCONFERENCE;FEATURE=VIDEO;{label};VALUE=URI:{MARAS}\n" in unfolded
