"""Steps that send nothing: they set facts, start plays and end plays, and may set each other off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifecycle.actions import Expr, SetFacts, StartPlay, StopPlay, When
from lifecycle.doing import CHAIN
from lifecycle.messages import ApprovalAnswered, FactsReported, Happened, HoldPlaced
from lifecycle.playbook import Step, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given

DAY_1 = When(day=1)
BY_HAND = Trigger(by_hand=True)


def const(value: object) -> Expr:
    return Expr(repr(value), ("const", value))


def mark(name: str = "mark", when: When = DAY_1, **facts: Expr) -> Step:
    """A step that sets facts; `usage__share` is `usage.share`."""
    return Step(name, SetFacts({fact.replace("__", "."): expr for fact, expr in facts.items()}), when)


def start(playbook: str, when: When = DAY_1) -> Step:
    return Step(f"start-{playbook}", StartPlay(playbook), when)


def stop(playbook: str = "", when: When = DAY_1, *, goal: bool = False) -> Step:
    return Step("stop", StopPlay(playbook, goal), when)


# --- set --------------------------------------------------------------------------------------------------------------


def test_a_fact_gets_the_value_of_its_expression(given: Given) -> None:
    half = Expr("nps.score / 2", ("/", ("get", "nps.score"), ("const", 2)))
    story = given(given.book(mark(usage__share=half, setup__api=const(value=True))))
    story.when(FactsReported({"nps.score": 1}), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").then().decided("fired set mark", "usage.share = 0.5; setup.api = yes")
    assert {name: fact.value for name, fact in story.state.facts.items()} == {
        "nps.score": 1,
        "usage.share": 0.5,
        "setup.api": True,
    }


def test_a_value_that_is_not_known_changes_nothing(given: Given) -> None:
    book = given.book(mark(usage__share=Expr("nps.score", ("get", "nps.score"))))
    story = given(book).when(FactsReported({"usage.share": 0.7}), at="2026-03-02 12:00").when(at="2026-03-03 09:00")
    story.decided("fired set mark", "usage.share left as it is: the new value is not known")
    assert story.state.facts["usage.share"].value == 0.7


def test_a_value_too_large_to_store_changes_nothing(given: Given) -> None:
    large = Expr("1e308 * 10", ("*", ("const", 1e308), ("const", 10)))
    story = given(given.book(mark(usage__share=large))).when(at="2026-03-03 09:00")
    story.decided("fired set mark", "left as it is")
    assert story.state.facts == {}


def test_a_list_is_no_value_of_a_fact(given: Given) -> None:
    several = Expr("[1, 2]", ("list", ("const", 1), ("const", 2)))
    given(given.book(mark(usage__share=several))).when(at="2026-03-03 09:00").decided("fired set mark", "left as it is")


def test_facts_are_worked_out_before_the_first_is_set(given: Given) -> None:
    other = Expr("usage.share", ("get", "usage.share"))
    story = given(given.book(mark(usage__share=const(0.9), nps__score=other)))
    story.when(FactsReported({"usage.share": 0.1}), at="2026-03-02 12:00").when(at="2026-03-03 09:00")
    assert story.state.facts["nps.score"].value == 0.1


def test_a_fact_that_is_set_starts_the_play_that_waits_for_it(given: Given) -> None:
    waits = given.book(given.task("look"), name="low", trigger=Trigger(condition=given.compare("usage.share", "<", 1)))
    story = given(given.book(mark(usage__share=const(0.2))), waits).when(at="2026-03-03 09:00")
    story.then("raise_task look mara")


def test_a_hold_keeps_back_touches_and_nothing_else(given: Given) -> None:
    story = given(given.book(mark(setup__api=const(value=True)))).when(HoldPlaced("mara", "x"), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").decided("fired set mark")


def test_a_step_that_sets_facts_may_be_approved_first(given: Given) -> None:
    step = Step("mark", SetFacts({"setup.api": const(value=True)}), DAY_1, approval=given.approval())
    story = given(given.book(step)).when(at="2026-03-03 09:00").then("ask_approval mark mara")
    story.when(ApprovalAnswered("play/1/mark", "mara", "approve", "p1"), at="2026-03-03 10:00")
    story.decided("fired set mark", "setup.api = yes").then("settle_approval mark approved")


# --- start ------------------------------------------------------------------------------------------------------------


def test_another_play_starts_and_its_entry_is_judged(given: Given) -> None:
    rescue = given.book(given.task("call"), name="rescue", triggers=(BY_HAND,), entry=given.get("setup.api"))
    first = given.book(start("rescue"))
    story = given(first, rescue).when(at="2026-03-03 09:00").then()
    story.decided("skipped start start-rescue", "rescue not started: entry not met: setup.api unknown")
    story = given(first, rescue).when(Happened("api.connected"), at="2026-03-02 12:00").when(at="2026-03-03 09:00")
    story.then("raise_task call mara").decided("fired start start-rescue", "started rescue/1")


def test_a_playbook_that_is_gone_is_not_started(given: Given) -> None:
    given(given.book(start("rescue"))).when(at="2026-03-03 09:00").decided(
        "skipped start start-rescue", "there is no playbook rescue"
    )


def test_what_a_play_is_about_is_handed_on(given: Given) -> None:
    held, per = Trigger(event="kickoff.held"), {"per": "nps.score"}
    first = given.book(start("second", When()), name="first", trigger=held, reentry="again", **per)
    second = given.book(given.task("call"), name="second", trigger=BY_HAND, reentry="again", **per)
    story = given(first, second).when(Happened("kickoff.held", {"nps.score": 7}), at="2026-03-02 12:00")
    story.then("raise_task call mara")
    started = [item.reason for item in story.decisions if item.playbook == "second" and item.what == "play"]
    assert started[0].startswith("started about 7")


# --- stop -------------------------------------------------------------------------------------------------------------


def test_a_play_ends_by_its_own_step(given: Given) -> None:
    story = given(given.book(stop(), given.email("late", When(day=2)))).when(at="2026-03-03 09:00")
    story.decided("fired stop stop", "ends play/1").decided("cancelled play", "ended: stopped: stop of play/1")
    story.when(at="2026-03-04 09:00").then().undecided()


def test_it_may_end_as_a_success(given: Given) -> None:
    story = given(given.book(stop(goal=True))).when(at="2026-03-03 09:00")
    story.decided("cancelled play", "ended: goal reached: stop of play/1")


def test_the_plays_of_another_playbook_end_and_what_they_asked_is_withdrawn(given: Given) -> None:
    other = given.book(given.email("offer", When(), approval=given.approval()), name="other")
    story = given(given.book(stop("other", When(day=0, at="11:00"))), other).when(at="2026-03-02 11:00")
    story.then("settle_approval offer withdrawn").decided("cancelled email offer", "stopped: stop of play/1")


def test_nothing_ends_where_nothing_is_running(given: Given) -> None:
    story = given(given.book(stop("other"))).when(at="2026-03-03 09:00")
    story.decided("skipped stop stop", "no play of other is running")


def test_of_plays_about_one_thing_each_only_that_about_the_same_ends(given: Given) -> None:
    per = {"per": "nps.score", "reentry": "again", "anchor": "entry"}
    mails = given.book(given.slack("later", When(day=9)), name="mails", trigger=Trigger(event="kickoff.held"), **per)
    ends = given.book(stop("mails", When()), name="ends", trigger=Trigger(event="api.connected"), **per)
    story = given(mails, ends)
    story.when(Happened("kickoff.held", {"nps.score": 1}), at="2026-03-02 12:00")
    story.when(Happened("kickoff.held", {"nps.score": 2}), at="2026-03-02 13:00")
    story.when(Happened("api.connected", {"nps.score": 1}), at="2026-03-02 14:00").decided("fired stop stop", "mails/1")
    assert [play.key for play in story.state.plays if play.playbook == "mails"] == ["mails/2"]


# --- circles ----------------------------------------------------------------------------------------------------------


def clears(playbook: str) -> Step:
    return Step("a-clears", StopPlay(playbook), When())


def leaves() -> Step:
    return Step("z-leaves", StopPlay(), When())


def test_plays_that_start_each_other_for_ever_are_stopped_and_it_is_said(given: Given) -> None:
    ping = given.book(start("pong", When()), name="ping", trigger=Trigger(stage="new"), reentry="again")
    steps = (clears("ping"), start("ping", When()), leaves())
    pong = given.book(*steps, name="pong", triggers=(BY_HAND,), reentry="again", priority=90)
    story = given(ping, pong)
    assert sum((item.verdict, item.what) == ("fired", "start") for item in story.decisions) == CHAIN
    assert sum("circles" in item.reason for item in story.decisions) == 1


def test_facts_that_turn_each_other_back_for_ever_are_stopped(given: Given) -> None:
    api = given.get("setup.api")
    no = Expr("not setup.api", ("not", ("get", "setup.api")))
    off = given.book(
        mark("off", When(), setup__api=const(value=False)), name="off", trigger=Trigger(condition=api), reentry="again"
    )
    steps = (clears("off"), mark("on", When(), setup__api=const(value=True)), leaves())
    on = given.book(*steps, name="on", trigger=Trigger(condition=no), reentry="again", priority=90)
    story = given(off, on).when(Happened("api.connected"), at="2026-03-02 12:00")
    assert sum("circles" in item.reason for item in story.decisions) == 1
