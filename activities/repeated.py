"""What a customer is not sent again because one that was merged into it has had it, judged as the touch is reserved.

Source of the rules: docs/decisions/0017-merging-keeps-the-ledger.md.
"""

from datetime import timedelta

from sqlalchemy import Connection

from lifecycle import touches
from lifecycle.commands import SendEmail, SendInvite, SendSurvey
from lifecycle.playbook import PER_CONTRACT, Playbook
from store import customers, meetings, merges
from store.database import now
from store.ledger import Barrier
from store.merges import Earlier

Seen = SendEmail | SendSurvey | SendInvite
AGAIN_AFTER = timedelta(days=30)
"""Of a playbook that may run again: after so long, in the customer's time, the same touch is another one."""
HAD = "had it already from the account that was merged into this one"
BEING_SENT = "may be on its way already from the account that was merged into this one"


def barrier(c: Connection, customer: str, command: Seen, address: str, book: Playbook) -> Barrier | None:
    """What keeps a touch back. `address`: of its reader; empty for a teammate, who is invited along with the people of
    the customer or not at all.
    """
    if book.per not in ("", PER_CONTRACT):
        return None  # it is about another ticket, order, ...
    if address:
        return _had(c, customer, command, address, book)
    people = [customers.contact(c, customer, one) for one in command.guests] if isinstance(command, SendInvite) else []
    found = [_had(c, customer, command, person.email, book) for person in people if person]
    return found[0] if found and all(found) else None


def _had(c: Connection, customer: str, command: Seen, address: str, book: Playbook) -> Barrier | None:
    those = [one for one in merges.earlier(c, command.touch, address) if _counts(c, customer, command, one, book)]
    if any(one.surely for one in those):
        return Barrier("withdrawn", HAD)
    return Barrier("held", BEING_SENT) if those else None


def _counts(c: Connection, customer: str, command: Seen, one: Earlier, book: Playbook) -> bool:
    once = book.reentry == "once" and not book.per
    if not once and now() - one.at > customers.get(c, customer).clock.real_length(AGAIN_AFTER):
        return False
    return not isinstance(command, SendInvite) or _begun(c, one.touch)


def _begun(c: Connection, touch: str) -> bool:
    """Whether the meeting of an invitation had begun when its customer was merged: those to come were cancelled."""
    meeting = meetings.get(c, touch.rpartition("/")[0])
    gone = customers.get(c, touches.read(touch).customer)
    if meeting is None or gone.merged_at is None:
        return False
    return not meeting.cancelled and meeting.starts_at <= gone.clock.virtual(gone.merged_at)
