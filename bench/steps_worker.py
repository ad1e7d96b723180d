"""The worker of `steps`: both arms, with effects that are equally cheap, an add to a set in memory.

It writes one byte to its output per effect, so that whoever measures sees how far it is. `python -m bench.steps_worker
ADDRESS`.
"""

import asyncio
import os
import sys
from datetime import UTC, date, datetime
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from bench.hand_written import ONBOARD_14, HandWritten, StepInput
from lifecycle.actions import Slack, When
from lifecycle.courtesy import Politeness
from lifecycle.jsonform import encode
from lifecycle.messages import SignedUp
from lifecycle.model import Clock, Contact, Profile, Teammate
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release, StageSpec, Step, Trigger, digest_of
from workflows import interface, releases
from workflows.interface import Batch, BatchResult, Delivery, Start
from workflows.registry import RUNNER, WORKFLOWS

TASK_QUEUE = "bench-steps"
READY = "steps worker ready"
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def shelf() -> tuple[dict[str, Release], str]:
    """ONBOARD-14 as releases by digest, and the digest of their catalogue."""
    life = Lifecycle(
        *("still", "Nothing moves by itself", (StageSpec("new", "csm", 0),), "still.yaml"),
        politeness=Politeness(per_day=50, per_week=50, spread_minutes=0),
        managers=("cs_manager",),
    )
    steps = tuple(
        Step(f"step-{number}", Slack(("csm",), "note"), When(day=day, catch_up=True) if day else When())
        for number, day in enumerate(ONBOARD_14)
    )
    trigger = Trigger(event="customer.signed_up")
    book = Playbook("onboard-14", "Reference", "csm", (trigger,), steps, "onboard-14.yaml", anchor="signup")
    manifest = Manifest(digest_of(life), {book.name: digest_of(book)})
    every: tuple[Release, ...] = (life, book, manifest)
    return {digest_of(release): release for release in every}, digest_of(manifest)


def start_of(customer: str, catalogue: str, day: float, at: datetime) -> Start:
    """The product's workflow for the same work. `day`: seconds that a day lasts; `at`: real time."""
    mara = Teammate("mara", "Europe/Berlin")
    profile = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro")
    signup = SignedUp(profile, (Contact("con_1", ("champion",)),), {"csm": mara, "cs_manager": mara})
    first = Delivery(seq=1, event=encode(signup))
    clock = encode(Clock(at, MONDAY, 86_400 / day))
    return Start(
        customer=customer,
        catalogue=catalogue,
        clock=clock,
        spread=False,
        state={},
        first=[first],
        outgoing=[],
        log="",
    )


class Effects:
    """Does what both arms ask for, once a key."""

    def __init__(self) -> None:
        self._done: set[str] = set()

    def _do(self, key: str) -> None:
        if key not in self._done:
            self._done.add(key)
            os.write(sys.stdout.fileno(), b".")

    @activity.defn
    async def step(self, told: StepInput) -> None:
        self._do(told["key"])

    @activity.defn(name=interface.PERFORM)
    async def perform(self, batch: Batch) -> BatchResult:
        for command in batch["commands"]:
            self._do(command["touch"])
        return BatchResult(effects=[])


async def work(address: str) -> None:
    """Work until the process is ended."""
    client = await Client.connect(address)
    found, _ = shelf()
    releases.use(found.__getitem__)
    effects, workflows = Effects(), [*WORKFLOWS, HandWritten]
    settings: dict[str, Any] = {"workflows": workflows, "activities": [effects.step, effects.perform]}
    async with Worker(client, task_queue=TASK_QUEUE, workflow_runner=RUNNER, **settings):
        print(READY, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
