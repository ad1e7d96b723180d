"""Holds that reach customers who sign up later: each begins with the hold, as if it had been placed on them.

A hold on a playbook, or on a part of the customers, is one for each customer who is there (`customers.place_hold`, and
the event that tells its workflow). What stands here is the same for those who come; lifting takes both away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from lifecycle.jsonform import decode, digest, encode
from lifecycle.messages import HoldPlaced
from store import customers, inbox, releases
from store.customers import Customer
from store.database import now, one_at_a_time
from store.rollout_tables import standing_holds
from store.rollouts import Scope, inside

SOURCE = "hold"


@dataclass(frozen=True, slots=True)
class Standing:
    """A hold on those of a scope who sign up. `playbook`: only what it does; empty: everything for them."""

    id: int
    scope: Scope
    playbook: str
    by: str
    reason: str
    placed_at: datetime

    @property
    def text(self) -> str:
        """For people: `nps-detractor for everybody who signs up, by priya since 2026-03-02 09:00 UTC: a wrong link`."""
        what, who = self.playbook or "everything", self.scope.text
        return f"{what} for {who} who signs up, by {self.by} since {self.placed_at:%Y-%m-%d %H:%M} UTC: {self.reason}"


def place(c: Connection, scope: Scope, playbook: str, by: str, reason: str) -> None:
    """Hold whoever signs up from the end of this transaction on; a later hold on the same scope replaces it."""
    one_at_a_time(c, releases.APPLYING)
    _end(c, [item for item in listed(c) if item.playbook == playbook and item.scope.means(scope)])
    values = {"playbook": playbook, "scope": encode(scope), "placed_by": by, "reason": reason, "placed_at": now()}
    c.execute(insert(standing_holds).values(**values))


def lift(c: Connection, scope: Scope, playbook: str) -> int:
    """Hold nobody of a scope any more who signs up; of everybody's, those of parts end, too. How many holds ended."""
    those = (item for item in listed(c) if item.playbook == playbook)
    return _end(c, [item for item in those if scope.whole or item.scope.means(scope)])


def _end(c: Connection, those: Sequence[Standing]) -> int:
    c.execute(delete(standing_holds).where(standing_holds.c.id.in_([item.id for item in those])))
    return len(those)


def listed(c: Connection) -> list[Standing]:
    """All of them, the oldest first."""
    rows = c.execute(select(standing_holds).order_by(standing_holds.c.id))
    return [
        Standing(row.id, decode(Scope, row.scope), row.playbook, row.placed_by, row.reason, row.placed_at)
        for row in rows
    ]


def meet(c: Connection, customer: Customer, stage: str = "") -> None:
    """Hold a customer who has just signed up as those are who were there before.

    Args:
        c: the transaction of the signup, which has accepted that event and holds `releases.APPLYING`, shared.
        customer: as created.
        stage: where it is placed; empty: it is new.
    """
    if customer.clock.rehearsal:
        return
    for item in listed(c):
        if inside(c, customer, item.scope, stage):
            event = HoldPlaced(item.by, item.reason, item.playbook)
            name = f"{item.id}/{customer.id}"
            accepted, _ = inbox.accept(c, customer.id, SOURCE, name, event, body_digest=digest(encode(event)))
            if accepted is inbox.Accepted.NEW:  # pragma: no branch - a customer signs up once
                customers.place_hold(c, customers.scope_of(customer.id, item.playbook), item.by, item.reason)
