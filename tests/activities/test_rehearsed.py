"""A rehearsal whose sends go to one person: everything leaves, and nothing reaches anybody else."""

from datetime import timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.fakes.provider import Drop
from tests.fakes.sendgrid import SEND, FakeSendGrid
from tests.fakes.slack import FakeSlack

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REHEARSES, ME = 86_400.0, "omar@stageplay.example.com"


def test_all_that_a_rehearsal_sends_goes_to_one_person(
    new_office: Any, sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    office = new_office(factor=REHEARSES)
    commands = (office.email(), office.survey(), office.invite(), office.nudge(), office.ask())
    effects = office.run(*commands, office.settle(), performer=office.performer(rehearsal_to=ME))

    assert {effect["result"] for effect in effects} == {"sent"}
    assert [mail["personalizations"][0]["to"][0]["email"] for mail in sendgrid_server.mails] == [ME] * 3
    assert sendgrid_server.mails[0]["subject"].startswith("[Ada Lovelace] ")
    assert {message["channel"] for message in slack_server.messages} == {"D0OMAR"}
    assert "Approved by" in slack_server.messages[-1]["text"]


def test_one_who_is_not_on_the_team_gets_mails_and_no_cards(
    new_office: Any, sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    office = new_office(factor=REHEARSES)
    performer = office.performer(rehearsal_to="me@elsewhere.example.com")

    assert office.one(office.email(), performer)[0] == "sent"
    assert office.one(office.nudge(), performer)[0] == "failed"
    assert (len(sendgrid_server.mails), slack_server.messages) == (1, [])


def test_real_customers_get_their_own_whoever_rehearses(office: Any, sendgrid_server: FakeSendGrid) -> None:
    office.one(office.email(), office.performer(rehearsal_to=ME))

    assert sendgrid_server.mails[0]["personalizations"][0]["to"][0]["email"] == "ada@acme.example.com"


@pytest.mark.parametrize(("kind", "result"), [("email", "unknown"), ("nudge", "sent")])
def test_a_doubt_about_a_rehearsed_touch_is_asked_about_and_not_sent_twice(
    new_office: Any,
    sendgrid_server: FakeSendGrid,
    slack_server: FakeSlack,
    clock: FrozenDateTimeFactory,
    kind: str,
    result: str,
) -> None:
    office = new_office(factor=REHEARSES)
    performer, command = office.performer(rehearsal_to=ME), getattr(office, kind)()
    sendgrid_server.script(SEND, Drop(takes=True))
    slack_server.script("/api/chat.postMessage", Drop(takes=True))
    first = office.one(command, performer)[0]
    clock.tick(timedelta(minutes=5))

    assert first != "sent"
    assert office.one(command, performer)[0] == result
    assert len(sendgrid_server.mails) + len(slack_server.messages) == 1
