"""Temporal's own servers for tests: where they are, how the time-skipping one starts, what both must know first."""

import contextlib
import shutil
import sys
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from workflows import interface


def binary(name: str) -> str:
    """A server that the environment brings, beside the interpreter."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is not installed"
    return found


async def time_skipping() -> WorkflowEnvironment:
    """The time-skipping server; started again when its port was taken, or the machine too busy, the first time."""
    path = binary("temporal-test-server")
    for _ in range(2):
        with contextlib.suppress(RuntimeError):
            return await WorkflowEnvironment.start_time_skipping(test_server_existing_path=path)
    return await WorkflowEnvironment.start_time_skipping(test_server_existing_path=path)


async def register_attributes(client: Client) -> None:
    """Make the search attributes of customers known, as `stageplay up` does."""
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes=dict.fromkeys(interface.ATTRIBUTES, keyword)
    )
    await client.operator_service.add_search_attributes(request)
