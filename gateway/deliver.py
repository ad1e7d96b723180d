"""Carries inbox rows to the customers' workflows: in order, at least once, one deliverer per customer at a time.

Row 1 starts the workflow; other facts are signals; answers of people are updates whose Reply is stored on the row. The
request tries at once, the poller is the fallback. While Temporal is away rows wait and nothing is lost: any error of
the connection leaves the row as it is, and the same update id is used again. A workflow that is gone is not started
again, which would send everything twice: its row keeps the error, where people see it, and its customer rests.
"""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection as DbConnection
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from lifecycle.jsonform import decode, encode
from lifecycle.messages import ANSWERS, TaskTicked
from store import customers, inbox, projections, rollouts
from store.database import Database, now
from store.inbox import Row
from workflows.interface import (
    ANSWER,
    BAND_ATTRIBUTE,
    CATALOGUE_ATTRIBUTE,
    EVENT,
    STAGE_ATTRIBUTE,
    TASK_QUEUE,
    TIER_ATTRIBUTE,
    WORKFLOW,
    Delivery,
    Start,
    workflow_id,
)

ClientFactory = Callable[[], Awaitable[Client]]

LEASE = timedelta(seconds=30)
DRAIN_FOR = timedelta(seconds=15)
CONNECT_WITHIN = 5.0
RPC_WITHIN = timedelta(seconds=5)
ANSWER_WITHIN = timedelta(seconds=2.5)
LOOK_EVERY = 0.05
POLL_EVERY = 1.0
POLL_LIMIT = 20
LONGEST_PAUSE = 30.0
PURGE_EVERY = timedelta(hours=1)
FIRST_STAGE = "new"
FIRST_BAND = "unknown"
GONE = "This customer's workflow is closed, so nothing was done."
THIS_CUSTOMER = frozenset(
    {
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.INVALID_ARGUMENT,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.OUT_OF_RANGE,
        RPCStatusCode.RESOURCE_EXHAUSTED,
    }
)
"""Statuses that are about one workflow, a busy one too; all others mean that Temporal cannot serve us now."""

_log = structlog.get_logger("gateway.deliver")


class TemporalAwayError(Exception):
    """Temporal cannot serve us now; what was to be delivered stays in the inbox and is tried again."""


class _FailedError(Exception):
    """This customer's workflow does not take the row: it is gone, or stuck. Others are not concerned."""


class Connection:
    """The Temporal client, made when first needed and kept; the gateway is up before and without it."""

    def __init__(self, factory: ClientFactory) -> None:
        self._factory = factory
        self._client: Client | None = None
        self._making = asyncio.Lock()

    async def client(self) -> Client:
        """The client.

        Raises:
            TemporalAwayError: it could not be connected within `CONNECT_WITHIN` seconds.
        """
        async with self._making:
            if self._client is None:
                try:
                    self._client = await asyncio.wait_for(self._factory(), CONNECT_WITHIN)
                except (RPCError, RuntimeError, OSError, TimeoutError) as error:
                    raise TemporalAwayError(type(error).__name__) from error
            return self._client

    async def healthy(self, *, within: timedelta) -> bool:
        """Whether Temporal answers."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await (await self.client()).service_client.check_health(timeout=within)
        except (TemporalAwayError, RPCError, RuntimeError, OSError):
            return False

    async def query(self, customer: str, name: str, *, within: timedelta) -> Any:
        """Ask a customer's workflow.

        Raises:
            TemporalAwayError: no answer in time, for whatever reason.
        """
        try:
            async with asyncio.timeout(within.total_seconds()):
                handle = (await self.client()).get_workflow_handle(workflow_id(customer))
                return await handle.query(name, rpc_timeout=within)
        except (RPCError, RuntimeError, OSError, TimeoutError) as error:
            raise TemporalAwayError(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row to be delivered under the lease of `by` and, with a customer's first, what its workflow is started with."""

    row: Row
    by: str
    start: tuple[Start, TypedSearchAttributes] | None


class Deliverer:
    """Delivers; one per process. `run` is its poller."""

    def __init__(self, db: Database, connection: Connection) -> None:
        self._db = db
        self._connection = connection
        self._name = secrets.token_hex(4)
        self._turn = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()

    def soon(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run work after the answer was given; `close` waits for none of it, the poller finishes what it leaves."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End the background work."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def attempt(self, customer: str) -> None:
        """Deliver now if possible; an absent Temporal is the poller's business."""
        try:
            await self.deliver(customer)
        except TemporalAwayError as error:
            _log.info("delivery_postponed", customer=customer, why=str(error))

    async def answered(self, customer: str, source: str, event_id: str) -> dict[str, Any] | None:
        """Deliver an answer and wait for its Reply, at most `ANSWER_WITHIN`; None when it is still on its way.

        Another process may hold the customer's lease, so the row is what is looked at, not our own attempt.
        """
        task = self.soon(self.attempt(customer))
        deadline = asyncio.get_running_loop().time() + ANSWER_WITHIN.total_seconds()
        while True:
            await asyncio.wait({task}, timeout=LOOK_EVERY)
            reply = await asyncio.to_thread(self._reply, source, event_id)
            if reply is not None or asyncio.get_running_loop().time() >= deadline:
                return reply
            if task.done():
                await asyncio.sleep(LOOK_EVERY)

    def _reply(self, source: str, event_id: str) -> dict[str, Any] | None:
        with self._db.read() as c:
            return inbox.reply_to(c, source, event_id)

    async def deliver(self, customer: str) -> None:
        """Deliver what waits for one customer; does nothing while another deliverer has it.

        Raises:
            TemporalAwayError: rows are left.
        """
        parcel = await asyncio.to_thread(self._claim, customer)
        if parcel is not None:
            await self._leased(parcel)

    def _claim(self, customer: str) -> Parcel | None:
        with self._db.begin(durable=False) as c:
            return self.claim(c, customer)

    def claim(self, c: DbConnection, customer: str) -> Parcel | None:
        """Take the right to deliver to a customer, with what comes first; to be carried once the transaction is in the
        database. None while another deliverer has it.
        """
        by = f"{self._name}/{next(self._turn)}"
        return self._next(c, customer, by) if inbox.lease_one(c, customer, by=by, for_=LEASE) else None

    async def carry(self, parcel: Parcel) -> None:
        """Deliver what was claimed, and what follows it; an absent Temporal is the poller's business."""
        try:
            await self._leased(parcel)
        except TemporalAwayError as error:
            _log.info("delivery_postponed", customer=parcel.row.customer, why=str(error))

    def _next(self, c: DbConnection, customer: str, by: str) -> Parcel | None:
        """What is to be delivered next under our lease; it is given back where nothing is left."""
        for row in inbox.undelivered(c, customer, limit=1):
            return Parcel(row, by, _start_of(c, row) if row.seq == 1 else None)
        inbox.release(c, customer, by)
        return None

    async def _leased(self, first: Parcel) -> None:
        """Deliver until nothing is left, a row cannot be delivered (order!), or the lease is half over."""
        until = asyncio.get_running_loop().time() + DRAIN_FOR.total_seconds()
        parcel: Parcel | None = first
        try:
            while parcel is not None and asyncio.get_running_loop().time() <= until:
                parcel = await self._parcel(parcel)
        finally:
            if parcel is not None:
                await asyncio.to_thread(self._release, parcel)

    def _release(self, parcel: Parcel) -> None:
        with self._db.begin(durable=False) as c:
            inbox.release(c, parcel.row.customer, parcel.by)

    async def _parcel(self, parcel: Parcel) -> Parcel | None:
        """Deliver, and say what follows. What cannot be delivered lets its customer rest, and shows its error to
        people.
        """
        row = parcel.row
        try:
            reply = await self._send(parcel)
        except (TemporalAwayError, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001 - one row that nobody foresaw must not keep the others waiting
            why = str(error) if isinstance(error, _FailedError) else f"{type(error).__name__} in the gateway"
            _log.warning("delivery_failed", customer=row.customer, seq=row.seq, why=why)
            await asyncio.to_thread(self._failed, row, why, parcel.by)
            return None
        return await asyncio.to_thread(self._delivered, row, reply, parcel.by)

    def _delivered(self, row: Row, reply: dict[str, Any] | None, by: str) -> Parcel | None:
        """The core keeps no list of tasks: a tick that it took is stored here, with the delivery.

        Without a reply the disk may wait: a row told again after a power cut is dropped by its number.
        """
        with self._db.begin(durable=reply is not None) as c:
            inbox.delivered(c, row.customer, row.seq, reply)
            if row.event["kind"] == "task_ticked" and reply is not None and reply["result"] == "done":
                ticked = decode(TaskTicked, row.event)
                projections.tick_task(c, ticked.task, ticked.by, ticked.done)
            return self._next(c, row.customer, by)

    def _failed(self, row: Row, error: str, by: str) -> None:
        with self._db.begin() as c:
            inbox.failed(c, row.customer, row.seq, error)
            inbox.release(c, row.customer, by)

    async def _send(self, parcel: Parcel) -> dict[str, Any] | None:
        """One row to its workflow; the Reply of an answer.

        Raises:
            TemporalAwayError: nothing can be delivered now; the row stays as it is.
            _FailedError: this row cannot.
        """
        client = await self._connection.client()
        row = parcel.row
        delivery = Delivery(seq=row.seq, event=row.event)
        answer = row.event["kind"] in ANSWERS
        try:
            if parcel.start is not None:
                await _start(client, *parcel.start)
            elif answer:
                return await _update(client, row, delivery)
            else:
                await _signal(client, row.customer, delivery)
        except RPCError as error:
            if error.status not in THIS_CUSTOMER:
                raise TemporalAwayError(error.status.name) from error
            gone = error.status is RPCStatusCode.NOT_FOUND
            if gone and answer:
                return {"result": "unknown", "text": GONE}
            raise _FailedError(GONE if gone else str(error)) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise _FailedError("the workflow did not answer in time") from error
        return None

    async def run(self) -> None:
        """Poll for ever; pause longer, up to `LONGEST_PAUSE` seconds, while Temporal or the database is away."""
        pause = POLL_EVERY
        purged = now() - PURGE_EVERY
        while True:
            try:
                await self.sweep()
                if now() - purged >= PURGE_EVERY:
                    await asyncio.to_thread(self._purge)
                    purged = now()
                pause = POLL_EVERY
            except Exception as error:  # noqa: BLE001 - the poller must outlive whatever one round meets
                pause = min(pause * 2, LONGEST_PAUSE)
                _log.warning("poller_pauses", seconds=pause, why=type(error).__name__)
            await asyncio.sleep(pause)

    def _purge(self) -> None:
        """Forget parked and refused events that nobody has wanted for 30 days."""
        with self._db.begin() as c:
            inbox.purge(c)

    async def sweep(self) -> int:
        """Deliver a batch of waiting customers; how many there were.

        Raises:
            TemporalAwayError: some of them still wait.
        """
        by = f"{self._name}/{next(self._turn)}"
        waiting = await asyncio.to_thread(inbox.lease, self._db, by=by, for_=LEASE, limit=POLL_LIMIT)
        results = await asyncio.gather(*(self._serve(one, by) for one in waiting), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(waiting)

    async def _serve(self, customer: str, by: str) -> None:
        """Deliver to a customer that `sweep` has leased."""
        parcel = await asyncio.to_thread(self._first, customer, by)
        if parcel is not None:
            await self._leased(parcel)

    def _first(self, customer: str, by: str) -> Parcel | None:
        with self._db.begin(durable=False) as c:
            return self._next(c, customer, by)


async def _start(client: Client, start: Start, attributes: TypedSearchAttributes) -> None:
    customer = start["customer"]
    try:
        await client.start_workflow(
            WORKFLOW,
            start,
            id=workflow_id(customer),
            task_queue=TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            search_attributes=attributes,
            rpc_timeout=RPC_WITHIN,
        )
    except WorkflowAlreadyStartedError:
        await _signal(client, customer, start["first"][0])


def _start_of(c: DbConnection, row: Row) -> tuple[Start, TypedSearchAttributes]:
    """What a customer's workflow is started with, and the search attributes as its first task would set them."""
    found = customers.get(c, row.customer)
    catalogue = rollouts.catalogue_of(c, found) or ""
    start = Start(
        customer=row.customer,
        catalogue=catalogue,
        clock=encode(found.clock),
        spread=not found.clock.rehearsal,
        state={},
        first=[Delivery(seq=row.seq, event=row.event)],
        outgoing=[],
        log="",
    )
    values = {STAGE_ATTRIBUTE: FIRST_STAGE, BAND_ATTRIBUTE: FIRST_BAND}
    values |= {TIER_ATTRIBUTE: found.profile.tier, CATALOGUE_ATTRIBUTE: catalogue}
    pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items()]
    return start, TypedSearchAttributes(pairs)


async def _signal(client: Client, customer: str, delivery: Delivery) -> None:
    await client.get_workflow_handle(workflow_id(customer)).signal(EVENT, delivery, rpc_timeout=RPC_WITHIN)


async def _update(client: Client, row: Row, delivery: Delivery) -> dict[str, Any]:
    handle = client.get_workflow_handle(workflow_id(row.customer))
    try:
        reply: dict[str, Any] = await handle.execute_update(
            ANSWER, delivery, id=f"{row.source}:{row.event_id}", rpc_timeout=ANSWER_WITHIN
        )
    except WorkflowUpdateFailedError as error:  # its validator or handler says no, and would again
        return {"result": "unknown", "text": f"The answer was refused: {error.cause}"}
    return reply
