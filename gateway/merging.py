"""Merging one customer into another: what stands against it, the rows with the two events, and what an event under the
merged one's id means from then on.

Source of the rules: docs/decisions/0017-merging-keeps-the-ledger.md.
"""

from dataclasses import replace

from sqlalchemy import Connection, select

from gateway import fields
from gateway.envelope import Inbound
from gateway.refusals import RefusedError
from gateway.signup import LONGEST_ID, read_signup
from gateway.translate import people_of, translate
from lifecycle import journey
from lifecycle.jsonform import decode_union
from lifecycle.messages import Absorbed, Churned, ContractSigned, Event, Merged, Returned, SignedUp
from lifecycle.model import Contract
from lifecycle.playbook import Lifecycle
from store import customers, inbox, merges, tables, windows
from store.customers import Customer
from store.database import one_at_a_time
from store.inbox import Accepted, Row

_ABOUT_CONTRACTS = ("signed_up", "contract_signed", "absorbed")


def read_into(inbound: Inbound) -> str:
    """The sender's id of the survivor, in `customer.merged`."""
    fields.known_keys(inbound.data, "data", ("customer", "into"))
    return fields.text(inbound.data.get("into"), "into", longest=LONGEST_ID)


def named(c: Connection, outer_id: str, field: str) -> Customer:
    """The customer that a sender calls so, merged or not.

    Raises:
        RefusedError: nobody has signed up under that id.
    """
    found = customers.find(c, outer_id)
    if found is None:
        raise RefusedError(field, "has not signed up here", "correct the id, or send customer.signed_up first")
    return found


def to_do(c: Connection, gone: Customer, into: Customer) -> bool:
    """Whether a customer is to be merged into another one; False where it has been.

    Raises:
        RefusedError: it cannot be, and what to do instead.
    """
    if gone.id == into.id:
        raise RefusedError("into", "is the customer itself", "name the other customer")
    if gone.merged_into == into.id:
        return False
    if gone.merged_into:
        home = merges.home(c, gone).outer_id
        raise RefusedError("customer", f'was merged into "{home}" before', f'merge "{home}", if that is meant')
    if into.merged_into == gone.id:
        raise RefusedError("into", "was merged into the customer before", "leave it: the two are one")
    if into.merged_into:
        home = merges.home(c, into).outer_id
        raise RefusedError("into", f'was merged into "{home}" itself', f'merge into "{home}" instead')
    if gone.clock.rehearsal != into.clock.rehearsal:
        raise RefusedError("into", "is rehearsed and the customer is not, or the reverse", "name two of one kind")
    return True


def alone(c: Connection, *outer_ids: str) -> None:
    """Let no other event under these ids be taken meanwhile: one that finds no customer would be parked after its
    signup has looked for parked ones, and one for a customer that is being merged would come too late for it.
    """
    for outer_id in sorted(set(outer_ids)):
        one_at_a_time(c, f"events of {outer_id}")


def merge(
    c: Connection, gone: Customer, into: Customer, *, source: str, event_id: str, body_digest: str
) -> tuple[Accepted, Row, Absorbed | None]:
    """Merge a customer into another one, unless that was done: the rows, and an event for each of the two.

    Returns:
        What became of the merged customer's event, its row, and what the survivor is told; None where that was before.

    Raises:
        RefusedError: as `to_do`.
    """
    fresh = to_do(c, gone, into)
    accepted, row = inbox.accept(c, gone.id, source, event_id, Merged(into.id), body_digest=body_digest, tell=fresh)
    if not fresh or accepted is not Accepted.NEW:
        return accepted, row, None
    merges.merge(c, gone, into)
    windows.join(c, gone.id, into.id)
    people, lately = merges.join_people(c, gone.id, into.id), merges.lately(c, into)
    event = Absorbed(gone.id, people, lately, _contracts(c, gone))
    inbox.accept(c, into.id, source, f"{event_id}#1", event, body_digest=body_digest)
    return accepted, row, event


def _contracts(c: Connection, gone: Customer) -> tuple[Contract, ...]:
    """The contracts that a customer was told of, under ids that say whose they were."""
    table, found = tables.inbox, dict[str, Contract]()
    query = select(table.c.event).where(table.c.customer == gone.id)
    query = query.where(table.c.event["kind"].as_string().in_(_ABOUT_CONTRACTS))
    for (raw,) in c.execute(query.order_by(table.c.seq)):
        event: Event = decode_union(Event, raw)
        match event:
            case SignedUp(contracts=told) | Absorbed(contracts=told):
                found |= {contract.id: contract for contract in told}
            case ContractSigned(contract=contract):
                found[contract.id] = journey.after(found.get(contract.id), contract)
            case _:
                raise TypeError(f"a {event.kind} tells of no contract")
    return tuple(_of(gone, contract) for contract in found.values())


def _of(gone: Customer, contract: Contract) -> Contract:
    return replace(contract, id=f"{contract.id}-{gone.id}")


def late(
    c: Connection, gone: Customer, into: Customer, inbound: Inbound, lifecycle: Lifecycle
) -> tuple[Customer, list[Event], bool]:
    """What an event under a merged customer's id means: whose it is, the events, and whether they are to be told.

    Raises:
        RefusedError: a field is wrong; the caller rolls back.
    """
    match inbound.type:
        case "customer.churned" | "customer.returned":
            # Not by `translate`, which would stop the customer: that the old account is closed is part of merging it.
            event = Churned() if inbound.type == "customer.churned" else Returned()
            return gone, [event], False
        case "meeting.declined" | "meeting.no_show" | "meeting.held":
            return gone, translate(c, gone, inbound, lifecycle), True
        case "customer.signed_up" | "customer.updated":
            signup = read_signup(inbound.data, lifecycle, allow_rehearsal=True)
            people = people_of(c, into, signup)
            return (into, people, True) if people else (gone, [Merged(into.id)], False)
        case "contract.signed":
            events = translate(c, into, inbound, lifecycle)
            own = [ContractSigned(_of(gone, one.contract)) for one in events if isinstance(one, ContractSigned)]
            return into, [*own], True
        case _:
            return into, translate(c, into, inbound, lifecycle), True
