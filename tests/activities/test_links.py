"""Links act for whoever holds them, so they must be ours, of one purpose, and opaque."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from activities import links
from activities.links import SurveyLink, UnsubscribeLink

KEY = "k" * 32
TOUCH = "cus_1/onboarding-14-day/1/nps/1/send/con_1"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_survey_link_says_which_survey_of_whom() -> None:
    link = links.read_survey(KEY, links.make_survey(KEY, TOUCH, "con_1"))
    assert link == SurveyLink(TOUCH, "con_1")
    assert link.customer == "cus_1"


def test_a_survey_link_expires_after_ten_weeks() -> None:
    with freeze_time(AT) as clock:
        token = links.make_survey(KEY, TOUCH, "con_1")
        clock.tick(timedelta(days=70))
        assert links.read_survey(KEY, token) == SurveyLink(TOUCH, "con_1")
        clock.tick(timedelta(seconds=2))
        assert links.read_survey(KEY, token) == "expired"


def test_an_unsubscribe_link_never_expires() -> None:
    with freeze_time(AT) as clock:
        token = links.make_unsubscribe(KEY, "cus_1", "con_1")
        clock.tick(timedelta(days=4000))
        assert links.read_unsubscribe(KEY, token) == UnsubscribeLink("cus_1", "con_1")


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "é", "x" * 5000, "\0", '["cus_1","con_1"]'])
def test_a_forged_token_is_forged_and_never_an_error(token: str) -> None:
    assert links.read_survey(KEY, token) == "forged"
    assert links.read_unsubscribe(KEY, token) == "forged"


def test_every_changed_character_makes_a_token_forged() -> None:
    token = links.make_unsubscribe(KEY, "cus_1", "con_1")
    body = len(token.rpartition(".")[0])
    for place in range(body):  # the last character of a signature may encode spare bits
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert links.read_unsubscribe(KEY, changed) == "forged"


def test_a_token_of_one_purpose_serves_no_other() -> None:
    assert links.read_survey(KEY, links.make_unsubscribe(KEY, "cus_1", "con_1")) == "forged"
    assert links.read_unsubscribe(KEY, links.make_survey(KEY, TOUCH, "con_1")) == "forged"


def test_an_old_key_is_still_read_while_a_new_one_signs() -> None:
    old = links.make_unsubscribe("old" * 12, "cus_1", "con_1")
    both = ("old" * 12, "new" * 12)
    assert links.read_unsubscribe(both, old) == UnsubscribeLink("cus_1", "con_1")
    assert links.read_unsubscribe("old" * 12, links.make_unsubscribe(both, "cus_1", "con_1")) == "forged"


def test_a_link_is_an_address_without_anything_to_escape() -> None:
    url = links.survey_url("https://s.example.com", links.make_survey(KEY, TOUCH, "con_1"))
    assert url.startswith("https://s.example.com/survey/")
    assert set(url.rpartition("/")[2]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
