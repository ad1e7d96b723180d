"""Stages by criteria and day windows, what a person moves, renewal phases by contract dates, bands by score."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from lifecycle.commands import RaiseTask
from lifecycle.engine import next_due
from lifecycle.messages import ContractSigned, FactsReported, MilestoneTicked, StageSet
from lifecycle.model import LATEST, Contract
from lifecycle.playbook import StageSpec, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given

DONE = FactsReported({"setup.done": True})
UNDONE = FactsReported({"setup.done": False})

OVERDUE = "Onboarding is overdue since day 14. Help them get there, or move the customer on."


def test_new_becomes_onboarding_at_the_end_of_day_0(given: Given) -> None:
    story = given()
    story.when(at="2026-03-02 23:59")
    assert story.state.stage == "new"
    story.when(at="2026-03-03 00:00").decided("fired stage onboarding", "day 0 is over")
    assert story.state.moved == given.instant("2026-03-03 00:00")


def test_the_end_of_day_0_is_the_customers_midnight(given: Given) -> None:
    story = given(zone="Asia/Tokyo").when(at="2026-03-02 16:00")
    assert story.state.stage == "onboarding"


def test_access_on_day_0_does_not_wait_for_the_end_of_the_day(given: Given) -> None:
    story = given().when(FactsReported({"access.given": True}), at="2026-03-02 12:00")
    story.decided("fired stage onboarding", "new is done: access.given = yes")


def test_a_stage_triggers_its_playbooks_when_it_is_entered(given: Given) -> None:
    story = given(given.book(given.slack("hello"), trigger=Trigger(stage="onboarding")))
    story.then().when(at="2026-03-03 00:00").then("post_slack hello mara")


def test_a_criterion_met_early_waits_for_the_next_window(given: Given) -> None:
    story = given().when(DONE, at="2026-03-05 12:00")
    assert story.state.stage == "onboarding"
    story.when(at="2026-03-16 23:59")
    assert story.state.stage == "onboarding"
    story.when(at="2026-03-17 00:00").decided("fired stage adoption", "onboarding is done: setup.done = yes")


def test_a_criterion_lost_before_the_window_opens_does_not_move(given: Given) -> None:
    story = given().when(DONE, at="2026-03-05 12:00").when(UNDONE, at="2026-03-06 12:00")
    story.when(at="2026-03-17 00:00")
    assert (story.state.stage, story.state.overdue) == ("onboarding", True)


def test_a_window_that_ends_unmet_shows_overdue_and_gives_the_owner_one_task(given: Given) -> None:
    story = given().when(at="2026-03-17 00:00")
    story.then(f"raise_task onboarding ivo {OVERDUE!r}")
    story.decided("waiting stage onboarding", "overdue since day 14")
    assert [item.touch for item in story.commands] == ["c1/standard/0/onboarding-overdue/1/task/ivo"]
    assert [item.due_at for item in story.commands if isinstance(item, RaiseTask)] == [
        given.instant("2026-03-18 00:00")
    ]
    story.when(at="2026-06-01 00:00").then()


def test_an_overdue_stage_is_left_as_soon_as_its_criterion_is_met(given: Given) -> None:
    story = given().when(at="2026-03-17 00:00").when(DONE, at="2026-03-20 12:00")
    assert (story.state.stage, story.state.overdue) == ("adoption", False)


def test_without_an_owner_the_trace_says_that_nobody_was_told(given: Given) -> None:
    given(team={}).when(at="2026-03-17 00:00").then().decided("failed task onboarding", "nobody is")


def test_a_stage_without_a_criterion_that_ends_is_overdue_too(given: Given) -> None:
    life = given.life(stages=(StageSpec("onboarding", "csm", 1, 14), StageSpec("new", "csm", 0, 0)))
    story = given(life=life).when(at="2026-03-17 00:00")
    story.then(f"raise_task onboarding mara {OVERDUE!r}")


def test_value_lasts_to_the_end_of_day_180(given: Given) -> None:
    story = given().when(DONE, at="2026-03-03 12:00").when(FactsReported({"usage.share": 0.6}), at="2026-03-04 12:00")
    story.when(MilestoneTicked("roi", "mara"), at="2026-06-01 12:00")
    story.when(at="2026-08-29 23:59")
    assert story.state.stage == "value"
    story.when(at="2026-08-30 00:00")
    assert story.state.stage == "expansion"


# --- a person's move ------------------------------------------------------------------------------------------------


def test_a_person_moves_a_customer_with_a_reason(given: Given) -> None:
    story = given().when(StageSet("value", "mara", "bought in"), at="2026-03-04 12:00").answered("done")
    story.decided("fired stage value", "set by mara: bought in")


def test_a_move_undone_by_a_person_is_not_made_again_by_the_same_criterion(given: Given) -> None:
    story = given().when(DONE, at="2026-03-05 12:00").when(at="2026-03-17 00:00")
    story.when(StageSet("onboarding", "mara", "not yet"), at="2026-03-18 12:00").then()
    story.when(at="2026-03-25 12:00").then()
    assert (story.state.stage, story.state.pinned, story.state.overdue) == ("onboarding", True, True)
    story.when(UNDONE, at="2026-03-26 12:00")
    assert not story.state.pinned
    story.when(DONE, at="2026-03-27 12:00")
    assert story.state.stage == "adoption"


def test_a_customer_put_back_to_new_stays_there_after_day_0(given: Given) -> None:
    story = given().when(StageSet("new", "mara", "wrong account"), at="2026-03-10 12:00").then()
    story.when(at="2026-03-20 12:00").then()
    assert story.state.stage == "new"
    story.when(FactsReported({"access.given": True}), at="2026-03-21 12:00")
    assert story.state.stage == "onboarding"


def test_a_window_that_ends_over_a_person_s_placement_says_so(given: Given) -> None:
    story = given().when(DONE, at="2026-03-05 12:00").when(StageSet("value", "mara", "x"), at="2026-03-06 12:00")
    story.when(StageSet("onboarding", "mara", "back"), at="2026-03-07 12:00").when(at="2026-03-17 00:00")
    story.then(f"raise_task onboarding ivo {OVERDUE!r}")


@pytest.mark.parametrize(
    ("stage", "result"),
    [
        pytest.param("new", "already", id="where-it-is"),
        pytest.param("win_back", "unknown", id="no-such-move"),
        pytest.param("nirvana", "unknown", id="no-such-stage"),
    ],
)
def test_a_move_that_cannot_be_made_is_answered(given: Given, stage: str, result: str) -> None:
    story = given().when(StageSet(stage, "mara", "x"), at="2026-03-02 12:00").answered(result)
    assert story.state.stage == "new"
    assert [item.verdict for item in story.decisions] == ["skipped"]


# --- renewal --------------------------------------------------------------------------------------------------------


def phases(given: Given, ends_on: date) -> list[tuple[str, str]]:
    story = given(life=given.life(stages=()), contracts=(Contract("k1", ends_on),), at="2026-01-10 10:00")
    story.when(at="2026-12-31 00:00")
    return [(item.step, str(item.at)[:10]) for item in story.decisions if item.what == "phase"]


def test_a_contract_goes_through_its_phases_by_date(given: Given) -> None:
    assert phases(given, date(2026, 10, 1)) == [
        ("assessment", "2026-06-02"),
        ("ebr", "2026-07-02"),
        ("proposal", "2026-08-01"),
        ("negotiation", "2026-08-31"),
        ("close", "2026-09-16"),
        ("complete", "2026-09-30"),
    ]


def test_a_contract_that_enters_late_goes_straight_to_its_phase(given: Given) -> None:
    story = given(contracts=(Contract("k1", date(2026, 4, 15)),))
    assert story.state.contracts[0].phase == "proposal"


def test_a_signed_contract_starts_its_next_cycle(given: Given) -> None:
    story = given(contracts=(Contract("k1", date(2026, 3, 1)), Contract("k2", date(2027, 9, 1))))
    assert [item.phase for item in story.state.contracts] == ["complete", ""]
    story.when(ContractSigned(Contract("k1", date(2027, 3, 1))), at="2026-03-02 12:00")
    assert {item.id: item.phase for item in story.state.contracts} == {"k1": "", "k2": ""}


def test_a_term_that_follows_another_starts_on_the_day_after_it(given: Given) -> None:
    first = Contract("k1", date(2026, 3, 31), starts_on=date(2026, 3, 1), auto_renews=False)
    story = given(contracts=(first,))
    story.when(ContractSigned(Contract("k1", date(2026, 3, 31))), at="2026-03-02 12:00")
    assert story.state.contracts == (replace(first, phase="negotiation"),)
    story.when(ContractSigned(Contract("k1", date(2026, 4, 30))), at="2026-03-02 13:00")
    (found,) = story.state.contracts
    assert (found.starts_on, found.term_days, found.auto_renews) == (date(2026, 4, 1), 30, False)
    story.when(
        ContractSigned(Contract("k1", date(2027, 4, 30), "", date(2026, 5, 1), auto_renews=True)), at="2026-03-02 14:00"
    )
    (found,) = story.state.contracts
    assert (found.starts_on, found.term_days, found.auto_renews) == (date(2026, 5, 1), 365, True)


def test_the_nearest_phase_is_what_is_owed_next(given: Given) -> None:
    story = given(life=given.life(stages=()), contracts=(Contract("k1", date(2026, 10, 1)),))
    story.when(at="2026-03-04 10:00").state = story.state.__class__(
        **{name: getattr(story.state, name) for name in story.state.__dataclass_fields__} | {"records": ()}
    )
    assert next_due(story.library, story.state) == given.instant("2026-06-03 00:00")


# --- bands ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "band"),
    [(100, "green"), (80, "green"), (79.5, "yellow"), (60, "yellow"), (40, "red"), (39, "critical"), (-5, "critical")],
)
def test_a_score_has_its_band(given: Given, score: float, band: str) -> None:
    story = given().when(FactsReported({"health.score": score}), at="2026-03-02 12:00")
    story.decided(f"fired band {band}", f"health.score = {score:g}")
    assert story.state.band == band


def test_the_same_band_is_no_news(given: Given) -> None:
    story = given().when(FactsReported({"health.score": 90}), at="2026-03-02 12:00")
    story.when(FactsReported({"health.score": 85}), at="2026-03-02 13:00").undecided()


@pytest.mark.parametrize("score", [None, "high", True])
def test_a_score_that_is_no_number_has_no_band(given: Given, score: str | None) -> None:
    story = given().when(FactsReported({"health.score": score}), at="2026-03-02 12:00").undecided()
    assert story.state.band == ""


def test_a_lifecycle_without_bands_has_none(given: Given) -> None:
    given(life=given.life(bands={})).when(FactsReported({"health.score": 90}), at="2026-03-02 12:00").undecided()


@pytest.mark.parametrize("ends_on", [date.min, date.max])
def test_a_contract_that_ends_before_or_after_all_time_stops_nobody(given: Given, ends_on: date) -> None:
    story = given(zone="America/New_York").when(ContractSigned(Contract("k1", ends_on)), at="2026-03-02 12:00")
    assert [item.phase for item in story.state.contracts] == ["complete" if ends_on == date.min else ""]


def test_a_customer_at_the_end_of_time_owes_nothing_that_comes(given: Given) -> None:
    story = given(given.book(given.email("welcome")), contracts=(Contract("k1", date.max),)).when(at=LATEST)
    due = next_due(story.library, story.state)
    assert due is None or due > LATEST
    story.when(ContractSigned(Contract("k2", date.max)), at=LATEST)
