"""From an event to durable rows, in one transaction: accepted, parked before its signup, or refused in sight.

Rules: the answer 202 is given only after the transaction; a repeat of an id with the same body gets the first answer
again and changes nothing; the same id with another body is 409. What is refused is kept where people see it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from gateway import merging
from gateway.envelope import Inbound, spelled
from gateway.refusals import RefusedError
from gateway.signup import Signup, read_signup
from gateway.translate import FIXED, MAIN_CONTRACT, MERGED, SIGNED_UP, again, known_type, outer_id_of, translate
from lifecycle.messages import Event, FactsReported, SignedUp
from lifecycle.model import Contract, Teammate
from lifecycle.playbook import Lifecycle, Manifest
from store import customers, facts, inbox, merges, releases, standing, team, windows
from store.customers import Customer
from store.database import Database, now, one_at_a_time
from store.inbox import Accepted, Row

CLASHES = 3
ACCEPTED = "accepted"
PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a sender. `customer` is ours and opaque, empty while the event is parked; `fresh`: not a repeat."""

    status: str
    customer: str = ""
    seq: int = 0
    fresh: bool = True

    def body(self) -> dict[str, Any]:
        """The JSON answer: the same for a repeat as for the first."""
        return {"status": self.status} | ({"customer": self.customer, "seq": self.seq} if self.customer else {})


def nothing(_c: Connection, _customer: str) -> None:
    """What follows from an event that nobody here delivers."""


class _RepeatedError(Exception):
    """Rolls back what a repeat would have written; carries the row of the first time."""

    def __init__(self, row: Row) -> None:
        super().__init__("repeated")
        self.row = row


class Lifecycles:
    """The lifecycle of the current catalogue, read once per digest."""

    def __init__(self) -> None:
        self._known: dict[str, Lifecycle] = {}

    def current(self, c: Connection) -> tuple[str, Lifecycle]:
        """The current catalogue's digest and its lifecycle.

        Raises:
            RefusedError: 503, nothing has been applied yet.
        """
        digest = releases.current(c)
        if digest is None:
            raise RefusedError(
                "catalogue", "no playbooks are applied yet", "run `stageplay apply`, then send again", status=503
            )
        if digest not in self._known:
            self._known[digest] = _load(c, digest)
        return digest, self._known[digest]


def _load(c: Connection, digest: str) -> Lifecycle:
    manifest = releases.load(c, digest)
    lifecycle = releases.load(c, manifest.lifecycle) if isinstance(manifest, Manifest) else None
    if not isinstance(lifecycle, Lifecycle):
        raise RefusedError(
            "catalogue", "the applied playbooks are incomplete", "run `stageplay apply` again", status=503
        )
    return lifecycle


class Intake:
    """Takes events in. Synchronous; every call is one transaction (three at most, when two signups clash)."""

    def __init__(self, db: Database, lifecycles: Lifecycles, *, allow_rehearsal: bool) -> None:
        self._db = db
        self._lifecycles = lifecycles
        self._allow_rehearsal = allow_rehearsal

    def take(self, inbound: Inbound, then: Callable[[Connection, str], None] = nothing) -> Receipt:
        """Store one event. `then` is called with the customer of one that is new, in the same transaction.

        Raises:
            RefusedError: what is wrong with it; 422 is also kept for people to see.
        """
        try:
            return self._clashing(lambda c: self._take(c, inbound), then)
        except RefusedError as refusal:
            if refusal.status == 422:  # noqa: PLR2004 - understood, but not acceptable
                with self._db.begin() as c:
                    inbox.refuse(c, inbound.source, inbound.id, inbound.raw(), str(refusal))
            raise

    def _clashing(self, take: Callable[[Connection], Receipt], then: Callable[[Connection, str], None]) -> Receipt:
        """Run it again when another transaction created the same customer or row in between."""
        for turn in range(CLASHES):
            try:
                with self._db.begin() as c:
                    receipt = take(c)
                    if receipt.customer:
                        then(c, receipt.customer)
                    return receipt
            except _RepeatedError as repeat:
                return Receipt(ACCEPTED, repeat.row.customer, repeat.row.seq, fresh=False)
            except IntegrityError:
                if turn + 1 == CLASHES:
                    raise
        raise AssertionError("unreachable")

    def _take(self, c: Connection, inbound: Inbound) -> Receipt:
        _, lifecycle = self._lifecycles.current(c)
        if inbound.source == "segment":
            inbound = replace(inbound, type=spelled(inbound.type, {*FIXED, *lifecycle.events}))
        known_type(inbound, lifecycle)
        merging.alone(c, outer_id_of(inbound), *_others(inbound))
        customer = customers.find(c, outer_id_of(inbound))
        if inbound.type == MERGED:
            return _merge(c, inbound)
        if customer is not None:
            return self._known(c, customer, inbound, lifecycle)
        if inbound.type == SIGNED_UP:
            return self._new(c, inbound, lifecycle)
        if inbox.park(c, outer_id_of(inbound), inbound.source, inbound.id, inbound.raw()) is Accepted.CONFLICT:
            raise _conflict()
        return Receipt(PARKED)

    def _known(self, c: Connection, customer: Customer, inbound: Inbound, lifecycle: Lifecycle) -> Receipt:
        if inbound.type == SIGNED_UP and not customer.merged_into:
            signup = read_signup(inbound.data, lifecycle, allow_rehearsal=self._allow_rehearsal)
            return _accept_all(c, customer.id, inbound, again(c, customer, signup), lifecycle)
        return _accept_known(c, customer, inbound, lifecycle)

    def _new(self, c: Connection, inbound: Inbound, lifecycle: Lifecycle) -> Receipt:
        signup = read_signup(inbound.data, lifecycle, allow_rehearsal=self._allow_rehearsal)
        if not signup.name:
            raise RefusedError("customer.name", "is missing", "send the name that mails should say")
        one_at_a_time(c, releases.APPLYING, shared=True)
        customer, event = _create(c, signup, lifecycle)
        receipt = _accept_all(c, customer.id, inbound, [event], lifecycle)
        standing.meet(c, customer)
        for parked in inbox.unpark(c, signup.outer_id):
            _unpark(c, customer, Inbound.from_raw(parked.raw), lifecycle)
        return receipt


def _create(c: Connection, signup: Signup, lifecycle: Lifecycle) -> tuple[Customer, SignedUp]:
    at = now()
    clock = signup.clock(at)
    profile = signup.new_profile(lifecycle, clock.virtual(at))
    if signup.team:
        signup.check_team(team.teammates(c))
    assigned, why = team.assign(c, profile, signup.team)
    customer, contacts = customers.create(
        c,
        outer_id=signup.outer_id,
        name=signup.name,
        profile=profile,
        clock=clock,
        contacts=signup.contacts,
        team=assigned,
    )
    ends_on, starts_on = signup.contract_ends_on, profile.signed_up_on
    contracts = () if ends_on is None else (Contract(MAIN_CONTRACT, ends_on, starts_on=starts_on),)
    mates = {role: Teammate(person.id, person.zone or lifecycle.default_zone) for role, person in assigned.items()}
    return customer, SignedUp(profile, contacts, mates, contracts, assigned=why)


def _others(inbound: Inbound) -> tuple[str, ...]:
    """Whose events else must not come meanwhile."""
    return (merging.read_into(inbound),) if inbound.type == MERGED else ()


def _merge(c: Connection, inbound: Inbound) -> Receipt:
    gone = merging.named(c, outer_id_of(inbound), "customer")
    into = merging.named(c, merging.read_into(inbound), "into")
    accepted, row, _ = merging.merge(
        c, gone, into, source=inbound.source, event_id=inbound.id, body_digest=inbound.body_digest
    )
    return _receipt(accepted, row)


def _unpark(c: Connection, customer: Customer, inbound: Inbound, lifecycle: Lifecycle) -> None:
    """An event that came before the signup: taken now, in the order it came; one that makes no sense is shown."""
    try:
        with c.begin_nested():
            known_type(inbound, lifecycle)
            _accept_known(c, customer, inbound, lifecycle)
    except (RefusedError, _RepeatedError) as refusal:
        inbox.refuse(c, inbound.source, inbound.id, inbound.raw(), str(refusal))


def _accept_known(c: Connection, customer: Customer, inbound: Inbound, lifecycle: Lifecycle) -> Receipt:
    """An event of a customer that exists. Of a report of facts only news reaches the workflow, which would pay for any
    other value and do nothing.
    """
    whose, tell = customer, True
    if customer.merged_into:
        merging.alone(c, merges.home(c, customer).outer_id)
        gone = customers.get(c, customer.id)  # the survivor may have been merged before it was ours alone
        whose, events, tell = merging.late(c, gone, merges.home(c, gone), inbound, lifecycle)
    else:
        events = translate(c, customer, inbound, lifecycle)
    events = [windows.take(c, whose, event, inbound.at, lifecycle) for event in events]
    match events:
        case [FactsReported(facts=values)]:
            news = facts.news(c, whose.id, values, lifecycle.facts)
            return _accept_all(c, whose.id, inbound, [FactsReported(news)], lifecycle, tell=bool(news))
        case _:
            return _accept_all(c, whose.id, inbound, events, lifecycle, tell=tell)


def _accept_all(
    c: Connection, customer: str, inbound: Inbound, events: Sequence[Event], lifecycle: Lifecycle, *, tell: bool = True
) -> Receipt:
    """The first event carries the sender's id, further ones the id with a number."""
    first, *others = events
    for event in events:
        facts.note(c, customer, event, lifecycle)
    accepted, row = inbox.accept(
        c, customer, inbound.source, inbound.id, first, body_digest=inbound.body_digest, tell=tell
    )
    receipt = _receipt(accepted, row)
    for number, event in enumerate(others, start=1):
        inbox.accept(c, customer, inbound.source, f"{inbound.id}#{number}", event, body_digest=inbound.body_digest)
    return receipt


def _receipt(accepted: Accepted, row: Row) -> Receipt:
    if accepted is Accepted.CONFLICT:
        raise _conflict()
    if accepted is Accepted.REPEATED:
        raise _RepeatedError(row)
    return Receipt(ACCEPTED, row.customer, row.seq)


def _conflict() -> RefusedError:
    return RefusedError("id", "was used for another event", "send each event under an id of its own", status=409)
