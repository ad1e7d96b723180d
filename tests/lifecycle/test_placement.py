"""A customer who was here before we were is placed in mid-journey: told nothing of its past, then as any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as over
from hypothesis import strategies as st

from lifecycle import calendar
from lifecycle.actions import Choose, Length, Repeat, When
from lifecycle.engine import begin, next_due, step
from lifecycle.machine import BANDS, STAGES
from lifecycle.messages import DueReached, FactsReported, SignedUp
from lifecycle.model import Contract, Profile, Value
from lifecycle.playbook import Playbook, Rung, Step, Trigger
from tests.lifecycle.histories import ZONE, facts, world

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

NOW = "2026-03-02 10:00"
DAY_5 = date(2026, 2, 25)
"""Five days before; the customer placed at `NOW` is in the middle of its onboarding."""
MANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(name="placed")
def _placed(given: Given) -> Placed:
    return Placed(given)


class Placed:
    """Places a customer at `NOW`, with these playbooks."""

    def __init__(self, given: Given) -> None:
        self.given = given

    def __call__(
        self,
        stage: str,
        signed_up_on: date,
        *books: Playbook,
        known: dict[str, Value] | None = None,
        contracts: tuple[Contract, ...] = (),
    ) -> Story:
        story = self.given(*books)
        profile = Profile(ZONE, signed_up_on, tier="pro", country="DE")
        event = SignedUp(profile, story.state.contacts, story.state.team, contracts, stage, known or {})
        now = self.given.instant(NOW)
        story.state = begin("c1", story.state.catalogue, event, now=now, spread=False)
        return story.when(event, at=now).then()


def test_a_customer_stands_where_it_was_placed(placed: Placed) -> None:
    story = placed("value", date(2025, 12, 1), known={"health.score": 45, "odd": 1})

    assert (story.state.stage, story.state.band, story.state.overdue) == ("value", "red", False)
    assert story.state.moved == calendar.wall(date(2026, 1, 31), "00:00", ZONE)
    assert set(story.state.facts) == {"health.score"}
    story.decided("fired stage value", "placed here")


def test_what_was_due_is_skipped_and_what_is_to_come_goes_normally(given: Given, placed: Placed) -> None:
    book = given.book(
        given.email("welcome", When(day=1, catch_up=True)),
        given.task("plan"),
        given.email("tips", When(after="plan", delay=Length(2, "days"))),
        given.email("story", When(day=7)),
        name="onboarding",
        trigger=Trigger(stage="onboarding"),
    )
    story = placed("onboarding", DAY_5, book)

    story.decided(
        "skipped email welcome", "belongs to the past: the customer was placed here later (due on 2026-02-26)"
    )
    assert [story.status(name) for name in ("plan", "tips")] == ["skipped", "skipped"]
    story.when(at="2026-03-04 09:00").then("send_email story ada")


def test_a_play_that_starts_with_the_entry_counts_from_the_stages_window(given: Given, placed: Placed) -> None:
    book = given.book(
        given.email("first", When(day=1)),
        given.email("later", When(day=6)),
        trigger=Trigger(stage="onboarding"),
        anchor="entry",
    )
    story = placed("onboarding", DAY_5, book)

    assert story.state.plays[0].anchor == date(2026, 2, 26)
    assert story.upcoming() == {"later": "2026-03-04 09:00"}


def test_a_sequence_that_began_with_the_signup_goes_on(given: Given, placed: Placed) -> None:
    book = given.book(
        *(given.email(f"mail-{day}", When(day=day)) for day in (0, 3, 7)),
        trigger=Trigger(event="customer.signed_up"),
        anchor="entry",
    )
    story = placed("onboarding", DAY_5, book)

    assert story.upcoming() == {"mail-7": "2026-03-04 09:00"}


def test_a_play_whose_every_step_is_past_is_over_at_once(given: Given, placed: Placed) -> None:
    book = given.book(given.email("welcome"), trigger=Trigger(stage="value"))
    story = placed("value", date(2024, 3, 1), book)

    assert story.state.plays == ()
    assert next_due(story.library, story.state) is not None or story.state.overdue


def test_a_wait_whose_deadline_has_passed_opens_no_branch(given: Given, placed: Placed) -> None:
    book = given.book(
        given.wait("setup", When(day=3), given.get("setup.api")),
        given.slack("blocked", under="setup", branch="otherwise"),
        given.email("last", When(day=9)),
        trigger=Trigger(stage="onboarding"),
    )
    story = placed("onboarding", DAY_5, book)

    assert story.status("setup") == "skipped"
    story.when(at="2026-03-05 12:00").then()


def test_a_wait_that_is_met_already_opens_no_branch(given: Given, placed: Placed) -> None:
    book = given.book(
        given.wait("setup", When(day=9), given.get("setup.api")),
        given.task("notes", under="setup", branch="then"),
        given.email("last", When(day=9)),
        trigger=Trigger(stage="onboarding"),
    )
    story = placed("onboarding", DAY_5, book, known={"setup.api": True})

    assert story.status("setup") == "skipped"
    story.when(FactsReported({"setup.api": True}), at="2026-03-02 12:00").then()


def test_a_wait_that_is_still_open_is_met_or_gives_up_normally(given: Given, placed: Placed) -> None:
    book = given.book(
        given.wait("setup", When(day=6), given.get("setup.api")),
        given.task("notes", under="setup", branch="then"),
        given.slack("blocked", under="setup", branch="otherwise"),
        trigger=Trigger(stage="onboarding"),
    )
    met = placed("onboarding", DAY_5, book)
    met.when(FactsReported({"setup.api": True}), at="2026-03-02 12:00").then("raise_task notes mara")
    late = placed("onboarding", DAY_5, book)
    late.when(at="2026-03-03 09:00").then("post_slack blocked mara")


def test_nobody_is_asked_for_an_approval_whose_time_to_ask_is_over(given: Given, placed: Placed) -> None:
    asked = given.approval(Length(2, "business_days"))
    book = given.book(
        given.email("offer", When(day=6), approval=asked),
        given.email("later", When(day=14), approval=asked),
        trigger=Trigger(stage="onboarding"),
    )
    story = placed("onboarding", DAY_5, book)

    story.decided("skipped email offer", "its approval was due on 2026-02-27")
    story.when(at="2026-03-09 09:00").then("ask_approval later mara")


def test_a_window_that_ended_shows_overdue_and_asks_nobody(placed: Placed) -> None:
    story = placed("onboarding", date(2025, 3, 1))

    assert story.state.overdue
    story.when(FactsReported({"setup.done": True}), at="2026-03-02 12:00")
    assert story.state.stage == "adoption"


def test_a_criterion_that_holds_already_moves_nobody_on_before_the_window_opens(placed: Placed) -> None:
    story = placed("onboarding", DAY_5, known={"setup.done": True})

    assert (story.state.stage, story.state.pinned) == ("onboarding", False)
    story.when(at="2026-03-12 00:00")
    assert story.state.stage == "adoption"


def test_a_criterion_that_holds_already_does_not_contradict_who_placed_the_customer(placed: Placed) -> None:
    story = placed("onboarding", date(2025, 3, 1), known={"setup.done": True})

    assert (story.state.stage, story.state.pinned) == ("onboarding", True)


def test_a_renewal_stands_where_its_date_says(placed: Placed) -> None:
    contracts = (Contract("k1", date(2026, 3, 20)), Contract("k2", date(2027, 3, 1)), Contract("k3", date(2026, 1, 1)))
    story = placed("expansion", date(2024, 3, 1), contracts=contracts)

    assert [item.phase for item in story.state.contracts] == ["negotiation", "", "complete"]
    story.when(at="2026-03-06 00:00").decided("fired phase close")


def test_of_two_contracts_with_one_id_the_later_counts(placed: Placed) -> None:
    contracts = (Contract("k1", date(2026, 3, 20)), Contract("k1", date(2027, 3, 1)))

    assert placed("value", date(2025, 12, 1), contracts=contracts).state.contracts == (
        Contract("k1", date(2027, 3, 1)),
    )


def test_a_band_play_does_not_start_with_a_band_that_was_there(given: Given, placed: Placed) -> None:
    book = given.book(given.email("sorry", When()), trigger=Trigger(band="red"), anchor="entry")
    story = placed("value", date(2025, 12, 1), book, known={"health.score": 45})

    assert story.state.plays == ()
    story.when(FactsReported({"health.score": 90}), at="2026-03-02 11:00").then()
    story.when(FactsReported({"health.score": 45}), at="2026-03-02 12:00").then("send_email sorry ada")


@pytest.mark.parametrize("stage", ["churned", "win_back"])
def test_who_has_left_is_in_no_play(given: Given, placed: Placed, stage: str) -> None:
    back = given.book(given.email("come-back", When(day=3)), trigger=Trigger(stage=stage), name="back")
    mails = given.book(given.email("mail"), trigger=Trigger(event="customer.signed_up"), name="mails")
    story = placed(stage, DAY_5, back, mails)

    assert story.state.stage == stage
    assert story.state.plays == ()


def test_a_stage_that_does_not_exist_is_said_and_starts_nothing_over(given: Given, placed: Placed) -> None:
    book = given.book(given.email("hello", When(catch_up=True)), trigger=Trigger(stage="new"))
    story = placed("onbording", DAY_5, book)

    assert story.state.stage == "new"
    story.decided("skipped stage onbording", "there is no stage 'onbording'")


def test_a_new_customers_facts_are_known_before_anything_starts(given: Given) -> None:
    book = given.book(given.email("hello", When()), entry=given.compare("nps.score", ">", 8))
    story = given(book)
    event = SignedUp(story.state.profile, story.state.contacts, story.state.team, facts={"nps.score": 9})
    story.state = begin("c1", story.state.catalogue, event, now=story.state.as_of, spread=False)

    story.when(event, at=NOW).then("send_email hello ada")


dates = st.one_of(st.dates(date(2023, 1, 1), date(2026, 4, 1)), st.sampled_from([date.min, date.max, DAY_5]))
contracts = st.lists(st.builds(Contract, st.sampled_from(["k1", "k2"]), dates), max_size=3).map(tuple)


@st.composite
def placements(draw: st.DrawFn) -> SignedUp:
    stage = draw(st.sampled_from([*STAGES, "odd"]))
    profile = Profile(
        draw(st.sampled_from([ZONE, "Asia/Tokyo", "Mars/Olympus"])), draw(dates), tier="pro", country="DE"
    )
    return SignedUp(profile, placed=stage, contracts=draw(contracts), facts=draw(facts))


def more(given: Given) -> tuple[Playbook, ...]:
    """Playbooks that would do much at once: every stage, and one that waits for another to end."""
    asked = given.approval(Length(3, "hours"), "proceed", escalate=(Rung(Length(2, "business_hours"), "cs_manager"),))
    done = given.get("playing.stage_value")
    ended = replace(done, text="not playing.stage_value", tree=("not", done.tree))
    return (
        *(
            given.book(
                given.task("now"),
                given.email("soon", When(delay=Length(2, "hours")), needs=("now",)),
                given.wait("until", When(delay=Length(9, "days")), given.compare("nps.score", "<=", 6)),
                given.slack("then", under="until", branch="then"),
                given.slack("else", under="until", branch="otherwise"),
                given.invite("meet", When(day=2), approval=asked),
                name=f"stage-{stage}",
                trigger=Trigger(stage=stage),
                anchor="entry" if number % 2 else "signup",
            )
            for number, stage in enumerate(STAGES)
        ),
        *(given.book(given.slack("seen"), name=f"band-{band}", trigger=Trigger(band=band)) for band in BANDS),
        given.book(
            given.wait("free", When(day=9000), ended),
            given.slack("freed", under="free", branch="then"),
            name="follows",
            trigger=Trigger(event="customer.signed_up"),
        ),
    )


@settings(MANY, max_examples=300)
@over(event=placements(), hours=st.integers(0, 24 * 400))
def test_nothing_is_done_at_placement_whoever_is_placed_wherever(given: Given, event: SignedUp, hours: int) -> None:
    library, (catalogue, *_) = world(given)
    books = [library.kept[digest] for digest in library.kept[catalogue].playbooks.values()]
    everything = library.add(*books, *more(given))
    now = given.instant(NOW) + timedelta(hours=hours)
    team = given().state.team
    event = replace(event, contacts=given().state.contacts, team=team)

    outcome = step(library, begin("c1", everything, event, now=now, spread=True), event, now=now)

    assert outcome.commands == ()
    assert outcome.state.stage == (event.placed if event.placed in STAGES else "new")
    due = next_due(library, outcome.state)
    assert due is None or due > now
    again = step(library, outcome.state, DueReached(), now=now)
    assert (again.commands, again.decisions) == ((), ())
    assert all(item.at <= now for item in outcome.decisions)


def local(at: datetime) -> date:
    return at.astimezone(ZoneInfo(ZONE)).date()


@settings(MANY, max_examples=60)
@over(days=st.integers(0, 20))
def test_a_placed_customer_gets_the_rest_of_what_one_from_the_beginning_gets(given: Given, days: int) -> None:
    """Placed after so many days into the same play, its dated mails are those still to come."""
    book = given.book(
        *(given.email(f"mail-{day}", When(day=day)) for day in range(0, 20, 3)),
        trigger=Trigger(stage="new"),
        reentry="once",
    )
    whole = given(book, signed_up_on=date(2026, 3, 2))
    now = given.instant(NOW) + timedelta(days=days)
    event = SignedUp(whole.state.profile, whole.state.contacts, whole.state.team, placed="new")
    part = given(book)
    part.state = begin("c1", part.state.catalogue, event, now=now, spread=False)
    part.issued.clear()
    part.when(event, at=now).when(at=now + timedelta(days=60))
    whole.when(at=now + timedelta(days=60))

    sent = [item for item in whole.issued if item.kind == "send_email"]
    assert [item.step for item in part.issued if item.kind == "send_email"] == [
        item.step for item in sent if item.due > now
    ]
    assert all(local(item.due) > date(2026, 3, 1) for item in part.issued)


def test_a_choice_goes_the_way_of_today_and_what_is_to_come_on_it_goes_normally(given: Given, placed: Placed) -> None:
    way = Choose((given.compare("health.score", ">=", 80),), otherwise=True)
    book = given.book(
        Step("path", way, When(day=1)),
        given.slack("past", When(day=2), under="path", branch="1"),
        given.slack("later", When(day=20), under="path", branch="1"),
        Step("closed", way, When(day=1), given.get("odd")),
        trigger=Trigger(stage="onboarding"),
    )
    story = placed("onboarding", DAY_5, book, known={"health.score": 90})
    assert (story.status("past"), story.status("closed")) == ("skipped", "skipped")
    assert story.upcoming() == {"later": "2026-03-17 09:00"}


def test_rounds_go_on_with_the_one_that_would_be_on(given: Given, placed: Placed) -> None:
    def often(name: str, at_most: int) -> tuple[Step, Step]:
        repeat = Repeat(Length(2, "days"), given.compare("customer.band", "==", "green"), at_most)
        return Step(name, repeat, When(day=1)), given.task(f"call-{name}", under=name, branch="do")

    book = given.book(*often("long", 5), *often("short", 2), trigger=Trigger(stage="onboarding"))
    story = placed("onboarding", DAY_5, book)
    story.decided("waiting repeat long", "round 3 of at most 5").decided(
        "skipped task call-long", "belongs to the past"
    )
    story.decided("skipped repeat short", "belongs to the past")
    assert story.upcoming() == {"long": "2026-03-04 09:00"}
    story.when(at="2026-03-04 09:00").then("raise_task call-long mara")
    assert story.commands[0].touch == "c1/play/1/call-long/4/task/mara"
