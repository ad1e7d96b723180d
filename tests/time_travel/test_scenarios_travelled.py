"""Every shipped scenario decides the same in the real workflow, on real parts, as on the virtual clock."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authoring.compile import Compiled
from authoring.scenario import Scenario, resolve, told

pytestmark = pytest.mark.anyio

FLUSHED = timedelta(days=2)
"""After the end, so that the last decisions are stored too."""
ORDINARY = {
    "onboarding-happy-path",
    "onboarding-kickoff-expires",
    "onboarding-clock-change-berlin",
    "onboarding-holiday-germany",
    "onboarding-churn-withdraws-the-training",
    "onboarding-without-champion",
}
"""Approvals, expiry, a clock change, a holiday, churn, nobody to write to; the others run nightly."""
EVERY = sorted(path.stem for path in (Path(__file__).parents[2] / "playbooks/scenarios").rglob("*.yaml"))
SCENARIOS = [pytest.param(name, marks=[] if name in ORDINARY else [pytest.mark.nightly]) for name in EVERY]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_workflow_decides_what_the_simulator_decides(
    name: str, scenario_of: Callable[[str], Scenario], compiled: Compiled, travel: Any
) -> None:
    found = scenario_of(name)
    library = found.library(compiled)
    scenario = resolve(found, library)
    async with travel(scenario.catalogue) as rig:
        await rig.sign_up(scenario.signup, scenario.start)
        for at, event in told(scenario, library):
            await rig.tell(event, at)
        await rig.reach(scenario.until + FLUSHED)
        simulation = await rig.simulation(scenario.until)
        simulated = rig.simulated(simulation)
        assert len(simulated) > len(scenario.expect)
        assert rig.decided(scenario.until) == simulated
        assert rig.replies == [{"result": one.reply.result, "text": one.reply.text} for one in simulation.replies]


def test_the_scenarios_of_the_ordinary_run_exist() -> None:
    assert set(EVERY) >= ORDINARY
