"""Customers whose workflow task fails again and again: Temporal knows them, and only it does.

An exception in a workflow fails its task, never the workflow: Temporal tries again for ever, marks it, and a worker
with the fault mended lets it go on where it was.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from gateway.deliver import Connection, TemporalAwayError
from workflows.interface import WORKFLOW, workflow_id

MOST = 20
PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
QUERY = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running' AND {PROBLEMS.name} IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Failing:
    """`workflow`: its id. `causes`: in Temporal's words, such as `cause=WorkflowTaskFailedCause...`."""

    workflow: str
    causes: tuple[str, ...]

    @property
    def customer(self) -> str:
        """Our id of the customer."""
        return self.workflow.removeprefix(workflow_id(""))


async def failing(client: Client) -> list[Failing]:
    """Open workflows whose task keeps failing, at most `MOST`; none from a server too old to report them.

    Raises:
        RPCError: the server does not answer.
    """
    try:
        return [
            Failing(run.id, tuple(run.typed_search_attributes.get(PROBLEMS) or ()))
            async for run in client.list_workflows(QUERY, limit=MOST)
        ]
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            return []
        raise


async def failing_within(connection: Connection, within: timedelta) -> list[Failing] | None:
    """As `failing`; None when Temporal is away, so that nobody can say."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await failing(await connection.client())
    except (TemporalAwayError, RPCError, RuntimeError, OSError, TimeoutError):
        return None
