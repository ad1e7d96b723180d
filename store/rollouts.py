"""Telling customers of a catalogue: to whom, with which options, and how far it has come, so that a kill costs nothing.

A rollout is written down in one transaction with its releases; customers are then told in batches, in the order of
their ids, each batch in one transaction with the mark of how far it came. So whoever goes on after a kill tells
everybody once. A rollout to a part of the customers stays in force for new ones of that part until one to all comes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from lifecycle import conditions
from lifecycle.actions import Expr
from lifecycle.jsonform import decode, encode
from lifecycle.messages import CatalogueApplied
from lifecycle.model import Profile, Value
from store import customers, inbox, releases, tables, team
from store.customers import Customer
from store.database import now, one_at_a_time
from store.rollout_tables import rollouts, shadows

BATCH = 100
"""Customers told in one transaction, which stays short."""
SOURCE = "apply"
OLDER = "an older release"
"""The note of a rollout by which somebody went back to what was applied before."""
ALONE = "a rehearsal of it alone"
"""The note of a rollout of a playbook without the others of its folder."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Part of the customers; all of them when both are empty. `segment`: an expression over `customer.*` alone. `csm`:
    a teammate's id.
    """

    segment: Expr | None = None
    csm: str = ""

    @property
    def whole(self) -> bool:
        return self.segment is None and not self.csm

    @property
    def text(self) -> str:
        """For people: `customer.tier == 'pro'; csm mara`; `everybody`."""
        parts = [self.segment.text] if self.segment else []
        return "; ".join([*parts, f"csm {self.csm}"] if self.csm else parts) or "everybody"

    def means(self, other: "Scope") -> bool:
        """Whether it is the same part of the customers, however its expression is spaced and quoted."""
        mine, theirs = (scope.segment.tree if scope.segment else None for scope in (self, other))
        return self.csm == other.csm and mine == theirs

    def holds(self, profile: Profile, csm: str, stage: str = "new", band: str = "") -> bool:
        """Whether a customer is in it."""

        def lookup(path: str) -> Value:
            name = path.removeprefix("customer.")
            found = {"stage": stage, "band": band}.get(name) or getattr(profile, name, None)
            return found if isinstance(found, str | int) and found != "" else None

        return (not self.csm or self.csm == csm) and (self.segment is None or conditions.holds(self.segment, lookup))


EVERYBODY = Scope()


@dataclass(frozen=True, slots=True)
class Options:
    """What `apply` is asked to do with the plays in flight, and for whom. `shadow`: nobody is told."""

    move: tuple[str, ...] = ()
    late: Literal["skip", "fire"] = "skip"
    scope: Scope = field(default_factory=Scope)
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Rollout:
    """A row. `told`: customers so far. `in_force`: new customers in its scope start with it."""

    id: int
    digest: str
    note: str
    options: Options
    in_force: bool
    told: int
    started_at: datetime
    finished_at: datetime | None


def begin(c: Connection, digest: str, options: Options, note: str) -> int:
    """Write a rollout down; its releases are stored. One to everybody ends those to parts.

    Args:
        c: a write transaction that holds `releases.APPLYING`.
        digest: of the catalogue.
        options: to whom, and how.
        note: where the releases come from, for people.
    """
    whole = options.scope.whole and not options.shadow
    if whole:
        c.execute(update(rollouts).values(in_force=False))
    values = {
        "digest": digest,
        "note": note,
        "scope": encode(options.scope),
        "move": list(options.move),
        "late": options.late,
        "shadow": options.shadow,
        "in_force": not whole and not options.shadow,
        "cursor": "",
        "told": 0,
        "started_at": now(),
        "finished_at": now() if options.shadow else None,
    }
    return int(c.execute(insert(rollouts).values(**values).returning(rollouts.c.id)).scalar_one())


def listed(c: Connection) -> list[Rollout]:
    """All of them, the newest first."""
    return [_rollout(row) for row in c.execute(select(rollouts).order_by(rollouts.c.id.desc()))]


def unfinished(c: Connection) -> list[Rollout]:
    """Those that were interrupted, or that another process is carrying out, the oldest first."""
    query = select(rollouts).where(rollouts.c.finished_at.is_(None)).order_by(rollouts.c.id)
    return [_rollout(row) for row in c.execute(query)]


def tell_some(c: Connection, rollout: int) -> int | None:
    """Tell the next customers of a rollout, in a write transaction; how many were looked at, None: it is finished."""
    one_at_a_time(c, releases.APPLYING)
    row = c.execute(select(rollouts).where(rollouts.c.id == rollout)).one()
    if row.finished_at is not None:
        return None
    found = _rollout(row)
    query = select(tables.customers).where(tables.customers.c.id > row.cursor).order_by(tables.customers.c.id)
    ids = [item.id for item in c.execute(query.limit(BATCH))]
    if not ids:
        c.execute(update(rollouts).where(rollouts.c.id == rollout).values(finished_at=now()))
        return None
    scope = found.options.scope
    told = ids if scope.whole else [name for name in ids if inside(c, customers.get(c, name), scope)]
    event = CatalogueApplied(found.digest, found.options.move, found.options.late)
    for customer in told:
        event_id = f"{found.digest}/{rollout}/{customer}"
        inbox.accept(c, customer, SOURCE, event_id, event, body_digest=found.digest)
    values = {"cursor": ids[-1], "told": found.told + len(told)}
    c.execute(update(rollouts).where(rollouts.c.id == rollout).values(**values))
    return len(ids)


def inside(c: Connection, customer: Customer, scope: Scope, stage: str = "") -> bool:
    """Whether a customer is in a scope as it stands now, or in another stage."""
    if scope.whole:
        return True
    person = team.team_of(c, customer.id).get("csm") if scope.csm else None
    csm = "" if person is None else person.id
    return scope.holds(customer.profile, csm, stage or customer.stage, customer.band)


def catalogue_of(c: Connection, customer: Customer) -> str | None:
    """The catalogue that a new customer starts with: that of the newest rollout to a part it belongs to, else the
    current one; None where nothing was ever applied.
    """
    query = select(rollouts).where(rollouts.c.in_force).order_by(rollouts.c.id.desc())
    for row in c.execute(query):
        found = _rollout(row)
        if inside(c, customer, found.options.scope):
            return found.digest
    return releases.current(c)


def parts(c: Connection) -> list[Rollout]:
    """The rollouts to parts of the customers that are in force."""
    return [item for item in listed(c) if item.in_force]


def set_aside(c: Connection, digest: str) -> bool:
    """Whether somebody decided that not everybody has this catalogue: it is for a part or only a shadow, or they went
    back from it, or rehearse one of its playbooks alone. Whoever starts a process decides nothing of that.
    """
    rows = listed(c)
    for item in rows:
        whole = item.options.scope.whole and not item.options.shadow
        if whole:
            back = item.note == OLDER and item.digest != digest and any(row.digest == digest for row in rows)
            return back or (item.note == ALONE and item.digest != digest)
        if item.digest == digest and (item.in_force or item.options.shadow):
            return True
    return False


# --- shadows ----------------------------------------------------------------------------------------------------------


def keep_states(c: Connection, rollout: int, states: Mapping[str, Any]) -> None:
    """Keep where customers stood when a shadow began: their states' JSON by customer."""
    rows = [{"rollout": rollout, "customer": name, "state": state} for name, state in states.items()]
    if rows:
        c.execute(insert(shadows), rows)


def shadow(c: Connection) -> Rollout | None:
    """The newest shadow."""
    return next((item for item in listed(c) if item.options.shadow), None)


def kept_states(c: Connection, rollout: int) -> Iterator[tuple[str, Any]]:
    """What `keep_states` kept, by customer."""
    query = select(shadows).where(shadows.c.rollout == rollout).order_by(shadows.c.customer)
    return ((row.customer, row.state) for row in c.execute(query))


def holders(c: Connection) -> Mapping[str, int]:
    """How many customers hold each catalogue."""
    table = tables.customers
    query = (
        select(table.c.catalogue, func.count().label("customers")).where(~table.c.stopped).group_by(table.c.catalogue)
    )
    return {row.catalogue: row.customers for row in c.execute(query)}


def _rollout(row: Row[Any]) -> Rollout:
    options = Options(tuple(row.move), row.late, decode(Scope, row.scope), row.shadow)
    return Rollout(row.id, row.digest, row.note, options, row.in_force, row.told, row.started_at, row.finished_at)
