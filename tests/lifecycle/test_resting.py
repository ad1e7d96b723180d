"""A rule rests until what it has read is news: what no condition asked for wakes none, what one asked for wakes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import When
from lifecycle.model import Contract, Fact
from lifecycle.turn import Turn

if TYPE_CHECKING:
    from lifecycle.model import Value
    from tests.lifecycle.conftest import Given


@pytest.fixture
def turn(given: Given) -> Turn:
    """A turn in which a condition has asked for the share of use, and one for the band."""
    story = given(given.book(given.task("call", When(day=9))))
    turn = Turn(story.library, replace(story.state, facts={"usage.share": Fact(1, story.state.as_of)}))
    turn.met(given.compare("usage.share", ">", 0.5))
    turn.met(given.compare("customer.band", "==", "red"))
    return turn


def _told(turn: Turn, name: str, value: Value) -> None:
    turn.facts = {**turn.facts, name: Fact(value, turn.at + timedelta(hours=1))}


@pytest.mark.parametrize(("name", "value"), [("nps.score", 9), ("usage.share", 1)], ids=["not asked for", "same again"])
def test_a_report_that_tells_conditions_nothing_is_no_news(turn: Turn, name: str, value: Value) -> None:
    before = turn.basis()
    _told(turn, name, value)
    assert turn.basis() is before


@pytest.mark.parametrize("value", [0.2, True, None], ids=str)
def test_another_value_of_what_a_condition_asked_for_is_news(turn: Turn, value: Value) -> None:
    before = turn.basis()
    _told(turn, "usage.share", value)
    assert turn.basis() is not before


def test_a_band_is_news_once_somebody_has_asked_for_it(turn: Turn) -> None:
    before = turn.basis()
    turn.band = "red"
    after = turn.basis()
    assert after is not before
    turn.band = "yellow"  # what was asked before the last news is asked anew
    assert turn.basis() is after


def test_another_stage_is_news_once_somebody_has_asked_for_it(turn: Turn, given: Given) -> None:
    before = turn.basis()
    turn.stage = "onboarding"
    assert turn.basis() is before
    turn.met(given.compare("customer.stage", "==", "value"))
    turn.stage = "adoption"
    assert turn.basis() is not before


def test_contracts_and_ticks_are_news_once_somebody_has_asked_for_them(turn: Turn, given: Given) -> None:
    before = turn.basis()
    first = Contract("main", date(2026, 12, 31))
    turn.contracts, turn.ticked = (first,), {"roi": turn.at}
    assert turn.basis() is before
    assert not turn.met(given.compare("contract.id", "==", "other"))
    turn.contracts = (replace(first, id="other"),)
    after = turn.basis()
    assert after is not before
    assert not turn.met(given.get("milestones.kept"))
    turn.ticked = {**turn.ticked, "kept": turn.at}
    assert turn.basis() is not after
    assert turn.met(given.get("milestones.kept"))


def test_another_profile_is_news_whoever_has_asked(turn: Turn) -> None:
    before = turn.basis()
    turn.profile = replace(turn.profile, tier="team")
    assert turn.basis() is not before


def test_a_play_that_goes_on_is_no_news_and_one_that_is_over_is_where_that_was_asked(turn: Turn, given: Given) -> None:
    unasked = turn.basis()
    (play,) = turn.plays
    turn.put(replace(play, over=True))
    assert turn.basis() is unasked
    turn.put(play)
    turn.met(given.compare("playing.play", "==", True))
    before = turn.basis()
    turn.put(replace(play, replies=1))
    assert turn.basis() is before
    turn.put(replace(play, over=True))
    assert turn.basis() is not before


def test_rules_that_found_nothing_rest_until_the_instant_that_they_named(turn: Turn) -> None:
    assert not turn.still()
    turn.hush(turn.at + timedelta(hours=1))
    assert turn.still()
    assert turn.hushed_until() == turn.at + timedelta(hours=1)
    turn.at += timedelta(hours=1)
    assert not turn.still()
    assert not turn.quiet()


def test_rules_rest_through_a_report_that_tells_them_nothing(turn: Turn) -> None:
    turn.hush(None)
    _told(turn, "nps.score", 9)
    assert not turn.still()
    assert turn.quiet()
    assert turn.still()


@pytest.mark.parametrize("field", ["seen", "edges"])
def test_rules_do_not_rest_when_something_else_that_they_read_has_changed(turn: Turn, field: str) -> None:
    turn.hush(None)
    setattr(turn, field, {})
    assert not turn.quiet()


def test_no_rule_rests_once_one_was_woken(turn: Turn) -> None:
    turn.hush(None)
    turn.rest("waits", turn.basis())
    assert turn.idle("waits", turn.basis())
    turn.wake("waits")
    assert not turn.idle("waits", turn.basis())
    assert not turn.still()


def test_a_rule_rests_through_news_that_only_others_have_read(turn: Turn, given: Given) -> None:
    turn.listen()
    turn.met(given.compare("usage.share", ">", 0.5))  # answered before, and heard all the same
    assert turn.heard("exits") == {"usage.share"}
    turn.rest("exits")
    turn.band = "red"
    turn.basis()
    assert turn.idle("exits")
    _told(turn, "usage.share", 0.2)
    turn.basis()
    assert not turn.idle("exits")


def test_what_changes_while_a_rule_listens_is_news_to_those_who_read_it_before(turn: Turn, given: Given) -> None:
    turn.rest("exits")
    turn.listen()
    turn.met(given.compare("customer.stage", "==", "value"))
    turn.heard("exits")
    turn.listen()
    turn.stage = "adoption"
    turn.basis()
    assert not turn.idle("exits")
    assert turn.heard() == set()
    assert "customer.stage" not in turn.asked
