"""What piles up while nothing can be carried out: more commands than a run may grow by."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from lifecycle.actions import Slack, When
from lifecycle.playbook import Lifecycle, Playbook, Step, Trigger
from workflows import interface

pytestmark = pytest.mark.anyio


async def test_a_backlog_larger_than_a_run_is_worked_off_over_several_runs(local: Any, life: Lifecycle) -> None:
    steps = tuple(Step(f"a-step-of-a-long-backlog-{n}", Slack(("csm",), "note"), When()) for n in range(120))
    book = Playbook("backlog", "", "csm", (Trigger(event="customer.signed_up"),), steps, "backlog.yaml")
    async with local((book,), life) as rig, rig.worker():
        handle = await rig.sign_up()
        async with asyncio.timeout(60):
            while len(rig.world.touches) < 120:  # noqa: ASYNC110 - the worker is what it waits for
                await asyncio.sleep(0.05)
        plays = (await handle.query(interface.OVERVIEW))["plays"]
    assert set(Counter(rig.world.touches).values()) == {1}
    assert len(rig.world.touches) == 120
    assert plays == []
