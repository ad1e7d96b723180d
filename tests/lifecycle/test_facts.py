"""What counts as news about a fact, and which values it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import When
from lifecycle.facts import news, problem, worth_telling
from lifecycle.messages import FactsReported, Happened
from lifecycle.playbook import Derived, EventSpec, FactSpec, Trigger

if TYPE_CHECKING:
    from lifecycle.model import Value
    from tests.lifecycle.conftest import Given

SHARE = FactSpec("number", low=0, high=1, resolution=0.05)
PLAN = FactSpec("text", choices=("pro", "team"))


@pytest.mark.parametrize(
    ("last", "new", "spec", "told"),
    [
        pytest.param(None, 0.5, SHARE, True, id="the-first-value"),
        pytest.param(0.5, 0.52, SHARE, False, id="within-the-resolution"),
        pytest.param(0.5, 0.56, SHARE, True, id="beyond-it"),
        pytest.param(0.5, None, SHARE, True, id="no-longer-known"),
        pytest.param(0.5, 0.51, FactSpec("number"), True, id="every-change-without-a-resolution"),
        pytest.param("pro", "pro", PLAN, False, id="the-same-text"),
        pytest.param(True, False, FactSpec("boolean", resolution=5), True, id="a-boolean-has-no-resolution"),
    ],
)
def test_what_is_worth_telling(last: Value, new: Value, spec: FactSpec, told: bool) -> None:
    assert worth_telling(last, new, spec) is told


@pytest.mark.parametrize(
    ("new", "spec", "says"),
    [
        pytest.param(0.5, SHARE, "", id="fits"),
        pytest.param(1.5, SHARE, "x is at most 1, not 1.5", id="too-high"),
        pytest.param(-1, SHARE, "x is at least 0, not -1", id="too-low"),
        pytest.param("half", SHARE, "x is a number, not 'half'", id="a-text"),
        pytest.param(True, SHARE, "x is a number, not True", id="a-boolean"),
        pytest.param(float("nan"), FactSpec("number"), "x is a number, not nan", id="not-a-number"),
        pytest.param(float("-inf"), FactSpec("number"), "x is a number, not -inf", id="without-end"),
        pytest.param(7, FactSpec("number"), "", id="no-range"),
        pytest.param(10**400, FactSpec("number"), "x is a number of at most 15 digits", id="hundreds-of-digits"),
        pytest.param("pro", PLAN, "", id="one-of-the-choices"),
        pytest.param("solo", PLAN, "x is one of pro, team, not 'solo'", id="none-of-the-choices"),
        pytest.param(1, FactSpec("boolean"), "x is a boolean, not 1", id="an-int-for-a-boolean"),
        pytest.param("2026-03-02", FactSpec("date"), "", id="a-date"),
    ],
)
def test_why_a_value_cannot_be_a_fact(new: Value, spec: FactSpec, says: str) -> None:
    assert problem("x", new, spec) == says


def test_conditions_see_the_customer_the_facts_and_the_milestones(given: Given) -> None:
    names = {
        "customer.stage": True,
        "customer.band": False,
        "customer.tier": True,
        "customer.segment": False,
        "customer.arr": False,
        "customer.name": False,
        "milestones.technical_setup": False,
        "milestones.roi": False,
        "milestones.gone": False,
        "health.score": False,
    }
    steps = (given.slack(name.replace(".", "-").replace("_", "-"), condition=given.get(name)) for name in names)
    story = given(given.book(*steps))
    assert {item.step for item in story.decisions if item.verdict == "fired" and item.what == "slack"} == {
        "customer-stage",
        "customer-tier",
    }
    known = given(given.book(given.slack("tell", When(day=1), condition=given.compare("customer.band", "==", "green"))))
    known.when(FactsReported({"health.score": 90}), at="2026-03-02 12:00")
    known.when(at="2026-03-03 09:00").then("post_slack tell mara")


def test_of_a_report_only_the_catalogues_facts_that_moved_are_news() -> None:
    specs = {"usage.share": SHARE, "plan": PLAN}
    told: dict[str, Value] = {"usage.share": 0.5, "plan": "pro"}
    report: dict[str, Value] = {"usage.share": 0.52, "plan": "team", "unheard.of": 1}
    assert news(told, report, specs) == {"plan": "team"}


def test_a_report_without_a_value_makes_a_fact_unknown(given: Given) -> None:
    """What is derived from too little is not known any more."""
    step = given.slack("sunny", When(day=2), condition=given.compare("usage.share", ">", 0.1))
    story = given(given.book(step)).when(FactsReported({"usage.share": 0.5}), at="2026-03-02 11:00")
    assert story.state.facts["usage.share"].value == 0.5
    story.when(FactsReported({"usage.share": None}), at="2026-03-02 12:00")
    assert "usage.share" not in story.state.facts
    story.when(at="2026-03-04 09:00").then().decided("skipped slack sunny", "usage.share unknown")


def test_what_is_derived_is_about_the_customer_and_not_about_one_ticket(given: Given) -> None:
    facts = {
        "ticket.id": FactSpec("text"),
        "tickets.week": FactSpec("number", derived=Derived("ticket.opened", "count", 7)),
    }
    life = given.life(facts=facts, events={"ticket.opened": EventSpec()})
    told = given.slack("many", When(day=1), condition=given.compare("tickets.week", ">", 1))
    trigger = Trigger(event="ticket.opened", where=given.compare("tickets.week", ">", 0))
    book = given.book(told, trigger=trigger, per="ticket.id", anchor="entry", reentry="again")
    story = given(book, life=life)
    story.when(Happened("ticket.opened", {"ticket.id": "T-1", "tickets.week": 1}), at="2026-03-03 09:00")
    assert story.state.plays[0].about == {"ticket.id": "T-1"}
    story.when(Happened("ticket.opened", {"ticket.id": "T-2", "tickets.week": 2}), at="2026-03-03 10:00")
    story.when(at="2026-03-04 09:00").then("post_slack many mara", "post_slack many mara")
