"""What starts a play without anyone naming it: conditions, silences, dates, cadences; leaving; subjects; by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from lifecycle import calendar
from lifecycle.actions import Expr, Length, When
from lifecycle.messages import (
    ContractSigned,
    FactsReported,
    Happened,
    PlayRequested,
    PlayStopRequested,
    ProfileChanged,
    StageSet,
)
from lifecycle.model import Contract, Profile, Teammate
from lifecycle.playbook import CONTRACT_END, PER_CONTRACT, EventSpec, Every, FactSpec, Playbook, StageSpec, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

MONTH_ENDS = (date(2026, 1, 31), ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"])


def begin(given: Given, *books: Playbook, **fields: Any) -> Story:
    """A customer whose stages move by events alone, so that nothing else happens in a year."""
    new = StageSpec("new", "csm", 0, None, given.get("access.given"))
    stages = (new, StageSpec("onboarding", "csm", 0), StageSpec("value", "csm", 0))
    life = given.life(stages=stages, phases=(), facts={**given.life().facts, "trial.ends_on": FactSpec("date")})
    return given(*books, **{"life": life, **fields})


def low(given: Given, length: Length | None = None) -> Trigger:
    return Trigger(condition=given.compare("usage.share", "<", 0.5), length=length)


def test_a_condition_starts_a_play_when_it_becomes_true(given: Given) -> None:
    story = begin(given, given.book(given.slack("help"), trigger=low(given), anchor="entry", reentry="again"))
    assert story.state.plays == ()
    story.when(FactsReported({"usage.share": 0.9}), at="2026-03-03 10:00").then()
    story.when(FactsReported({"usage.share": 0.4}), at="2026-03-04 10:00").then("post_slack help mara")
    story.when(FactsReported({"usage.share": 0.3}), at="2026-03-05 10:00").then()
    story.when(FactsReported({"usage.share": 0.8}), at="2026-03-06 10:00").then()
    story.when(FactsReported({"usage.share": 0.2}), at="2026-03-07 10:00").then("post_slack help mara")


def test_a_condition_that_must_last_starts_nothing_before_it_has(given: Given) -> None:
    week = Length(7, "days")
    story = begin(given, given.book(given.slack("help"), trigger=low(given, week), anchor="entry"))
    story.when(FactsReported({"usage.share": 0.4}), at="2026-03-03 10:00").then()
    story.when(FactsReported({"usage.share": 0.9}), at="2026-03-08 10:00").then()
    story.when(FactsReported({"usage.share": 0.4}), at="2026-03-09 10:00").then()
    story.when(at="2026-03-16 09:59").then()
    story.when(at="2026-03-16 10:00").then("post_slack help mara")
    story.when(at="2026-04-16 10:00").then()


def test_a_condition_that_holds_as_a_catalogue_is_applied_has_not_become_true(given: Given) -> None:
    other = given.book(given.slack("hello", When(day=90)), name="other")
    story = begin(given, other).when(FactsReported({"usage.share": 0.1}), at="2026-03-03 10:00")
    book = given.book(given.slack("help"), trigger=low(given), anchor="entry", name="help")
    story.when(story.apply(other, book), at="2026-03-04 10:00").then()
    story.when(FactsReported({"usage.share": 0.9}), at="2026-03-05 10:00").then()
    story.when(FactsReported({"usage.share": 0.1}), at="2026-03-06 10:00").then("post_slack help mara")
    story.when(story.apply(other), at="2026-03-07 10:00")
    assert story.state.edges == {}


def test_silence_starts_a_play_even_when_nothing_ever_happened(given: Given) -> None:
    trigger = Trigger(silence="kickoff.held", length=Length(14, "days"))
    story = begin(given, given.book(given.slack("wake"), trigger=trigger, anchor="entry", reentry="again"))
    story.when(at="2026-03-16 09:59").then()
    story.when(at="2026-03-16 10:00").then("post_slack wake mara")
    story.when(at="2026-05-16 10:00").then()
    story.when(Happened("kickoff.held"), at="2026-05-17 12:00").then()
    story.when(at="2026-05-31 12:00").then("post_slack wake mara")


def test_a_silence_that_lasts_already_is_noted_when_a_catalogue_is_applied(given: Given) -> None:
    trigger = Trigger(silence="kickoff.held", length=Length(14, "days"))
    book = given.book(given.slack("wake"), trigger=trigger, anchor="entry", name="wake")
    other = given.book(given.slack("hello", When(day=90)), name="other")
    story = begin(given, other)
    story.when(story.apply(other, book), at="2026-03-30 10:00").then()
    story.when(Happened("kickoff.held"), at="2026-04-01 12:00").then()
    story.when(at="2026-04-15 12:00").then("post_slack wake mara")


def renewal(given: Given) -> Story:
    trigger = Trigger(date=CONTRACT_END, days=-90)
    steps = (given.task("start"), given.task("review", When(day=-60)), given.task("close", When(day=-14)))
    book = given.book(
        *steps, trigger=trigger, anchor="date", reentry="again", per=PER_CONTRACT, goal=given.get("contract.renewed")
    )
    return begin(given, book, contracts=(Contract("k1", date(2026, 9, 1)),))


def test_a_date_starts_a_play_that_counts_from_it(given: Given) -> None:
    story = renewal(given).when(at="2026-06-02 23:00").then()
    story.when(at="2026-06-03 00:00").then("raise_task start mara")
    story.when(at="2026-07-03 09:00").then("raise_task review mara")
    story.when(at="2026-08-18 09:00").then("raise_task close mara")


def test_each_term_of_a_contract_has_one_play_and_a_renewal_ends_it(given: Given) -> None:
    story = renewal(given).when(at="2026-06-03 00:00").then("raise_task start mara")
    story.when(ContractSigned(Contract("k1", date(2027, 9, 1))), at="2026-06-20 12:00")
    story.decided("cancelled play", "goal reached")
    story.when(ContractSigned(Contract("k2", date(2026, 10, 1))), at="2026-08-05 12:00").then("raise_task start mara")
    story.decided("skipped task review", "was due on 2026-08-02").when(at="2026-09-17 09:00")
    story.then("raise_task close mara").when(at="2027-06-03 00:00").then("raise_task start mara")


def test_a_date_that_has_passed_starts_nothing(given: Given) -> None:
    story = renewal(given)
    story.when(ContractSigned(Contract("k3", date(2026, 3, 1))), at="2026-03-05 12:00").then()
    story.when(ContractSigned(Contract("k3", date(2026, 3, 5))), at="2026-03-05 13:00").then("raise_task start mara")


def test_days_after_a_date_fact(given: Given) -> None:
    book = given.book(given.slack("ask"), trigger=Trigger(date="trial.ends_on", days=3), anchor="entry")
    story = begin(given, book).when(FactsReported({"trial.ends_on": "2026-03-10"}), at="2026-03-03 10:00").then()
    story.when(FactsReported({"trial.ends_on": "no date"}), at="2026-03-04 10:00").then()
    story.when(FactsReported({"trial.ends_on": "2026-03-12"}), at="2026-03-05 10:00").then()
    story.when(at="2026-03-14 23:59").then().when(at="2026-03-15 00:00").then("post_slack ask mara")
    old = begin(given, book).when(FactsReported({"trial.ends_on": "2026-01-10"}), at="2026-03-03 10:00")
    old.then().when(at="2026-04-01 10:00").then()


def test_a_cadence_counts_from_the_signup_and_changes_after_a_period(given: Given) -> None:
    weekly = Every(1, "weeks", until_day=28, condition=given.compare("customer.tier", "==", "pro"))
    rows = (weekly, Every(1, "months"))
    book = given.book(given.task("call", When(day=0)), trigger=Trigger(every=rows), anchor="entry", reentry="again")
    story = begin(given, book)
    for day in ("03-09", "03-16", "03-23", "03-30", "04-02", "05-02", "06-02"):
        story.when(at=f"2026-{day} 08:59").then()
        story.when(at=f"2026-{day} 09:00").then("raise_task call mara")


def test_a_cadence_that_no_row_is_for_any_more_is_over(given: Given) -> None:
    rows = (Every(10, "days", until_day=20),)
    book = given.book(given.task("call", When(day=0)), trigger=Trigger(every=rows), anchor="entry", reentry="again")
    story = begin(given, book).when(at="2026-03-12 09:00").then("raise_task call mara")
    story.when(at="2026-03-22 09:00").then("raise_task call mara").when(at="2026-06-22 09:00").then()


def test_occurrences_missed_while_the_shell_slept_are_one(given: Given) -> None:
    book = given.book(given.task("call"), trigger=Trigger(every=(Every(1, "weeks"),)), anchor="entry", reentry="again")
    story = begin(given, book).when(at="2026-04-10 12:00", asleep=True).then("raise_task call mara")
    story.when(at="2026-04-13 00:00").then("raise_task call mara")


def test_a_cadence_that_begins_with_a_catalogue_begins_then(given: Given) -> None:
    other = given.book(given.slack("hello", When(day=365)), name="other")
    book = given.book(
        given.task("call"), trigger=Trigger(every=(Every(1, "weeks"),)), anchor="entry", reentry="again", name="calls"
    )
    story = begin(given, other)
    story.when(story.apply(other, book), at="2026-04-10 12:00").then()
    story.when(at="2026-04-13 00:00").then("raise_task call mara")


@pytest.mark.parametrize(("origin", "days"), [MONTH_ENDS], ids=["month-ends"])
def test_months_count_from_the_origin_and_do_not_drift(origin: date, days: list[str]) -> None:
    last, found = origin, []
    for _ in days:
        last = calendar.next_of(origin, 1, "months", last)
        found.append(last.isoformat())
    assert found == days
    assert calendar.next_of(date.max, 1, "months", date.max) == calendar.LAST
    assert calendar.next_of(origin, 3, "months", date(2026, 4, 30)) == date(2026, 7, 31)


def test_leaving_a_stage_or_a_band_starts_a_play(given: Given) -> None:
    stage = given.book(given.slack("bye"), trigger=Trigger(leaving_stage="new"), anchor="entry", name="stage")
    band = given.book(given.slack("worse"), trigger=Trigger(leaving_band="green"), anchor="entry", name="band")
    story = begin(given, stage, band).when(FactsReported({"health.score": 90}), at="2026-03-02 12:00").then()
    story.when(FactsReported({"health.score": 70}), at="2026-03-02 13:00").then("post_slack worse mara")
    story.when(FactsReported({"access.given": True}), at="2026-03-02 14:00").then("post_slack bye mara")


def test_being_placed_in_the_same_stage_leaves_nothing(given: Given) -> None:
    book = given.book(given.slack("bye"), trigger=Trigger(leaving_stage="onboarding"), anchor="entry", reentry="again")
    story = begin(given, book).when(StageSet("onboarding", "mara", "x"), at="2026-03-02 12:00").then()
    story.when(StageSet("value", "mara", "x"), at="2026-03-02 13:00").then("post_slack bye mara")


def test_any_of_several_triggers_starts_a_play_once(given: Given) -> None:
    triggers = (Trigger(event="kickoff.held"), Trigger(event="kickoff.held"), Trigger(event="api.connected"))
    story = begin(given, given.book(given.slack("hi"), triggers=triggers, anchor="entry", reentry="again"))
    story.when(Happened("kickoff.held"), at="2026-03-02 12:00").then("post_slack hi mara")
    story.when(Happened("api.connected"), at="2026-03-02 13:00").then("post_slack hi mara")


# --- plays about one thing --------------------------------------------------------------------------------------------


def tickets(given: Given, **fields: Any) -> Story:
    facts = {"ticket.id": FactSpec("text"), "ticket.priority": FactSpec("text")}
    events = {"ticket.opened": EventSpec(), "ticket.solved": EventSpec()}
    plain = given.life()
    life = given.life(facts={**plain.facts, **facts}, events={**plain.events, **events})
    wait = given.wait("solved", When(delay=Length(2, "days")), event="ticket.solved")
    late = given.slack("late", under="solved", branch="otherwise")
    urgent = given.slack("urgent", condition=given.compare("ticket.priority", "==", "p1"))
    trigger = Trigger(event="ticket.opened")
    book = given.book(urgent, wait, late, trigger=trigger, anchor="entry", reentry="again", per="ticket.id", **fields)
    return begin(given, book, life=life)


def opened(name: str, priority: str = "p3") -> Happened:
    return Happened("ticket.opened", {"ticket.id": name, "ticket.priority": priority})


def test_plays_about_different_tickets_run_beside_each_other(given: Given) -> None:
    story = tickets(given).when(opened("T-1"), at="2026-03-03 10:00").then()
    story.when(opened("T-2", "p1"), at="2026-03-03 11:00").then("post_slack urgent mara")
    story.when(opened("T-1"), at="2026-03-03 12:00").decided("skipped play", "already running")
    story.when(Happened("ticket.solved", {"ticket.id": "T-1"}), at="2026-03-04 10:00")
    story.decided("fired wait solved").when(at="2026-03-05 11:00").then("post_slack late mara")


def test_an_event_about_no_ticket_starts_no_play_about_one(given: Given) -> None:
    story = tickets(given).when(Happened("ticket.opened"), at="2026-03-03 10:00")
    story.decided("skipped play", "nothing says which ticket.id")


def test_a_ticket_that_cools_down_starts_no_second_play(given: Given) -> None:
    story = tickets(given, cooldown=Length(7, "days")).when(opened("T-1"), at="2026-03-03 10:00")
    story.when(Happened("ticket.solved", {"ticket.id": "T-1"}), at="2026-03-04 10:00")
    story.when(opened("T-1"), at="2026-03-05 10:00").decided("skipped play", "cooling down until 2026-03-11")
    story.when(opened("T-2"), at="2026-03-05 11:00").decided("fired play", "started about T-2")


def test_a_play_runs_in_the_zone_of_the_teammate_in_a_role(given: Given) -> None:
    book = given.book(given.slack("call", When(day=1, at="09:00")), zone="cs_manager")
    team = {"cs_manager": Teammate("tom", "America/New_York"), "csm": Teammate("mara", "Europe/Berlin")}
    begin(given, book, team=team).when(at="2026-03-03 15:00").then("post_slack call mara")
    without = begin(given, given.book(given.slack("call", When(day=1, at="09:00")), zone="sales"))
    without.when(at="2026-03-03 09:00").then("post_slack call mara")


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_teammate_starts_and_stops_a_play(given: Given) -> None:
    book = given.book(given.slack("hello"), given.slack("later", When(day=5)), trigger=Trigger(by_hand=True))
    story = begin(given, replace(book, anchor="entry")).then()
    story.when(PlayRequested("play", "mara", "they asked"), at="2026-03-03 10:00").then("post_slack hello mara")
    story.answered("done").when(PlayRequested("play", "mara"), at="2026-03-03 11:00").answered("refused")
    story.when(PlayStopRequested("play/1", "tom", "enough"), at="2026-03-04 10:00").answered("done")
    story.decided("cancelled play", "stopped by tom: enough")
    story.when(PlayStopRequested("play/1", "tom"), at="2026-03-04 11:00").answered("too_late")


def test_a_stranger_or_a_wrong_name_starts_and_stops_nothing(given: Given) -> None:
    story = begin(given, given.book(given.slack("later", When(day=5))))
    story.when(PlayRequested("play", "eve"), at="2026-03-03 10:00").answered("not_yours")
    story.when(PlayStopRequested("play/1", "eve"), at="2026-03-03 10:01").answered("not_yours")
    story.when(PlayRequested("odd", "mara"), at="2026-03-03 10:02").answered("unknown")
    story.when(PlayStopRequested("odd/1", "mara"), at="2026-03-03 10:03").answered("unknown")
    assert story.status("later") == ""


def test_a_contract_can_be_asked_for_by_name(given: Given) -> None:
    book = given.book(given.slack("soon"), trigger=Trigger(event="kickoff.held"), entry=given.get("contract.phase"))
    story = given(replace(book, anchor="entry", reentry="again"))
    story.when(Happened("kickoff.held"), at="2026-03-03 10:00").decided("skipped play", "contract.phase unknown")
    near, far = Contract("k1", date(2026, 4, 1)), Contract("k2", date(2027, 4, 1))
    story.when(ContractSigned(far), at="2026-03-04 10:00").when(ContractSigned(near), at="2026-03-04 11:00")
    story.when(Happened("kickoff.held"), at="2026-03-05 10:00").then("post_slack soon mara")


@pytest.mark.parametrize(
    ("contract", "starts"),
    [
        (Contract("k1", date(2026, 4, 1), starts_on=date(2026, 3, 3)), False),
        (Contract("k1", date(2026, 4, 2), starts_on=date(2026, 3, 3)), True),
        (Contract("k1", date(2027, 4, 2)), False),
        (Contract("k1", date(2026, 3, 3), auto_renews=True), True),
        (Contract("k1", date(2026, 3, 3), auto_renews=False), False),
    ],
)
def test_the_length_of_a_term_and_its_own_renewal_can_be_asked_for(
    given: Given, contract: Contract, starts: bool
) -> None:
    long, auto = (">", ("get", "contract.term_days"), ("const", 30)), ("get", "contract.auto_renews")
    entry = Expr("long or auto", ("or", long, auto))
    book = given.book(given.slack("soon"), trigger=Trigger(event="kickoff.held"), entry=entry)
    story = given(replace(book, anchor="entry", reentry="again"), contracts=(contract,))
    story.when(Happened("kickoff.held"), at="2026-03-03 10:00").then(*(["post_slack soon mara"] if starts else []))


def test_a_silence_waits_for_whom_it_may_start(given: Given) -> None:
    trigger = Trigger(silence="access.given", length=Length(3, "days"))
    book = given.book(given.task("call"), trigger=trigger, entry=given.get("setup.done"), reentry="again")
    story = begin(given, replace(book, anchor="entry")).when(at="2026-03-10 10:00").then()
    assert story.state.edges == {}
    story.when(FactsReported({"setup.done": True}), at="2026-03-11 10:00").then("raise_task call mara")
    story.when(FactsReported({"setup.done": False}), at="2026-03-12 10:00").then()
    story.when(FactsReported({"setup.done": True}), at="2026-03-13 10:00").then()


def test_a_cadence_may_be_silent_while_something_holds(given: Given) -> None:
    rows = (Every(0, "days", None, given.get("setup.done")), Every(1, "weeks"))
    book = given.book(given.task("call", When(day=0)), trigger=Trigger(every=rows), anchor="entry", reentry="again")
    story = begin(given, book)
    story.when(FactsReported({"setup.done": True}), at="2026-03-03 10:00").when(at="2026-03-17 10:00").then()
    assert story.state.edges == {}
    story.when(FactsReported({"setup.done": False}), at="2026-03-18 23:00").then()
    story.when(at="2026-03-23 10:00").then("raise_task call mara")


def test_a_customer_who_moves_takes_its_cadence_along(given: Given) -> None:
    book = given.book(given.task("call"), trigger=Trigger(every=(Every(1, "weeks"),)), anchor="entry", reentry="again")
    story = begin(given, book)
    tokyo = Profile("Asia/Tokyo", date(2026, 3, 2), tier="pro")
    story.when(ProfileChanged(tokyo), at="2026-03-03 10:00").when(at="2026-03-08 16:00").then("raise_task call mara")
