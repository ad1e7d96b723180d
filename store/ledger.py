"""What stands between every decision and every send: a touch is reserved, sent, confirmed, and never sent twice.

    (no row) --reserve--> reserved --confirm--> sent
    reserved --defer--> held --reserve--> reserved, attempt + 1      surely not sent, may be tried again
    reserved --fail--> failed                                        never will be
    reserved --unknown--> unknown --confirm, fail, defer, settle_unknown--> ...  the provider is asked, never re-sent to
    held --give_up--> failed, withdrawn          reserved --give_up, once its lease is over--> unknown

Every move is a compare-and-set on the attempt. A confirmation is a fact: it also moves a row that meanwhile was
deferred or withdrawn, because the touch is out; so does the provider's own report, whatever the row says. Reservations
end by real time; whoever finds one that ended asks the provider before anything else. Token buckets, shared by all
processes, say how fast a provider may be called.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, delete, literal, literal_column, select, update

from store import customers, keys, tables
from store.customers import Hold
from store.database import Database, insert_new, now

State = Literal["reserved", "sent", "failed", "unknown", "held", "withdrawn"]

RECONCILING = "reconciling"
"""The switch that holds all sends after a restore from backup, until the ledger agrees with the providers."""
UNHEARD = "whoever began to send it was not heard of again"


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to send a touch now, once, until the lease ends. `attempt` counts from 1 and goes with the outcome."""

    touch: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a touch stands, since `changed_at`. `lease_until`: while reserved. Instants are real time. `reason`: for
    people, empty where none is due.
    """

    touch: str
    state: State
    attempt: int
    lease_until: datetime | None
    reason: str
    provider_ref: str
    transport: str
    sent_at: datetime | None
    changed_at: datetime

    @property
    def surely_not_out(self) -> bool:
        """Nobody has sent it, is sending it, or may have."""
        return self.state in ("held", "failed", "withdrawn")


@dataclass(frozen=True, slots=True)
class Barrier:
    """What keeps a touch back at the moment of its reservation: for now, or for good. `reason`: for people."""

    state: Literal["held", "withdrawn"]
    reason: str


def touch_hash(c: Connection, touch: str) -> str:
    """What outside systems see of a touch: 32 hex digits of HMAC-SHA256 under this installation's own key."""
    if (key := c.info.get("touch")) is None:  # it never changes, so a connection reads it once
        key = c.info["touch"] = keys.key(c, "touch")
    return hmac.new(key, touch.encode(), sha256).hexdigest()[:32]


def on_everything(c: Connection) -> Barrier | None:
    """The barrier that stands before every touch."""
    hold = hold_on(c, customers.EVERYTHING)
    return None if hold is None else Barrier("held", hold.reason)


def reserve(
    db: Database,
    touch: str,
    *,
    customer: str,
    kind: str,
    lease_for: timedelta,
    barrier: Callable[[Connection], Barrier | None] = on_everything,
) -> Reservation | Standing:
    """Take the right to send a touch, in a durable transaction of its own. In it `barrier` looks, once the row is ours,
    for what must keep the touch back.

    Returns:
        A Reservation when nobody has sent it, is sending it, or may have: then send, and say what became of it.
        Otherwise where it stands. `sent`, `failed`, `withdrawn`: it is settled. `reserved`: with a live lease somebody
        is at it, come back at `lease_until`; with one that ended ask the provider, never just send. `unknown`: ask.
        `held`: the barrier keeps it; nothing was reserved.
    """
    ours: dict[str, Any] = {"state": "reserved", "reason": "", "lease_until": now() + lease_for, "attempt": 1}
    with db.begin() as c:
        row = {"touch_hash": touch_hash(c, touch), "customer": customer, "kind": kind, "changed_at": now()}
        if not insert_new(c, tables.ledger, touch=touch, transport="", provider_ref="", **row, **ours):
            found = _standing(c.execute(_LOCK, {"touch": touch}).one())
            if found.state != "held":
                return found
            ours["attempt"] = found.attempt + 1
            _set(c, touch, **ours)
        kept = barrier(c)
        if kept is None:
            return Reservation(touch, ours["attempt"])
        before = ours["attempt"] - 1
        _set(c, touch, state=kept.state, reason=kept.reason, lease_until=None, attempt=before)
        return Standing(touch, kept.state, before, None, kept.reason, "", "", None, now())


def confirm(db: Database, touch: str, attempt: int, *, transport: str, provider_ref: str = "") -> bool:
    """Record that the provider took this attempt.

    Returns:
        False when another attempt has been reserved since (then two may be out, and a person should know) or the row
        does not exist; True also when it is repeated.
    """
    sent: dict[str, Any] = {"state": "sent", "transport": transport, "provider_ref": provider_ref}
    sent |= {"reason": "", "lease_until": None, "sent_at": now()}
    if _move(db, touch, attempt, ("reserved", "unknown", "held", "withdrawn"), **sent):
        return True
    with db.read() as c:
        found = standing(c, touch)
    return found is not None and (found.state, found.attempt) == ("sent", attempt)


def fail(db: Database, touch: str, attempt: int, reason: str) -> bool:
    """Record that the provider refused for good. False when the attempt is not ours any more."""
    return _move(db, touch, attempt, ("reserved", "unknown"), state="failed", reason=reason, lease_until=None)


def defer(db: Database, touch: str, attempt: int, reason: str) -> bool:
    """Record that this attempt surely sent nothing (429, refused connection, the provider knows nothing of it), so that
    another may be reserved. False when the attempt is not ours any more.
    """
    return _move(db, touch, attempt, ("reserved", "unknown"), state="held", reason=reason, lease_until=None)


def unknown(db: Database, touch: str, attempt: int, reason: str) -> bool:
    """Record that nobody knows whether this attempt arrived. False when the attempt is not ours any more."""
    values = {"state": "unknown", "reason": reason, "lease_until": None}
    return _move(db, touch, attempt, ("reserved", "unknown", "withdrawn"), **values)


def give_up(db: Database, touch: str, state: Literal["failed", "withdrawn"], reason: str) -> None:
    """Nothing more will be sent of a touch. What surely has not gone is settled as `state`; what was reserved and not
    heard of within its lease is `unknown`, for a person or the provider to settle; what is being sent goes on.
    """
    table = tables.ledger
    lost = (table.c.touch == touch) & _abandoned(timedelta(0))
    doubt = {"state": "unknown", "reason": f"{UNHEARD}; {reason}", "lease_until": None, "changed_at": now()}
    with db.begin() as c:
        c.execute(update(table).where(lost).values(doubt))
        held = (table.c.touch == touch) & (table.c.state == "held")
        c.execute(update(table).where(held).values(state=state, reason=reason, changed_at=now()))


def hold_back(db: Database, touch: str, *, customer: str, kind: str, reason: str) -> None:
    """Note that a hold keeps a touch back, so that whoever lifts it finds whom to tell; what is out stays as it is."""
    values: dict[str, Any] = {"state": "held", "reason": reason, "changed_at": now()}
    with db.begin(durable=False) as c:
        new = {"touch_hash": touch_hash(c, touch), "customer": customer, "kind": kind, "attempt": 0}
        if not insert_new(c, tables.ledger, touch=touch, **new, **values, transport="", provider_ref=""):
            held = (tables.ledger.c.touch == touch) & (tables.ledger.c.state == "held")
            c.execute(update(tables.ledger).where(held).values(values))


def held_back(c: Connection, since: datetime, *, after: str, limit: int) -> list[str]:
    """Customers, by id and behind `after`, of whom something has been held at or after an instant of real time."""
    table = tables.ledger
    query = select(table.c.customer).join(tables.customers, tables.customers.c.id == table.c.customer).distinct()
    query = query.where(table.c.state == "held", table.c.changed_at >= since, table.c.customer > after)
    return list(c.execute(query.order_by(table.c.customer).limit(limit)).scalars())


def settle_unknown(db: Database, touch: str, sent: bool, reason: str) -> bool:
    """Settle a touch in doubt by a person's word. Not sent: it may be tried again.

    Returns:
        False when there is no doubt (any more).
    """
    values: dict[str, Any] = {"state": "sent", "sent_at": now()} if sent else {"state": "held"}
    change = update(tables.ledger).where(tables.ledger.c.touch == touch, doubtful(unheard_for=timedelta(0)))
    with db.begin() as c:
        return c.execute(change.values(reason=reason, lease_until=None, changed_at=now(), **values)).rowcount == 1


def arrived(db: Database, touch_hash: str, reason: str) -> bool:
    """Record that the provider itself reports a touch, by its hash: a fact, whatever an answer of its own or a person
    said before. False when it was known, or is none of ours.
    """
    with db.read() as c:  # nearly every report is of what is known as sent: no write waits for another one then
        found = by_hash(c, touch_hash)
    if found is None or found.state == "sent":
        return False
    mine = (tables.ledger.c.touch == found.touch) & (tables.ledger.c.state != "sent")
    values: dict[str, Any] = {"state": "sent", "sent_at": now(), "changed_at": now(), "lease_until": None}
    with db.begin() as c:
        return c.execute(update(tables.ledger).where(mine).values(reason=reason, **values)).rowcount == 1


def standing(c: Connection, touch: str) -> Standing | None:
    """Where a touch stands, None when nobody ever reserved it."""
    row = c.execute(_ROW, {"touch": touch}).one_or_none()
    return None if row is None else _standing(row)


def by_hash(c: Connection, touch_hash: str) -> Standing | None:
    """Where the touch stands that an outside system knows by this hash."""
    row = c.execute(select(tables.ledger).where(tables.ledger.c.touch_hash == touch_hash)).one_or_none()
    return None if row is None else _standing(row)


def in_doubt(c: Connection, limit: int = 50) -> tuple[Standing, ...]:
    """Touches with no known outcome, the longest in doubt first: a person settles what the provider does not. What a
    worker reserved and was killed over counts after an hour, by which another would have asked.
    """
    table = tables.ledger
    query = select(table).where(doubtful()).order_by(table.c.changed_at, table.c.touch).limit(limit)
    found = (_standing(row) for row in c.execute(query))
    return tuple(row if row.reason else replace(row, reason=UNHEARD) for row in found)


def doubtful(unheard_for: timedelta = timedelta(hours=1)) -> ColumnElement[bool]:
    """Of rows of the ledger: those with no known outcome; of what was reserved, once its lease is over that long."""
    return _OPEN & ((tables.ledger.c.state == "unknown") | _abandoned(unheard_for))


def _abandoned(longer_than: timedelta) -> ColumnElement[bool]:
    """Reserved, with a lease that ended that long ago."""
    return (tables.ledger.c.state == "reserved") & (tables.ledger.c.lease_until <= now() - longer_than)


def hold_on(c: Connection, scope: str, playbook: str = "") -> Hold | None:
    """What keeps sends back, its reason in full: a reconciliation, a hold on everything, then one on `scope` itself (a
    customer), then one on a playbook there.
    """
    part = customers.scope_of(scope, playbook)
    found = {row.scope: Hold(*row) for row in c.execute(_HOLDS, {"scope": scope, "part": part})}
    for name, said in (
        (RECONCILING, "sends are held until the ledger is reconciled after a restore"),
        (customers.EVERYTHING, "everything is on hold: "),
        (scope, "on hold: "),
        (part, f"{playbook} is on hold: "),
    ):
        if name in found:
            return replace(found[name], reason=said + found[name].reason)
    return None


def reconciling(c: Connection) -> bool:
    """Whether all sends are held since a restore from backup."""
    query = select(tables.switches.c.name).where(tables.switches.c.name == RECONCILING)
    return c.execute(query).first() is not None


def set_reconciling(c: Connection, on: bool) -> None:
    """Hold all sends after a restore, or let them go once the ledger agrees with the providers."""
    if on:
        insert_new(c, tables.switches, name=RECONCILING, changed_at=now())
    else:
        c.execute(delete(tables.switches).where(tables.switches.c.name == RECONCILING))


# --- how fast a provider may be called --------------------------------------------------------------------------------


def take_token(db: Database, bucket: str, *, per_second: float, burst: int) -> float:
    """Take one token in one statement, if there is one.

    Args:
        db: the database that all processes share.
        bucket: which provider, and which of its limits.
        per_second: how many tokens come back in a second of real time; above 0.
        burst: how many there are at most, 1 or more; a bucket starts full.

    Returns:
        0.0: go. Otherwise how many seconds until a token comes back; nothing was taken, ask again then.
    """
    table = tables.buckets
    stamp = now().timestamp()
    there = _available(stamp, per_second, burst)
    take = update(table).where(table.c.name == bucket, there >= 1).values(tokens=there - 1, stamp=stamp)
    with db.begin(durable=False) as c:
        if c.execute(take).rowcount == 1:
            return 0.0
        # Empty, or new: of two workers that find no bucket one makes it, and both look again.
        insert_new(c, table, name=bucket, tokens=float(burst), stamp=stamp)
        if c.execute(take).rowcount == 1:
            return 0.0
        left = float(c.execute(select(there).where(table.c.name == bucket)).scalar_one())
    # Above 0 in any case: nothing was taken, even if another worker's clock has filled the bucket since.
    return max(1.0 - left, 0.01) / per_second


def _available(stamp: float, per_second: float, burst: int) -> ColumnElement[Any]:
    """What is in the bucket now: never more than `burst`; a clock that went back takes nothing away."""
    table = tables.buckets
    grown = table.c.tokens + case((table.c.stamp < stamp, (literal(stamp) - table.c.stamp) * per_second), else_=0.0)
    return case((grown > burst, float(burst)), else_=grown)


def _move(db: Database, touch: str, attempt: int | None, allowed: Sequence[State], **values: Any) -> bool:
    table = tables.ledger
    change = update(table).where(table.c.touch == touch, table.c.state.in_(allowed))
    if attempt is not None:
        change = change.where(table.c.attempt == attempt)
    with db.begin() as c:
        return c.execute(change.values(changed_at=now(), **values)).rowcount == 1


def _set(c: Connection, touch: str, **values: Any) -> None:
    c.execute(update(tables.ledger).where(tables.ledger.c.touch == touch).values(changed_at=now(), **values))


_OPEN = tables.ledger.c.state != literal_column("'sent'")
"""In the words of the partial index, beside a narrower condition: else SQLite reads all that was ever sent."""
_ROW = select(tables.ledger).where(tables.ledger.c.touch == bindparam("touch"))
_LOCK = _ROW.with_for_update()
_HOLDS = (
    select(tables.holds.c.scope, tables.holds.c.placed_by, tables.holds.c.reason, tables.holds.c.placed_at)
    .where(tables.holds.c.scope.in_([customers.EVERYTHING, bindparam("scope"), bindparam("part")]))
    .union_all(
        select(tables.switches.c.name, literal(""), literal(""), tables.switches.c.changed_at).where(
            tables.switches.c.name == RECONCILING
        )
    )
)


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        touch=row.touch,
        state=cast("State", row.state),
        attempt=row.attempt,
        lease_until=row.lease_until,
        reason=row.reason,
        provider_ref=row.provider_ref,
        transport=row.transport,
        sent_at=row.sent_at,
        changed_at=row.changed_at,
    )
