"""What is known of a customer now and since when: the newest snapshot, brought up to date by the events accepted since.

Snapshots are written now and then; what came in since stands in the inbox, so what people see is never behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from lifecycle import calendar, conditions
from lifecycle.facts import learned
from lifecycle.jsonform import decode_union
from lifecycle.messages import Absorbed, ContractSigned, Event, MilestoneTicked, SignedUp
from lifecycle.model import Contract, Fact, Play, Snapshot, Value, state_from_json
from lifecycle.playbook import Lifecycle, Target
from store import projections, tables
from store.customers import Customer

_OVER = "complete"
"""The renewal phase of a contract whose last day has passed."""


@dataclass(frozen=True, slots=True)
class Known:
    """`facts`: latest values by dotted name. `ticked`: the milestones that people ticked. Instants: customer time.
    `plays`, `history` of the health score: as of the snapshot. `contracts`: by the last end that each was told to have.
    """

    facts: Mapping[str, Fact] = field(default_factory=dict)
    ticked: Mapping[str, datetime] = field(default_factory=dict)
    plays: tuple[Play, ...] = ()
    history: tuple[Snapshot, ...] = ()
    contracts: tuple[Contract, ...] = ()

    @property
    def contract(self) -> Contract | None:
        """The contract that ends next; where all are over, the last one."""
        ends = sorted(self.contracts, key=lambda one: (one.ends_on, one.id))
        return next((one for one in ends if one.phase != _OVER), ends[-1] if ends else None)


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone of the lifecycle. `at`: when it was ticked, or when the last fact came that it hangs on; None while
    it is not reached, or where nobody can say since when. `target`: by when the customer's journey wants it.
    """

    name: str
    title: str
    reached: bool
    at: datetime | None
    target: Target | None = None


_LATER = (
    select(tables.inbox.c.event, tables.inbox.c.received_at)
    .where(tables.inbox.c.customer == bindparam("customer"), tables.inbox.c.seq > bindparam("seq"))
    .order_by(tables.inbox.c.seq)
)


def known(c: Connection, customer: Customer, life: Lifecycle | None) -> Known:
    """What the core will have heard once everything accepted is delivered. `life`: what its events set; None: nothing
    but what they carry.
    """
    raw = projections.snapshot(c, customer.id)
    state = None if raw is None else state_from_json(raw)
    contracts = {one.id: one for one in state.contracts} if state else {}
    facts, ticked = (dict(state.facts), dict(state.ticked)) if state else ({}, {})
    for row in c.execute(_LATER, {"customer": customer.id, "seq": state.seq if state else 0}):
        at = customer.clock.virtual(row.received_at)
        event: Event = decode_union(Event, row.event)
        told = learned(event, life)
        facts = {name: fact for name, fact in facts.items() if name not in told}
        facts |= {name: Fact(value, at) for name, value in told.items() if value is not None}
        if isinstance(event, MilestoneTicked):
            ticked = {name: since for name, since in ticked.items() if name != event.milestone}
            ticked |= {event.milestone: at} if event.done else {}
        told_of = _joined(event, contracts, at, customer) if isinstance(event, Absorbed) else _signed(event)
        contracts |= {one.id: one for one in told_of}
    plays, history = (state.plays, state.history) if state else ((), ())
    return Known(facts, ticked, plays, history, tuple(contracts.values()))


def _signed(event: Event) -> tuple[Contract, ...]:
    """The contracts that an event tells of."""
    match event:
        case SignedUp(contracts=those):
            return those
        case ContractSigned(contract=one):
            return (one,)
        case _:
            return ()


def _joined(event: Absorbed, own: Mapping[str, Contract], at: datetime, customer: Customer) -> tuple[Contract, ...]:
    """The contracts that come with a merge, as `lifecycle.merging` takes them."""
    today, ends = calendar.local(at, customer.profile.zone).date(), {one.ends_on for one in own.values()}
    return tuple(one for one in event.contracts if one.ends_on >= today and one.ends_on not in ends)


def milestones(life: Lifecycle, customer: Customer, found: Known) -> tuple[Reached, ...]:
    """Every milestone of the lifecycle file, in its order, and of the customer's own journey."""
    journey = customer.profile.journey
    wanted = {item.milestone: item for item in life.course(journey).targets}
    others = {key for name, one in life.journeys.items() if name != journey for key in one.milestones}
    lookup = seen_by(life, customer, found)
    names = [name for name in life.milestones if name not in others]
    return tuple(replace(_reached(life, name, found, lookup), target=wanted.get(name)) for name in names)


def seen_by(life: Lifecycle, customer: Customer, found: Known) -> conditions.Lookup:
    """What a condition of the lifecycle sees of a customer now; nothing of contracts."""
    about: Mapping[str, Value] = {"stage": customer.stage, "band": customer.band or None}
    running = {play.playbook.replace("-", "_") for play in found.plays if not play.over}

    def lookup(path: str) -> Value:
        group, _, name = path.partition(".")
        if group == "milestones":
            return _reached(life, name, found, lookup).reached if name in life.milestones else None
        if group == "playing":
            return name in running
        if group == "customer":
            value: Value = about.get(name, getattr(customer.profile, name, None))
            return None if value == "" else value
        return found.facts[path].value if path in found.facts else None

    return lookup


def _reached(life: Lifecycle, name: str, found: Known, lookup: conditions.Lookup) -> Reached:
    spec = life.milestones[name]
    if name in found.ticked:
        return Reached(name, spec.title, reached=True, at=found.ticked[name])
    if spec.when is None or not conditions.holds(spec.when, lookup):
        return Reached(name, spec.title, reached=False, at=None)
    since = [found.facts[path].at for path in conditions.names(spec.when) if path in found.facts]
    return Reached(name, spec.title, reached=True, at=max(since, default=None))
