"""A customer on hold hears nothing; the team goes on working, and waiting costs nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from authoring.scenario import Scenario
from lifecycle.messages import HoldPlaced, SendsReleased
from store import customers, ledger

pytestmark = pytest.mark.anyio


async def test_on_hold_the_team_gets_its_work_in_time_and_the_customer_gets_everything_when_it_is_lifted(
    scenario_of: Callable[[str], Scenario], travel: Any
) -> None:
    scenario = scenario_of("onboarding-hold")
    async with travel(scenario.catalogue) as rig:
        await rig.sign_up(scenario.signup, scenario.start)
        for at, event in scenario.events[:5]:
            await rig.tell(event, at)
        await rig.reach(scenario.start + timedelta(days=5))
        entries, batches = rig.entries(), rig.batches()
    found = {(entry.touch.split("/")[3], entry.touch.split("/")[-1]): f"{entry.at:%d %H:%M}" for entry in entries}
    assert found["setup-tasks", "implementation_specialist"] == "05 08:00"
    assert found["kickoff-check", "csm"] == "05 16:00"
    assert found["setup-guide", rig.contacts["champion"]] == "06 11:00"
    assert found["training", rig.contacts["champion"]] == "06 11:00"
    assert batches < 15


async def test_what_a_hold_on_everything_kept_back_goes_at_the_instant_it_is_released(
    scenario_of: Callable[[str], Scenario], travel: Any
) -> None:
    scenario = scenario_of("onboarding-happy-path")
    day = scenario.start.replace(hour=0)
    async with travel(scenario.catalogue) as rig:
        await rig.sign_up(scenario.signup, scenario.start)
        with rig.db.begin() as c:
            customers.place_hold(c, customers.EVERYTHING, "csm", "wrong price")
        await rig.reach(day + timedelta(days=1, hours=10, minutes=20))
        before = [entry.touch for entry in rig.entries()]
        with rig.db.begin() as c:
            customers.lift_hold(c, customers.EVERYTHING)
            told = ledger.held_back(c, rig.clock.real_origin, after="", limit=9)
        released = day + timedelta(days=1, hours=10, minutes=37)
        await rig.tell(SendsReleased("cs_manager"), released)
        await rig.reach(released + timedelta(minutes=1))
        entries = rig.entries()
    assert (before, told) == ([], [rig.customer])
    welcome = next(entry for entry in entries if entry.touch.split("/")[3] == "welcome")
    assert f"{welcome.at:%d %H:%M}" == f"{released:%d %H:%M}"


async def test_an_answer_that_sends_nothing_is_on_record_a_day_later(
    scenario_of: Callable[[str], Scenario], travel: Any
) -> None:
    scenario = scenario_of("onboarding-happy-path")
    async with travel(scenario.catalogue) as rig:
        await rig.sign_up(scenario.signup, scenario.start)
        later = scenario.start + timedelta(days=30)
        await rig.tell(HoldPlaced("csm", "an incident"), later)
        await rig.reach(later + timedelta(days=2))
        decided = rig.decided(later + timedelta(days=2))
    assert [item["reason"] for item in decided if item["kind"] == "hold"] == ["placed by csm: an incident"]
