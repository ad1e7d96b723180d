"""One way to stop writing to an address: for all customers, and with an event to the workflow of each that has it."""

from sqlalchemy import Connection

from lifecycle.jsonform import digest
from lifecycle.messages import ContactSuppressed
from store import customers, inbox


def suppress(c: Connection, address: str, *, why: str, source: str, event_id: str) -> set[str]:
    """Suppress an address; nothing more happens when that was done before.

    Args:
        c: a write transaction.
        address: as written anywhere; compared normalised.
        why: `unsubscribed`, `bounced` or `complained`.
        source: who says so.
        event_id: unique within `source`.

    Returns:
        The customers whose inbox has something new.
    """
    if not customers.suppress(c, address, why, source):
        return set()
    told = set()
    for customer, contact in customers.contacts_at(c, address):
        event = ContactSuppressed(contact, why)
        inbox.accept(c, customer, source, f"{event_id}/{contact}", event, body_digest=digest([contact, why]))
        told.add(customer)
    return told
