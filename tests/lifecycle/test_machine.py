"""The statecharts and the table derived from them say the same; the chart on paper is the chart in the code.

`docs/statechart.md` is written from the charts. After a change: `STAGEPLAY_WRITE_STATECHART=1 pytest
tests/lifecycle/test_machine.py`, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest
from statemachine import State, StateChart
from statemachine.exceptions import TransitionNotAllowed

from lifecycle import machine
from lifecycle.charts import CHARTS
from lifecycle.machine import TABLE, move

PAGE = Path(__file__).parents[2] / "docs" / "statechart.md"
TITLES = {
    "journey": "Where a customer stands, one a customer",
    "renewal": "Where a renewal stands, one a contract",
    "health": "The colour of the health score, one a customer",
}
HEAD = """# Statecharts

Written from `lifecycle/charts.py` by `tests/lifecycle/test_machine.py`; do not edit. Three regions, independent of
each other; what crosses them is a rule in `lifecycle/journey.py`. Whether a criterion is met, a window is over or a
day has come is asked before the event is sent: the charts have no guards.
"""


def everywhere() -> list[Any]:
    return [
        pytest.param(region, state.id, event.id, id=f"{region}-{state.id}-{event.id}")
        for region, chart in CHARTS.items()
        for state in chart.states
        for event in cast("Any", chart).events
    ]


@pytest.mark.parametrize(("region", "state", "event"), everywhere())
def test_chart_and_table_agree(region: str, state: str, event: str) -> None:
    chart = CHARTS[region](start_value=state)
    try:
        chart.send(event)
    except TransitionNotAllowed:
        assert move(region, state, event) is None
    else:
        (reached,) = chart.configuration
        assert move(region, state, event) == reached.id


def test_the_table_holds_nothing_that_no_chart_has() -> None:
    known = {(region, state.id) for region, chart in CHARTS.items() for state in chart.states}
    assert {(region, state) for region, state, _ in TABLE} <= known
    assert {(region, target) for (region, _, _), target in TABLE.items()} <= known


def test_an_event_that_no_chart_knows_leads_nowhere() -> None:
    assert move("journey", "new", "fly") is None
    assert move("journey", "nowhere", "churn") is None
    assert move("nothing", "new", "churn") is None


def test_every_stage_can_be_reached_and_left() -> None:
    moves = {(state, target) for (region, state, _), target in TABLE.items() if region == "journey"}
    assert {state for state, _ in moves} == {target for _, target in moves} == set(machine.STAGES)


def test_every_stage_the_design_names_is_there() -> None:
    assert machine.STAGES == ("new", "onboarding", "adoption", "value", "expansion", "advocacy", "churned", "win_back")
    assert machine.PHASES == ("idle", "assessment", "ebr", "proposal", "negotiation", "close", "complete")
    assert machine.BANDS == ("unknown", "green", "yellow", "red", "critical")


def test_a_person_can_move_a_customer_between_any_two_stages_of_the_journey() -> None:
    for start in machine.STAGES:
        for end in machine.STAGES[:7]:
            assert move("journey", start, f"set_to_{end}") == (None if start == end else end)


def test_a_stage_that_a_journey_does_not_have_is_passed_by() -> None:
    short = ("onboarding", "expansion")
    assert machine.onward("new", "window_ended", short) == "onboarding"
    assert machine.onward("onboarding", "criterion_met", short) == "expansion"
    assert machine.onward("adoption", "criterion_met", short) == "expansion"
    assert machine.onward("expansion", "criterion_met", short) is None
    assert machine.onward("churned", "criterion_met", short) is None


def test_a_chart_that_would_need_a_guard_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Twofold(StateChart[Any]):
        a = State(initial=True)
        b = State()
        c = State()
        go = a.to(b, cond="first") | a.to(c)
        back = b.to(a) | c.to(a)
        first = False

    monkeypatch.setattr(machine, "CHARTS", {"twofold": Twofold})
    with pytest.raises(TypeError, match="the chart of twofold has two moves for a and go"):
        machine._derive()


def test_the_page_shows_the_charts_as_they_are() -> None:
    parts = [HEAD]
    for region, chart in CHARTS.items():
        drawn: Any = chart
        parts.append(f"\n## {region}: {TITLES[region]}\n\n```mermaid\n{drawn:mermaid}\n```\n\n{drawn:md}\n")
    page = "\n".join(line.rstrip() for line in "".join(parts).split("\n"))
    if os.environ.get("STAGEPLAY_WRITE_STATECHART"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "the charts changed: write the page again, as this file's head says"
