"""The bare arm of `latency`: the least that Temporal and SQLite can do between a signal-with-start and a row.

One workflow, one activity, one transaction, with the pragmas of `store.database`. Run as a process of its own, like the
product's worker: `python -m bench.bare ADDRESS FILE`.
"""

import asyncio
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

TASK_QUEUE = "bench-bare"
READY = "bare worker ready"


def open_file(path: Path) -> sqlite3.Connection:
    """A connection as `store.database` sets one up for a durable write."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


class Rows:
    """Writes the row."""

    def __init__(self, path: Path) -> None:
        self._connection = open_file(path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS effects (id TEXT PRIMARY KEY)").close()

    @activity.defn
    async def write(self, row: str) -> None:
        await asyncio.to_thread(self._write, row)

    def _write(self, row: str) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO effects VALUES (?)", (row,))
        self._connection.execute("COMMIT")


@workflow.defn
class Bare:
    """Started with a signal, writes one row, ends."""

    @workflow.run
    async def run(self, row: str) -> None:
        await workflow.execute_activity("write", row, start_to_close_timeout=timedelta(minutes=1))

    @workflow.signal
    def event(self, said: str) -> None:
        """What it is started with; says nothing that matters."""


async def work(address: str, path: Path) -> None:
    """Work until the process is ended."""
    client = await Client.connect(address)
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[Bare], activities=[Rows(path).write]):
        print(READY, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))
