"""What a step costs in CPU: the product's interpreter beside ONBOARD-14 written by hand, on one server and one worker.

CPU comes from the system's accounting of each process, so it says the same on a busy machine as on an idle one. Both
arms wait on real timers; a day lasts `DAY` seconds.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from bench import steps_worker
from bench.hand_written import ONBOARD_14
from bench.harness import Pairs, in_turn, stack, until
from cli.processes import Child, Program
from store.database import now
from workflows import interface

PAIRS = 5
WARM_UP = 1
CUSTOMERS = 10
DAY = 0.5
CLEAR_UP = 1.0
"""Seconds after the last effect in which what follows it is counted too: closing, or the next run."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds per step."""

    worker: float
    total: float


class Arms:
    """Runs one arm for a number of customers and says what it cost."""

    def __init__(self, client: Client, server: Child, worker: Child) -> None:
        self._client = client
        self._log: Path = worker.program.log
        self._processes = [psutil.Process(pid) for pid in (worker.process.pid, server.process.pid, os.getpid())]
        self._catalogue = steps_worker.shelf()[1]

    async def ours(self) -> Cost:
        names = [f"cus_{secrets.token_hex(6)}" for _ in range(CUSTOMERS)]
        cost = await self._cost(lambda: self._all(names, self._start))
        for name in names:  # it lives as long as its customer
            await self._client.get_workflow_handle(interface.workflow_id(name)).terminate()
        return cost

    async def by_hand(self) -> Cost:
        names = [f"hand_{secrets.token_hex(6)}" for _ in range(CUSTOMERS)]
        return await self._cost(lambda: self._all(names, self._start_by_hand))

    async def _all(self, names: list[str], start: Callable[[str], Awaitable[None]]) -> None:
        before, wanted = self._log.stat().st_size, len(names) * len(ONBOARD_14)
        for name in names:
            await start(name)
        await until(lambda: self._log.stat().st_size - before >= wanted, "the last effect", 120, every=0.05)
        await asyncio.sleep(CLEAR_UP)

    async def _cost(self, run: Callable[[], Awaitable[None]]) -> Cost:
        before = [_cpu(process) for process in self._processes]
        await run()
        spent = [_cpu(process) - was for process, was in zip(self._processes, before, strict=True)]
        done = CUSTOMERS * len(ONBOARD_14)
        return Cost(spent[0] * 1000 / done, sum(spent) * 1000 / done)

    async def _start(self, name: str) -> None:
        values = ("new", "unknown", "pro", self._catalogue)
        pairs = [
            SearchAttributePair(SearchAttributeKey.for_keyword(key), value)
            for key, value in zip(interface.ATTRIBUTES, values, strict=True)
        ]
        await self._client.start_workflow(
            interface.WORKFLOW,
            steps_worker.start_of(name, self._catalogue, DAY, now()),
            id=interface.workflow_id(name),
            task_queue=steps_worker.TASK_QUEUE,
            search_attributes=TypedSearchAttributes(pairs),
        )

    async def _start_by_hand(self, name: str) -> None:
        queue = steps_worker.TASK_QUEUE
        await self._client.start_workflow("HandWritten", args=[name, DAY], id=f"hand/{name}", task_queue=queue)


def _cpu(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


async def measure(pairs: int = PAIRS) -> list[Pairs]:
    """Worker CPU and total CPU (worker, server, client), in milliseconds a step."""
    async with stack() as (running, folder):
        argv = [sys.executable, "-m", "bench.steps_worker", running.client.service_client.config.target_host]
        env = running.crew.children[1].program.env
        ready = steps_worker.READY.encode()
        await running.crew.start(Program("steps", argv, env, folder / "log/steps.log", lambda log: ready in log))
        arms = Arms(running.client, running.crew.children[0], running.crew.children[-1])
        ours, hand = await in_turn(arms.ours, arms.by_hand, pairs, WARM_UP)
    return [
        Pairs("worker CPU per step", "ms", [one.worker for one in ours], [one.worker for one in hand]),
        Pairs("total CPU per step", "ms", [one.total for one in ours], [one.total for one in hand]),
    ]


def main() -> int:
    """Print JSON lines and a table."""
    found = asyncio.run(measure())
    for pairs in found:
        print(*pairs.lines(), sep="\n")
    print(*(pairs.row() for pairs in found), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
