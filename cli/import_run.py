"""Writes accounts down as customers in mid-journey: the same durable rows and the same delivery as a signup's.

Each account is one transaction, in the order of the file; its workflow is started while the next ones are written, so
many at once. What was written is delivered even if this process dies: by the gateway's poller, or by the next import,
which takes only what is not there. An account is known by the sender's id, its placement by the source's name and that.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select

from authoring.portfolio import Account
from gateway.deliver import Connection, Deliverer
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from gateway.refusals import RefusedError
from lifecycle.jsonform import digest, encode
from lifecycle.messages import SignedUp
from lifecycle.model import Clock, Teammate
from lifecycle.playbook import OUTSIDE_STAGES, Lifecycle
from store import customers, facts, inbox, releases, standing, tables, team
from store.customers import NewContact
from store.database import Database, now, one_at_a_time

SOURCE = "import"
IN_FLIGHT = 50
REACHED_WITHIN = timedelta(seconds=5)
ROUNDS = 5
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """What an import did. `placed`: accounts it wrote down; `there`: those it found; `waiting`: not delivered yet."""

    placed: int
    there: int
    waiting: int


class Importer:
    """Places accounts. `name`: the mapping's, the source of all of them; `step`: called after each account."""

    def __init__(
        self, db: Database, connection: Connection, lifecycle: Lifecycle, name: str, step: Callable[[], None]
    ) -> None:
        self._db, self._connection, self._lifecycle = db, connection, lifecycle
        self._deliverer = Deliverer(db, connection)
        self._intake = Intake(db, Lifecycles(), allow_rehearsal=False)
        self._name, self._step = name, step

    async def run(self, accounts: Iterable[Account]) -> Run:
        """Place every account that is not a customer yet, and see to it that those of an earlier run are delivered."""
        gate = asyncio.Semaphore(IN_FLIGHT)
        placed = there = 0
        telling = await self._connection.healthy(within=REACHED_WITHIN)
        async with asyncio.TaskGroup() as group:
            for account in accounts:
                customer, fresh = await asyncio.to_thread(self._write_down, account)
                placed, there = placed + fresh, there + (not fresh)
                self._step()
                if fresh and telling:
                    await gate.acquire()
                    group.create_task(self._deliver(customer, gate))
        return Run(placed, there, await self._rest(gate, telling=telling))

    async def _deliver(self, customer: str, gate: asyncio.Semaphore) -> None:
        try:
            await self._deliverer.attempt(customer)
        finally:
            gate.release()

    async def _rest(self, gate: asyncio.Semaphore, *, telling: bool) -> int:
        """Try those again that are still to be delivered, an earlier run's among them; how many are left once that does
        not help. A gateway that runs may have them meanwhile.
        """
        left, rounds = await asyncio.to_thread(self._waiting), 0
        while left and telling and rounds < ROUNDS:
            async with asyncio.TaskGroup() as group:
                for customer in left:
                    await gate.acquire()
                    group.create_task(self._deliver(customer, gate))
            before, left = left, await asyncio.to_thread(self._waiting)
            rounds = 0 if len(left) < len(before) else rounds + 1
            if left:
                await asyncio.sleep(PAUSE)
        return len(left)

    def _write_down(self, account: Account) -> tuple[str, bool]:
        """The customer's id, and whether it is new."""
        with self._db.begin() as c:
            one_at_a_time(c, f"events of {account.id}")
            known = customers.find(c, account.id)
            if known is not None:
                return known.id, False
            one_at_a_time(c, releases.APPLYING, shared=True)
            at = now()
            assigned, why = team.assign(c, account.signup.profile, {"csm": account.csm} if account.csm else {})
            customer, contacts = customers.create(
                c,
                outer_id=account.id,
                name=account.name,
                profile=account.signup.profile,
                clock=Clock(at, at),
                contacts=[NewContact(guest.email, guest.name, guest.roles) for guest in account.guests if guest.email],
                team=assigned,
            )
            zone = self._lifecycle.default_zone
            mates = {role: Teammate(person.id, person.zone or zone) for role, person in assigned.items()}
            event: SignedUp = replace(account.signup, contacts=contacts, team=mates, assigned=why)
            facts.told(c, customer.id, {k: v for k, v in account.facts.items() if k in self._lifecycle.facts})
            if event.placed in OUTSIDE_STAGES:
                customers.stop(c, customer.id, stopped=True)
            body = digest(encode(account.signup))
            inbox.accept(c, customer.id, SOURCE, f"{self._name}/{account.id}", event, body_digest=body)
            standing.meet(c, customer, event.placed)
        self._take_parked(account.id)
        return customer.id, True

    def _take_parked(self, outer_id: str) -> None:
        """Events that came before: taken now, in their order; one that makes no sense is kept where people see it."""
        with self._db.read() as c:
            parked = inbox.parked(c, outer_id)
        for item in parked:
            try:
                self._intake.take(Inbound.from_raw(item.raw))
            except RefusedError:
                continue  # the intake has kept it among the refused
        if parked:
            with self._db.begin() as c:
                inbox.unpark(c, outer_id)

    def _waiting(self) -> list[str]:
        """Customers of this import whose placement their workflow has not been told."""
        table = tables.inbox
        mine = (table.c.source == SOURCE) & table.c.event_id.startswith(f"{self._name}/", autoescape=True)
        with self._db.read() as c:
            return list(c.scalars(select(table.c.customer).where(mine, table.c.delivered_at.is_(None))))
