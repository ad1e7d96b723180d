"""What is known of live customers: their states as their workflows say, else as last stored, with the events since.

A workflow is asked for its state where Temporal answers. One that cannot be asked goes on from its last snapshot and
the events accepted since.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from rich.console import Console
from sqlalchemy import Connection, select
from temporalio.client import Client
from temporalio.service import RPCError

import settings as configuration
from authoring.explain import as_of
from authoring.forecast import Standing
from authoring.people import Told
from authoring.simulate import Library
from cli.connection import connect
from cli.processes import ProcessError
from lifecycle.jsonform import FormError, decode_union
from lifecycle.messages import CatalogueApplied, Event
from lifecycle.model import State, state_from_json
from lifecycle.playbook import Manifest, Release
from store import customers, projections, releases, tables
from store.customers import Customer
from store.database import Database
from workflows import interface

AT_ONCE = 32
"""Workflows asked at a time: each answer costs a worker a replay."""
ANSWER_WITHIN = timedelta(seconds=5)
BATCH = 500


def live(c: Connection) -> list[Customer]:
    """Customers in real time that have signed up and not left, by name."""
    table = tables.customers
    rows = c.execute(select(table.c.id).where(~table.c.stopped).order_by(table.c.name, table.c.id))
    found = [customers.get(c, row.id) for row in rows]
    return [item for item in found if not item.clock.rehearsal]


async def ask(client: Client, ids: Sequence[str]) -> dict[str, State]:
    """The states that workflows give; those that do not answer in time are left out."""
    gate = asyncio.Semaphore(AT_ONCE)
    found: dict[str, State] = {}

    async def one(customer: str) -> None:
        handle = client.get_workflow_handle(interface.workflow_id(customer))
        async with gate:
            try:
                data = await handle.query(interface.STATE, result_type=dict, rpc_timeout=ANSWER_WITHIN)
                found[customer] = state_from_json(data)
            except (RPCError, FormError):
                return

    await asyncio.gather(*(one(customer) for customer in ids))
    return found


def stored(c: Connection, customer: str) -> State | None:
    """The last stored state; None where there is none that this version reads."""
    data = projections.snapshot(c, customer)
    try:
        return None if data is None else state_from_json(data)
    except FormError:
        return None


def accepted_since(c: Connection, state: State) -> tuple[Told, ...]:
    """Events that were accepted after what a state has seen."""
    table = tables.inbox
    rows = c.execute(
        select(table.c.event, table.c.received_at)
        .where(table.c.customer == state.customer, table.c.seq > state.seq)
        .order_by(table.c.seq)
    )
    return tuple((row.received_at, decode_union(Event, row.event)) for row in rows)


def standings(db: Database, answered: dict[str, State], those: Iterable[Customer]) -> Iterator[Standing | str]:
    """Every customer as known, or the name of one that is not."""
    with db.read() as c:
        for customer in those:
            state = answered.get(customer.id) or stored(c, customer.id)
            if state is None:
                yield customer.name
            else:
                source: Literal["workflow", "snapshot"] = "workflow" if customer.id in answered else "snapshot"
                yield Standing(customer.name, state, source, accepted_since(c, state))


def library(db: Database, states: Iterable[State], current: str, told: Iterable[Told] = ()) -> Library:
    """Every release that these states, the current catalogue, and those that customers are told of, name.

    Raises:
        ProcessError: one is not in the database.
    """
    wanted = {current, *(event.digest for _, event in told if isinstance(event, CatalogueApplied))}
    for state in states:
        wanted |= {state.catalogue, *(play.release for play in state.plays)}
    found: dict[str, Release] = {}
    with db.read() as c:
        while wanted:
            digest = wanted.pop()
            release = releases.load(c, digest)
            if release is None:
                raise ProcessError(f"the database does not have the release {digest}; run `stageplay apply`")
            found[digest] = release
            if isinstance(release, Manifest):
                wanted |= {release.lifecycle, *release.playbooks.values()} - found.keys()
    return Library(found)


async def reachable(err: Console | None = None) -> Client | None:
    """Temporal, where it answers at once; that it does not is told to `err`."""
    try:
        return await connect(configuration.temporal(), timedelta(seconds=1))
    except ProcessError:
        if err is not None:
            err.print("Temporal does not answer: the forecast goes on from the last stored states.", markup=False)
        return None


async def asked(ids: Sequence[str]) -> dict[str, State]:
    """The states that workflows give, none where Temporal does not answer."""
    client = await reachable()
    return {} if client is None else await ask(client, ids)


def library_of(db: Database, those: Sequence[Standing], current: str) -> Library:
    """As `library`, of customers with all that they have been told since."""
    told = (event for item in those for event in item.start.events)
    return library(db, (item.state for item in those), current, told)


def brought_up(
    db: Database, customer: Customer, state: State, at: datetime, current: str = ""
) -> tuple[Library, State]:
    """A state as of now, with the releases that it names: what was accepted since is told, what was owed is done.

    Args:
        db: where the events and the releases are.
        customer: whose state it is.
        state: what is known of it.
        at: now, in the customer's own time.
        current: the catalogue that is applied; the state's own when left out.
    """
    with db.read() as c:
        told = [(customer.clock.virtual(since), event) for since, event in accepted_since(c, state)]
    found = library(db, [state], current or state.catalogue, told)
    return found, as_of(found, state, told, at)
