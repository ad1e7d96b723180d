"""What `stageplay test --on temporal` runs on, with freezegun's clock following, and what tests look at."""

from datetime import UTC, datetime
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import func, select
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from cli.travel import Traveller
from store import outbox, tables
from store.outbox import Entry


class TimeMachine(Interceptor):
    """Lets freezegun's clock follow the server's, forward only: before an activity runs and after every hop."""

    def __init__(self, frozen: FrozenDateTimeFactory) -> None:
        self._frozen = frozen

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's own name
        return _AtServerTime(next, self)

    def forward_to(self, at: datetime) -> None:
        if at > self._frozen().replace(tzinfo=UTC):
            self._frozen.move_to(at)


class _AtServerTime(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, machine: TimeMachine) -> None:
        super().__init__(following)
        self._machine = machine

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's own name
        self._machine.forward_to(activity.info().started_time)
        return await super().execute_activity(input)


class Rig(Traveller):
    """A traveller whose store can be looked into."""

    def entries(self, kind: outbox.Kind | None = None) -> list[Entry]:
        """What the outbox kept, oldest first."""
        with self.db.read() as c:
            return list(reversed(outbox.entries(c, 1000, kind)))

    def batches(self) -> int:
        """How many batches the store has."""
        with self.db.read() as c:
            return int(c.execute(select(func.count()).select_from(tables.batches)).scalar_one())
