"""`up` decides every open run again before it starts anything, and refuses when today's code decides otherwise."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import workflow
from temporalio.worker import Worker

from cli.connection import connect
from workflows.interface import TASK_QUEUE, WORKFLOW

Start = Callable[..., Any]


@workflow.defn(name=WORKFLOW, sandboxed=False)
class OtherVersion:
    """What an earlier version may have been: it begins with a timer, whatever its input."""

    @workflow.run
    async def run(self, _start: dict[str, Any]) -> None:
        await asyncio.sleep(timedelta(days=1).total_seconds())


async def record_a_run(port: int) -> None:
    """Let the other version run until its timer is in the history."""
    client = await connect({"target_host": f"127.0.0.1:{port}"})
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[OtherVersion]):
        handle = await client.start_workflow(OtherVersion.run, {}, id="customer/cus_0", task_queue=TASK_QUEUE)
        async with asyncio.timeout(30):
            while len((await handle.fetch_history()).events) < 5:  # noqa: ASYNC110 - the server is another process
                await asyncio.sleep(0.05)


def tables(var: Path) -> list[tuple[str]]:
    database = sqlite3.connect(var / "stageplay.db")
    try:
        return database.execute("SELECT name FROM sqlite_master").fetchall()
    finally:
        database.close()


def test_up_refuses_open_runs_of_a_version_that_decides_otherwise(start: Start, var: Path, unused_port: int) -> None:
    binary = str(Path(sys.executable).with_name("temporal"))
    argv = [binary, "server", "start-dev", "--headless", "--log-level", "error", "--port", str(unused_port)]
    with subprocess.Popen([*argv, "--db-filename", str(var / "temporal.db")]) as server:
        asyncio.run(record_a_run(unused_port))
        server.terminate()
    command = start("up", STAGEPLAY_VAR_DIR=str(var))

    assert command.end() == 3
    said = "\n".join(command.said)
    assert "1 open runs do not replay with this version of Stageplay\n  | customer/cus_0: " in said
    assert "set the folder aside (STAGEPLAY_VAR_DIR)" in command.said[-1]
    assert "database and playbooks in it were not changed" in command.said[-1]
    assert tables(var) == []
    assert not (var / "processes.json").exists()
    assert not (var / "log" / "worker.log").exists()
