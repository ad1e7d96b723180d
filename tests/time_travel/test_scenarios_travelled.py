"""Every shipped scenario decides the same in the real workflow, on real parts, as on the virtual clock."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authoring import scenario
from authoring.compile import Compiled

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parents[1] / "scenarios"
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
SCENARIOS = [
    pytest.param(path, id=path.stem, marks=[] if path.stem in ORDINARY else [pytest.mark.nightly])
    for path in sorted(FOLDER.glob("*.yaml"))
]


@pytest.mark.parametrize("path", SCENARIOS)
async def test_the_workflow_decides_what_the_simulator_decides(path: Path, compiled: Compiled, travel: Any) -> None:
    read, _ = scenario.load(path.read_text(encoding="utf-8"), path.name, compiled)
    assert read
    async with travel(read.catalogue) as rig:
        await rig.sign_up(read.signup, read.start)
        for at, event in read.events:
            await rig.tell(event, at)
        await rig.reach(read.until + FLUSHED)
        simulated = rig.simulated(read.until)
        assert simulated
        assert rig.decided(read.until) == simulated
        assert rig.replies == [
            {"result": one.reply.result, "text": one.reply.text} for one in rig.simulation(read.until).replies
        ]


def test_the_scenarios_of_the_ordinary_run_exist() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} >= ORDINARY
