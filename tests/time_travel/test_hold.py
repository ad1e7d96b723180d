"""A customer on hold hears nothing; the team goes on working, and waiting costs nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from authoring.scenario import Scenario
from lifecycle.messages import HoldPlaced

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
