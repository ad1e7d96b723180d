"""The same customers for a year on Temporal's time-skipping server and in the simulator: how many times faster the
simulator is, and that both decide the same.

On the server everything is real but time and the providers: the workflow in its sandbox, the activities, the store. The
simulator is told what the workflow was told, at the instants at which it took it. Both arms run in turn in one process
beside the server's; ours `REPEATS` times after one that warms up. The ratio is that of the clock on the wall; that of
processor time stands beside it, because a busy machine hardly moves it.
"""

import asyncio
import gc
import json
import logging
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import psutil
import structlog
from temporalio.testing import WorkflowEnvironment

from authoring.compile import compile_folder
from authoring.simulate import Library, Simulation, simulate
from bench.simulator import HERE, YEAR, catalogue, life
from cli import travel, travelled
from store.database import open_database

CUSTOMERS = 3
REPEATS = 10
WANTED = 1000


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on the wall, and of processors: of this process and those that it started."""

    wall: float
    cpu: float

    @classmethod
    def by_now(cls) -> "Spent":
        """Since some instant."""
        children = (child.cpu_times() for child in psutil.Process().children())
        return cls(perf_counter(), process_time() + sum(times.user + times.system for times in children))

    def until(self, end: "Spent") -> "Spent":
        return Spent(end.wall - self.wall, end.cpu - self.cpu)


@dataclass(frozen=True, slots=True)
class Lived:
    """One customer's year on the server and in the simulator. `decisions`: how many. `differences`: what only one of
    them decided.
    """

    server: Spent
    ours: Spent
    decisions: int
    differences: list[str]

    @property
    def ratio(self) -> float:
        return self.server.wall / self.ours.wall

    @property
    def ratio_of_cpu(self) -> float:
        return self.server.cpu / self.ours.cpu

    def line(self) -> dict[str, Any]:
        wall = {"server": round(self.server.wall, 3), "ours": round(self.ours.wall, 5), "ratio": round(self.ratio, 1)}
        cpu = {"server_cpu": round(self.server.cpu, 3), "ours_cpu": round(self.ours.cpu, 5)}
        found = {"ratio_cpu": round(self.ratio_of_cpu, 1), "decisions": self.decisions}
        return {"unit": "s", **wall, **cpu, **found, "differences": self.differences}


async def _lived(env: WorkflowEnvironment, library: Library, digest: str, database: Path, number: int) -> Lived:
    signup, start, events = life(number)
    until = start + YEAR
    async with travel.working(env, library, digest, database) as db:
        one = travel.Traveller(env, db, library, digest)
        begun = Spent.by_now()
        await one.sign_up(signup, start)
        for at, event in sorted(events, key=lambda item: item[0]):
            await one.tell(event, at)
        await one.reach(until + travel.FLUSHED)
        server = begun.until(Spent.by_now())
        began, told = await one.taken()

        def play() -> Simulation:
            return simulate(library, digest, one.signup, began, told, until, one.customer)

        gc.collect()
        gc.freeze()  # as the processes do that play portfolios
        simulation, begun = play(), Spent.by_now()
        for _ in range(REPEATS):
            play()
        whole = begun.until(Spent.by_now())
        decided = one.decided(until)
        found = travelled.differences(decided, one.simulated(simulation))
        await one.handle.terminate("the year is over")
    return Lived(server, Spent(whole.wall / REPEATS, whole.cpu / REPEATS), len(decided), found)


async def _all(library: Library, digest: str) -> list[Lived]:
    """Each customer with a store of its own, on one server."""
    with TemporaryDirectory(prefix="stageplay-bench-") as folder:
        template = Path(folder) / "empty.db"
        empty = open_database(f"sqlite:///{template}")
        empty.migrate()
        empty.close()
        async with travel.time_skipping() as env:
            found = []
            for number in range(CUSTOMERS):
                database = Path(folder) / f"{number}.db"
                shutil.copy(template, database)
                found.append(await _lived(env, library, digest, database, number))
            return found


def main() -> int:
    """Print one JSON line a customer, one of the whole, and one for people; 1 when the two arms decide differently."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    library, digest = catalogue(compile_folder(HERE / "playbooks", HERE / "templates"), ("onboarding-14-day",))
    found = asyncio.run(_all(library, digest))
    for number, one in enumerate(found, 1):
        print(json.dumps({"bench": "time-travel", "customer": number, **one.line()}))
    same, ratio = not any(one.differences for one in found), statistics.median(one.ratio for one in found)
    ratios, cpu = [round(one.ratio, 1) for one in found], statistics.median(one.ratio_of_cpu for one in found)
    whole = {"bench": "time-travel", "ratio": round(ratio, 1), "min": min(ratios), "max": max(ratios)}
    print(json.dumps({**whole, "ratio_cpu": round(cpu, 1), "wanted": WANTED, "passed": same}))
    slow, fast = (len(found) / sum(getattr(one, arm).wall for one in found) for arm in ("server", "ours"))
    said = "the same decisions" if same else "DIFFERENT DECISIONS"
    rates = f"{fast:>8.1f} customer-years a second, {slow:.2f} on the server"
    print(f"{'time-travel':<28} {rates}: {ratio:.0f} times ({cpu:.0f} of processor time), {said}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
