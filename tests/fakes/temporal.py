"""Temporal's own servers for tests: where they are, how they start, what both must know first."""

import contextlib
import shutil
import sys
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from cli.travel import SERVER, register_attributes, started

__all__ = ["binary", "local", "register_attributes", "time_skipping"]


def binary(name: str) -> str:
    """A server that the environment brings, beside the interpreter."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is not installed"
    return found


async def time_skipping() -> WorkflowEnvironment:
    """The time-skipping server; started again when its port was taken, or the machine too busy, the first time."""
    return await started(binary(SERVER))


async def local() -> WorkflowEnvironment:
    """The real dev server, in memory; started again when the machine was too busy for the SDK's five seconds."""
    path = binary("temporal")
    for _ in range(2):
        with contextlib.suppress(RuntimeError):
            return await WorkflowEnvironment.start_local(dev_server_existing_path=path)
    return await WorkflowEnvironment.start_local(dev_server_existing_path=path)
