"""The same customers for a year on Temporal's time-skipping server and in the simulator: how many times faster the
simulator is, and that both decide the same.

On the server everything is real but time and the providers: the workflow in its sandbox, the activities, the store. The
simulator is told what the workflow was told, at the instants at which it took it. Both arms are measured by the clock
on the wall, in turn, in one process beside the server's; ours by the median of `REPEATS` plays.
"""

import asyncio
import json
import logging
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import structlog
from temporalio.testing import WorkflowEnvironment

from authoring.compile import compile_folder
from authoring.simulate import Library, Simulation, simulate
from bench.simulator import HERE, YEAR, catalogue, life
from cli import travel, travelled
from store.database import open_database

CUSTOMERS = 3
REPEATS = 5
WANTED = 1000


@dataclass(frozen=True, slots=True)
class Lived:
    """One customer's year. `server`, `ours`: seconds. `decisions`: how many. `differences`: what only one decided."""

    server: float
    ours: float
    decisions: int
    differences: list[str]

    @property
    def ratio(self) -> float:
        return self.server / self.ours

    def line(self) -> dict[str, Any]:
        figures = {"server": round(self.server, 3), "ours": round(self.ours, 5), "ratio": round(self.ratio, 1)}
        return {"unit": "s", **figures, "decisions": self.decisions, "differences": self.differences}


async def _lived(env: WorkflowEnvironment, library: Library, digest: str, database: Path, number: int) -> Lived:
    signup, start, events = life(number)
    until = start + YEAR
    async with travel.working(env, library, digest, database) as db:
        one = travel.Traveller(env, db, library, digest)
        begun = perf_counter()
        await one.sign_up(signup, start)
        for at, event in sorted(events, key=lambda item: item[0]):
            await one.tell(event, at)
        await one.reach(until + travel.FLUSHED)
        server = perf_counter() - begun
        began, told = await one.taken()
        times = []

        def play() -> Simulation:
            before = perf_counter()
            played = simulate(library, digest, one.signup, began, told, until, one.customer)
            times.append(perf_counter() - before)
            return played

        simulation = [play() for _ in range(REPEATS)][-1]
        decided = one.decided(until)
        found = travelled.differences(decided, one.simulated(simulation))
        await one.handle.terminate("the year is over")
    return Lived(server, statistics.median(times), len(decided), found)


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
    ratios = [round(one.ratio, 1) for one in found]
    whole = {"bench": "time-travel", "ratio": round(ratio, 1), "min": min(ratios), "max": max(ratios)}
    print(json.dumps({**whole, "wanted": WANTED, "passed": same}))
    slow, fast = (len(found) / sum(getattr(one, arm) for one in found) for arm in ("server", "ours"))
    said = "the same decisions" if same else "DIFFERENT DECISIONS"
    print(
        f"{'time-travel':<28} {fast:>8.1f} customer-years a second, {slow:.2f} on the server: {ratio:.0f} times, {said}"
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
