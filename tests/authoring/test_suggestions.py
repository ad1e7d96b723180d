"""What `explain` suggests is true: it flips the verdict, whatever the condition, the trigger and the past are."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authoring import changes
from authoring.changes import Change
from authoring.namespace import Names
from authoring.satisfy import Known, ways, written
from lifecycle import conditions
from lifecycle.actions import Expr, Length, SetFacts, Wait, When
from lifecycle.messages import (
    Churned,
    ContractSigned,
    Event,
    FactsReported,
    Happened,
    MilestoneTicked,
    PlayRequested,
    ProfileChanged,
    StageSet,
)
from lifecycle.model import Contract
from lifecycle.playbook import (
    CONTRACT_END,
    Every,
    Step,
    Trigger,
)
from lifecycle.turn import Turn
from tests.fakes.explained import AT, LIFE, OTHER, Told, book, compare, expr, get

# --- any condition, any state -----------------------------------------------------------------------------------------

numbers = st.sampled_from(["usage.share", "usage.features", "health.score", "customer.arr"])
signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
halves = st.sampled_from([0, 0.25, 0.5, 1, 2, 50])
texts = st.one_of(
    st.tuples(st.just("plan.name"), st.sampled_from(["free", "paid"])),
    st.tuples(st.just("plan.note"), st.sampled_from(["x", "y"])),
    st.tuples(st.just("customer.tier"), st.sampled_from(["pro", "team"])),
    st.tuples(st.just("customer.stage"), st.sampled_from(["onboarding", "adoption", "value"])),
    st.tuples(st.just("customer.band"), st.sampled_from(["green", "red"])),
)
leaf: st.SearchStrategy[Any] = st.one_of(
    st.tuples(signs, numbers.map(get), halves.map(lambda value: ("const", value))),
    st.tuples(signs, st.tuples(st.just("*"), numbers.map(get), st.just(("const", 2))), numbers.map(get)),
    texts.flatmap(
        lambda two: st.sampled_from([("==", get(two[0]), ("const", two[1])), ("!=", get(two[0]), ("const", two[1]))])
    ),
    texts.map(lambda two: ("in", get(two[0]), ("list", ("const", two[1]), ("const", "z")))),
    st.sampled_from(["access.given", "setup.done", "milestones.roi", "milestones.setup", "playing.other"]).map(get),
    st.sampled_from(["setup.done", "usage.share"]).map(lambda name: ("known", get(name))),
)
trees: st.SearchStrategy[Any] = st.recursive(
    leaf,
    lambda inner: st.one_of(st.tuples(st.sampled_from(["and", "or"]), inner, inner), st.tuples(st.just("not"), inner)),
    max_leaves=4,
)
conditions_ = trees.map(expr)
facts = st.fixed_dictionaries(
    {},
    optional={
        "access.given": st.booleans(),
        "setup.done": st.booleans(),
        "usage.share": st.sampled_from([0, 0.4, 0.5, 1]),
        "usage.features": st.integers(0, 60),
        "plan.name": st.sampled_from(["free", "paid"]),
        "health.score": st.sampled_from([10, 50, 70, 90]),
    },
)
pasts: st.SearchStrategy[list[Any]] = st.lists(
    st.one_of(
        st.builds(FactsReported, facts),
        st.sampled_from([MilestoneTicked("roi", "mara"), StageSet("adoption", "mara", "x"), Churned()]),
        st.builds(PlayRequested, st.sampled_from(["care", "other"]), st.just("mara")),
    ),
    max_size=4,
)
triggers = st.one_of(
    st.sampled_from(["onboarding", "value", "churned"]).map(lambda name: Trigger(stage=name)),
    st.sampled_from(["onboarding", "adoption"]).map(lambda name: Trigger(leaving_stage=name)),
    st.sampled_from(["green", "red"]).map(lambda name: Trigger(band=name)),
    st.just(Trigger(leaving_band="red")),
    st.builds(Trigger, event=st.just("kickoff.held"), where=st.none() | st.just(compare("nps.score", "<=", 6))),
    st.builds(Trigger, condition=conditions_, length=st.none() | st.just(Length(2, "days"))),
    st.builds(Trigger, date=st.sampled_from(["trial.ends_on", CONTRACT_END]), days=st.integers(-40, 5)),
    st.builds(lambda days: Trigger(silence="kickoff.held", length=Length(days, "days")), st.integers(1, 9)),
    st.builds(
        lambda n, row: Trigger(every=(Every(n, "weeks", 20, row), Every(1, "months"))), st.integers(1, 4), conditions_
    ),
    st.just(Trigger(by_hand=True)),
)


@settings(max_examples=150, deadline=None)
@given(conditions_, triggers, pasts)
def test_what_is_suggested_starts_a_play_that_does_not_run(entry: Expr, trigger: Trigger, past: list[Event]) -> None:
    told = Told(book(trigger, entry=entry), OTHER, events=past)
    about, known = told.about(), changes.known_of(Turn(told.library, told.state))
    possible = any(way.keys() <= LIFE.facts.keys() for way in ways(entry, known))

    assert about.change is None or told.flips()
    assert about.change is not None or not possible or told.state.stage == "churned"


def test_a_trigger_with_many_ways_leaves_tries_to_the_others() -> None:
    """All 40 tries once went to ways of the condition, which entry contradicts; by hand was never tried."""
    paid = expr(
        (
            "and",
            ("in", get("plan.name"), ("list", ("const", "paid"), ("const", "z"))),
            compare("plan.note", "!=", "x").tree,
        )
    )
    twice = (">", ("*", get("usage.features"), ("const", 2)), get("usage.share"))
    entry = expr(("and", compare("plan.name", "==", "free").tree, twice))
    told = Told(book(Trigger(condition=paid), entry=entry))

    assert told.change().text.endswith("and somebody starts it by hand")
    assert told.flips()


def test_an_arr_is_suggested_in_whole_numbers() -> None:
    told = Told(
        book(Trigger(by_hand=True), exit=compare("customer.arr", ">", 0.25)), events=[PlayRequested("care", "mara")]
    )

    assert told.change().text == "customer.arr > 0.25 (customer.arr = 0)"
    assert told.flips()


@settings(max_examples=100, deadline=None)
@given(conditions_, pasts)
def test_what_is_suggested_ends_a_play_that_runs(leaves: Expr, past: list[Event]) -> None:
    told = Told(book(Trigger(by_hand=True), exit=leaves), OTHER, events=[PlayRequested("care", "mara"), *past])

    assert told.about().change is not None or told.about().verdict != "running"
    assert told.about().change is None or told.flips()


@settings(max_examples=100, deadline=None)
@given(conditions_, pasts)
def test_what_is_suggested_meets_a_wait(until: Expr, past: list[Event]) -> None:
    waiting = Step("w", Wait(When(day=200), until))
    told = Told(book(Trigger(by_hand=True), steps=(waiting,)), OTHER, events=[PlayRequested("care", "mara"), *past])
    for play in told.about().plays:
        for item in play.steps:
            after = told.after(item.change) if item.change else None
            met = [one for one in after.plays if one.key == play.key] if after else []
            assert after is None or not met or met[0].steps["w"].status == "met"


@settings(max_examples=200, deadline=None)
@given(trees, facts, st.booleans())
def test_one_fact_that_would_do_is_found(tree: Any, values: dict[str, Any], want: bool) -> None:
    """By brute force: whatever single value of a grid turns a condition over, a way with one name is found."""
    known = Known(values.get, Names.of(LIFE, ()), LIFE.facts)
    found = ways(expr(tree), known, want=want)
    grid: dict[str, tuple[Any, ...]] = {
        "usage.share": (0, 0.3, 0.6, 1),
        "usage.features": (0, 1, 3, 100),
        "health.score": (0, 1, 51, 100),
        "setup.done": (True, False),
        "plan.name": ("free", "paid"),
    }
    names = conditions.names(expr(tree))
    tried = [{name: value} for name in names for value in grid.get(name, ())]
    does = [way for way in tried if conditions.truth(expr(tree), known.with_(way)) is want]

    assert all(conditions.truth(expr(tree), known.with_(way)) is want for way in found)
    assert not does or (found and len(found[0]) <= 1)


@pytest.mark.parametrize(
    ("way", "events"),
    [
        ({"contract.ends_on": "2027-01-01"}, (ContractSigned(Contract("main", date(2027, 1, 1))),)),
        ({"contract.ends_on": "soon"}, None),
        ({"contract.phase": "ebr"}, None),
        ({"milestones.roi": True}, (MilestoneTicked("roi", "mara"),)),
        ({"milestones.roi": False}, None),
        ({"milestones.setup": True}, (FactsReported({"setup.done": True}),)),
        ({"milestones.lost": True}, None),
        ({"milestones.odd": True}, None),
        ({"playing.care": True}, (PlayRequested("care", "mara", "explained"),)),
        ({"customer.band": "green"}, (FactsReported({"health.score": 80}),)),
        ({"customer.band": "odd"}, ()),
        ({"something.else": 1}, None),
    ],
)
def test_changes_are_events_where_there_is_one(way: dict[str, Any], events: tuple[Event, ...] | None) -> None:
    told = Told(book())

    assert changes.as_events(Turn(told.library, told.state), way) == events


def test_a_profile_that_would_do_keeps_the_rest() -> None:
    told = Told(book())
    events = changes.as_events(Turn(told.library, told.state), {"customer.tier": "team"})

    assert events == (ProfileChanged(replace(told.state.profile, tier="team")),)


WRITTEN = {
    "not (setup.done or access.given)": ("not", ("or", get("setup.done"), get("access.given"))),
    "(setup.done or access.given) and x": ("and", ("or", get("setup.done"), get("access.given")), get("x")),
    "plan.name not in ['free', 'paid']": ("not_in", get("plan.name"), ("list", ("const", "free"), ("const", "paid"))),
    "a - (b - 1) > -c": (">", ("-", get("a"), ("-", get("b"), ("const", 1))), ("neg", get("c"))),
    "x is defined": ("known", get("x")),
    "x is undefined": ("unknown", get("x")),
    "x == true": ("==", get("x"), ("const", True)),
}


@pytest.mark.parametrize(("text", "tree"), WRITTEN.items(), ids=WRITTEN)
def test_parts_of_conditions_are_written_as_authors_do(text: str, tree: Any) -> None:
    assert written(tree) == text


@pytest.mark.parametrize(
    ("tree", "way"),
    [
        ((">", get("trial.ends_on"), ("const", "2026-03-20")), {"trial.ends_on": "2026-03-21"}),
        ((">", get("usage.features"), ("*", get("health.score"), ("const", 2))), {"usage.features": 101}),
        ((">", get("odd"), get("even")), None),
        ((">", get("usage.share"), ("const", 1)), None),
    ],
)
def test_values_are_found_where_a_comparison_turns(tree: Any, way: dict[str, Any] | None) -> None:
    values = {"health.score": 50}
    found = ways(expr(tree), Known(values.get, Names.of(LIFE, ()), LIFE.facts))

    assert (found[0] if found else None) == way


NAMED = {
    "the customer leaves the stage new": (Trigger(leaving_stage="new"), {}),
    "the band becomes green (it is not known)": (Trigger(band="green"), {}),
    "the band becomes green (it is red)": (Trigger(band="green"), {"health.score": 50}),
    "the band is no longer red": (Trigger(leaving_band="red"), {"health.score": 50}),
    "setup.done becomes known, such as yes (setup.done unknown)": (
        Trigger(condition=expr(("not", ("unknown", get("setup.done"))))),
        {},
    ),
    "usage.share becomes known, such as 0 (usage.share unknown)": (
        Trigger(condition=expr(("known", get("usage.share")))),
        {},
    ),
    "setup.done (setup.done unknown)": (Trigger(condition=expr(get("setup.done"))), {}),
    "usage.share < 0.5 (usage.share unknown)": (
        Trigger(condition=expr(("and", ("known", get("usage.share")), ("<", get("usage.share"), ("const", 0.5))))),
        {},
    ),
    "usage.share < 0.5 (usage.share = 0.9) for 2 days": (
        Trigger(condition=compare("usage.share", "<", 0.5), length=Length(2, "days")),
        {"usage.share": 0.9},
    ),
    "trial.ends_on is 2026-03-05 (it is unknown)": (Trigger(date="trial.ends_on", days=-3), {}),
    "trial.ends_on is 2026-02-27 (it is '2026-01-01')": (
        Trigger(date="trial.ends_on", days=3),
        {"trial.ends_on": "2026-01-01"},
    ),
    "contract.ends_on is 2026-06-30 (it is unknown)": (Trigger(date=CONTRACT_END, days=-120), {}),
    "no kickoff.held comes for 10 days": (Trigger(silence="kickoff.held", length=Length(10, "days")), {}),
    "its time comes round within 2 weeks": (Trigger(every=(Every(2, "weeks"),)), {}),
    "setup.done (setup.done unknown) and its time comes round within 1 month": (
        Trigger(every=(Every(1, "months", None, expr(get("setup.done"))),)),
        {},
    ),
}


DONE = Step("now", SetFacts({"usage.features": Expr("1", ("const", 1))}))


def test_a_silence_that_has_had_its_say_needs_another_event() -> None:
    told = Told(book(Trigger(silence="kickoff.held", length=Length(2, "days")), steps=(DONE,)), days=5, team={})

    assert told.about().verdict == "ended"
    assert told.change().text == "the event kickoff.held comes, and no other for 2 days"
    assert told.flips()


def test_a_date_that_has_had_its_say_needs_another_day() -> None:
    event = FactsReported({"trial.ends_on": "2026-03-05"})
    told = Told(book(Trigger(date="trial.ends_on", days=-3), steps=(DONE,)), events=[event], days=0, team={})

    assert told.change().text == "trial.ends_on is 2026-03-06 (it is '2026-03-05')"
    assert told.flips()


@pytest.mark.parametrize(("words", "trigger", "values"), [(words, *case) for words, case in NAMED.items()], ids=NAMED)
def test_each_trigger_has_something_that_sets_it_off(words: str, trigger: Trigger, values: dict[str, Any]) -> None:
    told = Told(book(trigger), events=[FactsReported(values)], days=0)

    assert told.change().text == words
    assert told.flips()


@pytest.mark.parametrize(
    "trigger",
    [
        Trigger(leaving_stage="value"),
        Trigger(stage="onboarding"),
        Trigger(leaving_band="red"),
        Trigger(condition=expr(get("access.given"))),
    ],
)
def test_what_is_so_already_sets_nothing_off(trigger: Trigger) -> None:
    told = Told(book(trigger, entry=expr(get("setup.done"))), events=[FactsReported({"access.given": True})], days=0)

    assert told.change().text == "setup.done (setup.done unknown) and somebody starts it by hand"
    assert told.flips()


def test_a_play_in_the_way_is_stopped() -> None:
    told = Told(
        book(Trigger(event="kickoff.held"), entry=expr(("not", get("playing.other")))),
        OTHER,
        events=[PlayRequested("other", "mara")],
    )

    assert told.change().text == "not playing.other (playing.other = yes) and the event kickoff.held comes"
    assert told.flips()


def test_the_smallest_change_is_said_in_the_words_of_the_condition() -> None:
    entry = expr(("or", compare("usage.share", ">=", 0.5).tree, ("and", get("setup.done"), get("access.given"))))
    told = Told(book(Trigger(stage="onboarding"), entry=entry), events=[FactsReported({"usage.share": 0.4})], days=0)

    assert told.change() == Change(
        "usage.share >= 0.5 (usage.share = 0.4) and the customer enters the stage onboarding (it is in new)",
        (FactsReported({"usage.share": 0.5}), StageSet("onboarding", "mara", "explained")),
    )
    assert told.flips()


def test_a_cool_down_is_waited_for() -> None:
    told = Told(
        book(Trigger(event="kickoff.held"), goal=expr(get("setup.done")), cooldown=Length(30, "days")),
        events=[
            PlayRequested("care", "mara"),
            FactsReported({"setup.done": True}),
            FactsReported({"setup.done": False}),
        ],
    )

    assert "cooling down until 2026-04-01" in told.about().reason
    assert told.change() == Change(
        "the event kickoff.held comes", (Happened("kickoff.held"),), AT + timedelta(days=30, hours=1)
    )
    assert told.flips()


def test_a_cool_down_that_is_over_stands_in_nobodys_way() -> None:
    told = Told(
        book(Trigger(event="kickoff.held"), goal=expr(get("setup.done")), cooldown=Length(1, "days")),
        events=[
            PlayRequested("care", "mara"),
            FactsReported({"setup.done": True}),
            FactsReported({"setup.done": False}),
        ],
    )

    assert told.change().at is None


def test_a_customer_who_left_must_come_back() -> None:
    told = Told(book(Trigger(event="kickoff.held")), events=[Churned()])

    assert "the customer left: stage is churned" in told.about().reason
    assert told.change().text == "the customer comes back and the event kickoff.held comes"
    assert told.flips()


def test_without_a_teammate_nobody_can_start_or_stop_by_hand() -> None:
    told = Told(book(Trigger(by_hand=True)), book(Trigger(stage="new"), name="other"), team={})

    assert "nobody of ours has a role for this customer" in told.about().reason
    assert told.about().change is None
    assert told.about("other").verdict == "running"
    assert told.about("other").change is None


def test_a_play_about_a_ticket_needs_one() -> None:
    where = compare("plan.name", "==", "paid")
    told = Told(book(Trigger(event="ticket.opened", where=where), per="ticket.id"))

    assert "nothing says which ticket.id it is about" in told.about().reason
    assert told.change().text == "the event ticket.opened comes with plan.name == 'paid' and ticket.id = 'new-1'"
    assert told.flips()
