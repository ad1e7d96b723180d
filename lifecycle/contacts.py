"""The people at a customer: who is new, who has other roles, who may no longer be written to."""

from dataclasses import replace

from lifecycle import plays
from lifecycle.model import Contact
from lifecycle.turn import Turn


def put(turn: Turn, *contacts: Contact) -> None:
    """Take people as they are now; who may not be written to stays so. Steps that waited for somebody look again."""
    known = {item.id: item for item in turn.contacts}
    for contact in contacts:
        old = known.get(contact.id)
        known[contact.id] = replace(contact, suppressed=contact.suppressed or (old is not None and old.suppressed))
    turn.contacts = tuple(known.values())
    plays.retry_held(turn)


def suppress(turn: Turn, name: str, *, suppressed: bool) -> None:
    """Write to a person no more, or again."""
    turn.contacts = tuple(replace(item, suppressed=suppressed) if item.id == name else item for item in turn.contacts)
    plays.retry_held(turn)
