"""A customer's score in the engine: when it is made anew, what a fall is, which band follows, what a model changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lifecycle import health, scoring
from lifecycle.course import Course
from lifecycle.engine import next_due, step
from lifecycle.health import Component, HealthModel, Metric
from lifecycle.messages import BatchSettled, CatalogueApplied, FactsReported, Merged, MilestoneTicked, SignedUp
from lifecycle.model import Contact, Fact, Snapshot, Value
from lifecycle.playbook import FactSpec, Lifecycle, Playbook, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

NUMBER = FactSpec("number")


@pytest.fixture
def life(given: Given) -> Lifecycle:
    """Use 60% (a share of 0.5 is good, of 0.2 middling), the milestone `roi` 20%, NPS 20%; half must be known."""
    use = Metric("share", "Share", 1, given.compare("usage.share", ">=", 0.5), given.compare("usage.share", ">=", 0.2))
    model = HealthModel(
        "small",
        "Small",
        "playbooks/health/small.yaml",
        (
            Component("use", "Use", 60, (use,)),
            Component("value", "Value", 20, (Metric("roi", "ROI", 1, given.get("milestones.roi")),)),
            Component("mood", "Mood", 20, (Metric("nps", "NPS", 1, given.compare("nps.score", ">=", 9)),)),
        ),
        {"green": 75, "yellow": 50, "red": 0},
        least_known=50,
    )
    plain = given.life(stages=())
    facts = plain.facts | {"health.fell": FactSpec("boolean"), "odd": NUMBER}
    return replace(plain, facts=facts, bands=model.bands, health=model)


def facts(**values: Value) -> FactsReported:
    return FactsReported({name.replace("_", "."): value for name, value in values.items()})


def score(story: Story) -> Value:
    fact = story.state.facts.get("health.score")
    return None if fact is None else fact.value


def test_a_score_follows_the_facts_that_its_model_reads(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(facts(usage_share=0.6), at="2026-03-02 12:00")
    assert score(story) == 75, "60 of the 80 that are known: nobody has ticked the milestone, so it is not reached"
    story.decided("fired band green", "health.score = 75, 80% of it known")
    story.when(facts(nps_score=9), at="2026-03-02 13:00").undecided()
    assert score(story) == 80
    story.when(MilestoneTicked("roi", "mara"), at="2026-03-02 14:00")
    assert score(story) == 100
    story.when(facts(usage_share=0.1), at="2026-03-02 15:00").decided("fired band red", "health.score = 40, 100% of it")


def test_a_fact_that_no_metric_asks_for_makes_no_score_anew(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(facts(usage_share=0.6), at="2026-03-02 12:00")
    before = story.state.facts["health.score"]
    story.when(facts(odd=1), at="2026-03-02 13:00").when(facts(usage_share=0.7), at="2026-03-02 14:00")
    assert story.state.facts["health.score"] == before


def test_a_milestones_own_facts_are_read_too(given: Given, life: Lifecycle) -> None:
    named = replace(life.milestones["roi"], when=given.get("setup.api"))
    story = given(life=replace(life, milestones=life.milestones | {"roi": named}))
    story.when(facts(usage_share=0.6), at="2026-03-02 12:00")
    assert score(story) == 100
    story.when(facts(setup_api=False), at="2026-03-02 13:00")
    assert score(story) == 75


def test_too_little_known_is_no_score(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(facts(nps_score=3), at="2026-03-02 12:00").undecided()
    assert score(story) is None
    assert story.state.band == ""
    assert story.state.history == ()


def test_a_score_from_outside_stands_until_there_is_one_of_our_own(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(facts(health_score=55), at="2026-03-02 12:00")
    story.decided("fired band yellow", "health.score = 55")
    story.when(facts(usage_share=0.6), at="2026-03-02 13:00")
    assert score(story) == 75
    story.when(facts(health_score=10, health_fell=True), at="2026-03-02 14:00").undecided()
    assert (score(story), story.state.facts["health.fell"].value) == (75, False)


@pytest.mark.parametrize("reported", [None, "high", True, 10**400, float("1e300")])
def test_what_can_be_no_score_is_none(given: Given, life: Lifecycle, reported: Value) -> None:
    story = given(life=life).when(facts(health_score=reported), at="2026-03-02 12:00").undecided()
    assert story.state.band == ""


# --- history and falls ------------------------------------------------------------------------------------------------


@pytest.fixture
def lost(given: Given) -> Playbook:
    trigger = Trigger(condition=given.get("health.fell"))
    return given.book(given.slack("look"), name="fallen", trigger=trigger, reentry="again", anchor="entry")


def test_a_fast_fall_inside_green_is_a_risk(given: Given, life: Lifecycle, lost: Playbook) -> None:
    life = replace(life, health=None, bands={"green": 80, "yellow": 60, "red": 0})
    story = given(lost, life=life).when(facts(health_score=97), at="2026-03-02 12:00").then()
    story.when(facts(health_score=83), at="2026-03-12 12:00").then()
    story.when(facts(health_score=82), at="2026-03-20 12:00").then("post_slack look mara")
    story.decided("fired health fell", "fell by 15 points or more within 30 days, to 82")
    assert story.state.band == "green"
    assert story.state.facts["health.fell"].value is True


def test_a_fall_is_over_after_30_days_without_any_event(given: Given, life: Lifecycle, lost: Playbook) -> None:
    story = given(lost, life=replace(life, health=None)).when(facts(health_score=97), at="2026-03-02 12:00")
    story.when(facts(health_score=80), at="2026-03-20 12:00").then("post_slack look mara")
    story.when(at="2026-04-19 12:59")
    assert story.state.facts["health.fell"].value is True
    story.when(at="2026-04-19 13:00")
    assert story.state.facts["health.fell"] == Fact(value=False, at=given.instant("2026-04-19 13:00"))
    story.when(facts(health_score=65), at="2026-04-20 12:00").then("post_slack look mara")


def test_the_end_of_a_fall_is_owed_though_nothing_asks_for_it(given: Given, life: Lifecycle) -> None:
    story = given(life=replace(life, health=None)).when(facts(health_score=97), at="2026-03-02 12:00")
    story.when(facts(health_score=80), at="2026-03-20 12:00")
    bare = replace(story.state, records=())
    assert next_due(story.library, bare) == given.instant("2026-04-19 13:00")


def test_the_end_of_a_fall_is_owed_after_many_events_in_a_row(given: Given, life: Lifecycle) -> None:
    story = given(life=life)
    course, state = Course(story.library, story.state), story.state
    for share in (0.6, 0.1, 0.15):
        now, event = state.as_of + timedelta(hours=1), facts(usage_share=share)
        told = step(story.library, state, event, now=now).state
        state = step(story.library, told, BatchSettled((), len(told.records)), now=now).state
        course.take(event, now=now)
        course.deliver()
        assert course.next_due() == next_due(story.library, state)
    assert course.next_due() == state.as_of - timedelta(hours=1) + timedelta(days=30)


def test_a_fall_stays_one_while_the_score_moves(given: Given, life: Lifecycle) -> None:
    story = given(life=replace(life, health=None)).when(facts(health_score=97), at="2026-03-02 12:00")
    story.when(facts(health_score=78), at="2026-03-20 12:00")
    story.when(facts(health_score=77), at="2026-03-21 12:00").undecided()
    story.when(facts(health_score=90), at="2026-03-22 12:00")
    assert story.state.facts["health.fell"].value is False


def test_nothing_is_owed_for_the_score_of_a_customer_who_goes_on_as_another(given: Given, life: Lifecycle) -> None:
    story = given(life=replace(life, health=None)).when(facts(health_score=97), at="2026-03-02 12:00")
    story.when(Merged("cus_2"), at="2026-03-03 12:00").when(facts(health_score=10), at="2026-03-04 12:00")
    assert story.state.band == "green"


def test_a_catalogue_that_does_not_know_falls_tells_none(given: Given) -> None:
    story = given(life=given.life(stages=())).when(facts(health_score=97), at="2026-03-02 12:00")
    story.when(facts(health_score=82), at="2026-03-04 12:00").undecided()
    assert "health.fell" not in story.state.facts


def test_the_history_has_a_snapshot_a_week_and_at_each_band(given: Given, life: Lifecycle) -> None:
    story = given(life=replace(life, health=None)).when(facts(health_score=97), at="2026-03-02 12:00")
    story.when(facts(health_score=82), at="2026-03-04 12:00").when(facts(health_score=70), at="2026-03-05 12:00")
    story.when(facts(health_score=71), at="2026-03-20 12:00")
    assert story.state.history == (
        Snapshot(given.instant("2026-03-02 12:00"), 97),
        Snapshot(given.instant("2026-03-05 12:00"), 70),
        Snapshot(given.instant("2026-03-20 12:00"), 71),
    )


# --- another model ----------------------------------------------------------------------------------------------------


def applied(story: Story, life: Lifecycle, *books: Playbook) -> CatalogueApplied:
    story.library.life = life
    return CatalogueApplied(story.library.add(*books))


def test_another_model_scores_everybody_anew_and_compares_with_nothing(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(facts(usage_share=0.6, nps_score=3), at="2026-03-02 12:00")
    assert (score(story), story.state.band) == (60, "yellow")
    assert life.health is not None
    other = replace(life.health, components=life.health.components[2:])
    story.when(applied(story, replace(life, health=other)), at="2026-03-03 12:00")
    story.decided("fired band red", "health.score = 0")
    assert score(story) == 0
    assert story.state.history == (Snapshot(given.instant("2026-03-03 12:00"), 0),)
    assert story.state.facts["health.fell"].value is False


def test_a_release_with_the_same_model_changes_no_history(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(facts(usage_share=0.6), at="2026-03-02 12:00")
    before = story.state.history
    story.when(applied(story, replace(life, title="Another")), at="2026-03-03 12:00").undecided()
    assert story.state.history == before


def test_a_placed_customer_has_its_score_in_silence(given: Given, life: Lifecycle) -> None:
    book = given.book(given.slack("celebrate"), trigger=Trigger(band="green"), anchor="entry")
    begun = given(book, life=replace(life, stages=given.life().stages))
    signup = SignedUp(begun.state.profile, (Contact("ada"),), placed="value", facts={"usage.share": 0.9})
    fresh = replace(begun.state, seen={}, stage="new", records=(), plays=(), facts={}, history=(), band="")
    outcome = step(begun.library, fresh, signup, now=fresh.as_of)
    assert (outcome.state.band, outcome.state.facts["health.score"].value) == ("green", 75)
    assert outcome.commands == ()
    assert len(outcome.state.history) == 1


def test_a_state_says_what_its_score_is_made_of(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(facts(usage_share=0.3), at="2026-03-02 12:00")
    found = scoring.standing(story.library, story.state)
    assert found is not None
    model, made, lookup = found
    assert (made.value, made.known) == (38, 80)
    assert health.missing(model, lookup) == {"mood.nps": ("nps.score",)}
    plain = given()
    assert scoring.standing(plain.library, plain.state) is None
