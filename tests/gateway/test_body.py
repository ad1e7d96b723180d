"""Checks of raw bodies that need no gateway."""

from datetime import UTC, datetime

import pytest
from freezegun import freeze_time

from gateway.body import verify_sendgrid, verify_slack
from gateway.refusals import RefusedError

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def test_slacks_own_example_of_a_signature_is_accepted() -> None:
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    with freeze_time(datetime.fromtimestamp(1531420618, UTC)):
        verify_slack(SECRET, {"x-slack-request-timestamp": "1531420618", "x-slack-signature": signature}, body.encode())


def test_without_a_key_no_event_of_sendgrid_is_taken() -> None:
    with pytest.raises(RefusedError):
        verify_sendgrid("", {}, b"[]")
