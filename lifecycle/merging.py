"""Two customers become one: the merged one ends all that it was doing, the survivor takes in its people.

What the merged one was sent stays its own in the ledger, and counts towards the survivor's caps here. That nothing of
it goes out again is judged where the ledger can be read: at the moment of sending, like suppression. Source of the
rules: docs/decisions/0017-merging-keeps-the-ledger.md.
"""

from lifecycle import calendar, contacts, journey, leaving, retries
from lifecycle.messages import Absorbed, Merged
from lifecycle.turn import Turn

REASON = "the customer was merged into another one"


def hear(turn: Turn, event: Merged | Absorbed) -> None:
    """Take either side of a merge."""
    match event:
        case Merged():
            _end(turn, event.into)
        case Absorbed():  # pragma: no branch - the union is closed
            _take_in(turn, event)


def _end(turn: Turn, into: str) -> None:
    """End every play, and rest: nothing starts here any more, whatever comes, and only what must be taken back is still
    done. Holds end, so that they keep no cancelling back.
    """
    if turn.merged:
        turn.decide_life("merge", "merge", "skipped", f"was merged before and goes on as {turn.merged}")
        return
    turn.decide_life("merge", "merge", "fired", f"{REASON} and goes on as {into}")
    for play in turn.plays:
        leaving.end(turn, play, REASON)
    retries.drop_late(turn, REASON)
    turn.merged, turn.holds = into, {}
    retries.hurry(turn)
    turn.stir()


def _take_in(turn: Turn, event: Absorbed) -> None:
    """Take in people and contracts, and count what was sent of late. Of a contract that both have, one stays; one that
    has ended stays behind. Somebody is asked to look at what ended.
    """
    turn.decide_life("merge", "merge", "fired", f"{event.customer} was merged into this customer")
    contacts.put(turn, *event.contacts)
    turn.touched = tuple(dict.fromkeys((*turn.touched, *event.touched)))
    ends, ids = {item.ends_on for item in turn.contracts}, {item.id for item in turn.contracts}
    today = calendar.local(turn.at, turn.profile.zone).date()
    for contract in event.contracts:
        if contract.ends_on >= today and contract.ends_on not in ends and contract.id not in ids:
            journey.sign(turn, contract)
    title = "Another account was merged into this one. Look at what ended with it, and at its contracts"
    journey.ask_owner(turn, "merge", title)
