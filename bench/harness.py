"""What every bench needs: pairs run in turn, the median of their ratios with its range, JSON lines, a table."""

import asyncio
import json
import os
import signal
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import settings as configuration
from cli.up import Stack, running

Figure = TypeVar("Figure")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two arms that ran in turn. `unit` is that of both; a ratio is the first over the second, pair by pair."""

    name: str
    unit: str
    ours: Sequence[float]
    bare: Sequence[float]
    gate: float | None = None

    @property
    def ratios(self) -> list[float]:
        return [ours / bare for ours, bare in zip(self.ours, self.bare, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def passed(self) -> bool:
        return self.gate is None or self.ratio <= self.gate

    def lines(self) -> list[str]:
        """One JSON object a pair, then one of the whole."""
        pairs = zip(self.ours, self.bare, self.ratios, strict=True)
        found = [
            {"bench": self.name, "pair": number, "ours": round(a, 3), "bare": round(b, 3), "ratio": round(r, 3)}
            for number, (a, b, r) in enumerate(pairs, 1)
        ]
        whole = {"bench": self.name, "unit": self.unit, "pairs": len(found), "ratio": round(self.ratio, 3)}
        whole |= {"min": round(min(self.ratios), 3), "max": round(max(self.ratios), 3), "gate": self.gate}
        return [json.dumps(line) for line in (*found, {**whole, "passed": self.passed})]

    def row(self) -> str:
        """One line of the table for people."""
        ours, bare = statistics.median(self.ours), statistics.median(self.bare)
        gate = "" if self.gate is None else f"  gate {self.gate:.2f}: {'passed' if self.passed else 'FAILED'}"
        spread = f"{min(self.ratios):.2f}-{max(self.ratios):.2f}"
        return f"{self.name:<28} {ours:>8.1f} {bare:>8.1f} {self.unit:<12} ratio {self.ratio:.2f} ({spread}){gate}"


async def in_turn(
    ours: Callable[[], Awaitable[Figure]],
    bare: Callable[[], Awaitable[Figure]],
    pairs: int,
    warm_up: int,
    rest: float = 0.0,
) -> tuple[list[Figure], list[Figure]]:
    """Run A B A B ..., each after `rest` seconds, in which what the other one leaves to be done ends; what is measured
    before `warm_up` pairs have passed is thrown away.
    """

    async def rested(arm: Callable[[], Awaitable[Figure]]) -> Figure:
        await asyncio.sleep(rest)
        return await arm()

    measured = [(await rested(ours), await rested(bare)) for _ in range(warm_up + pairs)][warm_up:]
    return [a for a, _ in measured], [b for _, b in measured]


@asynccontextmanager
async def stack() -> AsyncIterator[tuple[Stack, Path]]:
    """The embedded mode on a fresh folder: dev server on a file, worker, gateway, each a process. All end with the
    block, also when SIGTERM ends it.
    """
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="stageplay-bench-") as folder:
        os.environ[configuration.name_of("var_dir")] = folder
        async with running(configuration.with_secrets(), lambda _: None) as found:
            yield found, Path(folder)


async def until(reached: Callable[[], bool], what: str, seconds: float = 60, every: float = 0.002) -> None:
    """Look until something that another process does is there.

    Raises:
        TimeoutError: it did not come.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while not reached():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
        await asyncio.sleep(every)
