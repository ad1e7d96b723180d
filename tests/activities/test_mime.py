"""One mail, twice: as a file that mail programs open and as SendGrid's JSON."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, cast

import pytest

from activities.invites import Guest, calendar_object
from activities.mime import Mail, Mailbox, UnsendableError, to_eml, to_sendgrid

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
URL = "https://s.example.com/unsubscribe/token"
MAIL = Mail(
    touch_hash="ab" * 16,
    category="onboarding-14-day",
    to=Mailbox("Ada Lovelace", "ada@acme.example.com"),
    sender=Mailbox("Mara Berg", "success@stageplay.example.com"),
    reply_to=Mailbox("Mara Berg", "mara@stageplay.example.com"),
    subject="Grüße, Acme: your first two weeks",
    text="Hello Ada\n",
    html="<p>Hello Ada</p>",
    unsubscribe_url=URL,
)
CALENDAR = calendar_object(
    "REQUEST",
    uid="x@stageplay.example.com",
    sequence=0,
    made_at=AT,
    starts_at=AT,
    ends_at=AT + timedelta(hours=1),
    summary="Kick-off",
    description="",
    organizer=Guest("Mara Berg", "mara@stageplay.example.com"),
    sent_by="success@stageplay.example.com",
    guests=(Guest("Ada", "ada@acme.example.com"),),
)


def parsed(mail: Mail) -> EmailMessage:
    return message_from_bytes(to_eml(mail, AT), policy=SMTP)


def kinds(message: Any) -> list[str]:
    return [part.get_content_type() for part in message.walk() if not part.is_multipart()]


def test_a_mail_file_says_who_what_and_when() -> None:
    message = parsed(MAIL)
    assert message["From"] == "Mara Berg <success@stageplay.example.com>"
    assert message["To"] == "Ada Lovelace <ada@acme.example.com>"
    assert message["Reply-To"] == "Mara Berg <mara@stageplay.example.com>"
    assert message["Subject"] == MAIL.subject
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == f"<{'ab' * 16}@stageplay.example.com>"
    assert not message.defects


def test_text_comes_first_then_html_each_once() -> None:
    assert kinds(parsed(MAIL)) == ["text/plain", "text/html"]
    assert [part["type"] for part in to_sendgrid(MAIL)["content"]] == ["text/plain", "text/html"]


def test_one_click_unsubscribing_stands_in_the_headers_of_both_forms() -> None:
    wanted = {"List-Unsubscribe": f"<{URL}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    assert {name: str(parsed(MAIL)[name]) for name in wanted} == wanted
    assert to_sendgrid(MAIL)["headers"] == wanted


def test_mail_to_a_teammate_offers_no_unsubscribing() -> None:
    mail = replace(MAIL, unsubscribe_url="")
    assert parsed(mail)["List-Unsubscribe"] is None
    assert "headers" not in to_sendgrid(mail)


def test_the_calendar_comes_last_and_again_as_an_attachment_with_the_same_bytes() -> None:
    message = parsed(replace(MAIL, calendar=CALENDAR))
    assert kinds(message) == ["text/plain", "text/html", "text/calendar", "text/calendar"]
    parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    assert [part.get_param("method") for part in parts] == ["REQUEST", "REQUEST"]
    assert [part.get_param("charset") for part in parts] == ["UTF-8", "UTF-8"]
    assert [part.get_payload(decode=True) for part in parts] == [CALENDAR.data, CALENDAR.data]
    assert [part.get_filename() for part in parts] == [None, "invite.ics"]


def test_sendgrid_gets_the_calendar_as_third_content_and_as_attachment() -> None:
    body = to_sendgrid(replace(MAIL, calendar=CALENDAR))
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html", "text/calendar; method=REQUEST"]
    assert body["content"][2]["value"].encode() == CALENDAR.data
    (attachment,) = body["attachments"]
    assert base64.b64decode(attachment["content"]) == CALENDAR.data
    assert (attachment["filename"], attachment["disposition"]) == ("invite.ics", "attachment")


def test_sendgrid_learns_the_hash_and_the_playbook_and_nothing_about_the_person() -> None:
    body = to_sendgrid(MAIL)
    assert body["custom_args"] == {"touch": "ab" * 16}
    assert body["categories"] == ["onboarding-14-day"]
    assert body["personalizations"] == [{"to": [{"email": "ada@acme.example.com", "name": "Ada Lovelace"}]}]
    assert body["from"] == {"email": "success@stageplay.example.com", "name": "Mara Berg"}
    assert body["reply_to"] == {"email": "mara@stageplay.example.com", "name": "Mara Berg"}


def test_sendgrid_neither_rewrites_links_nor_adds_its_own_unsubscribing() -> None:
    tracking = to_sendgrid(MAIL)["tracking_settings"]
    assert tracking["click_tracking"] == {"enable": False, "enable_text": False}
    assert tracking["subscription_tracking"] == {"enable": False}


BAD = "Acme\r\nBcc: all@acme.example.com"


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": BAD},
        {"subject": "Acme\nBcc: x"},
        {"subject": "Acme\u2028x"},
        {"subject": " "},
        {"to": Mailbox(BAD, "ada@acme.example.com")},
        {"to": Mailbox("Ada", "ada@acme.example.com\r\nBcc: x@acme.example.com")},
        {"to": Mailbox("Ada", "not an address")},
        {"to": Mailbox("Ada", "")},
        {"sender": Mailbox(BAD, "success@stageplay.example.com")},
        {"reply_to": Mailbox(BAD, "mara@stageplay.example.com")},
        {"text": " \n"},
        {"html": ""},
        {"html": "x" * 102_000},
    ],
    ids=str,
)
def test_what_cannot_stand_in_a_mail_is_refused_and_not_repaired(changes: dict[str, Any]) -> None:
    with pytest.raises(UnsendableError) as caught:
        replace(MAIL, **changes)
    assert "acme.example.com" not in str(caught.value)


def test_a_domain_of_any_letters_is_written_in_idna() -> None:
    mail = replace(MAIL, to=Mailbox("Ada", "Ada.L@bücher.example.com"))
    assert to_sendgrid(mail)["personalizations"][0]["to"][0]["email"] == "Ada.L@xn--bcher-kva.example.com"
    assert b"Ada.L@xn--bcher-kva.example.com" in to_eml(mail, AT)


def test_names_with_commas_and_quotes_stay_one_address() -> None:
    mail = replace(MAIL, to=Mailbox('Lovelace, Ada "Countess"', "ada@acme.example.com"))
    (address,) = cast("Any", parsed(mail)["To"]).addresses
    assert (address.display_name, address.addr_spec) == ('Lovelace, Ada "Countess"', "ada@acme.example.com")


def test_a_contact_without_a_name_still_gets_mail() -> None:
    assert parsed(replace(MAIL, to=Mailbox("", "ada@acme.example.com")))["To"] == "ada@acme.example.com"
