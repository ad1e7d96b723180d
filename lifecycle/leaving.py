"""How a play is left early: what it has asked is withdrawn, its meetings to come are cancelled, the rest is dropped."""

from collections.abc import Iterable

from lifecycle import entering, meetings, questions, retries
from lifecycle.actions import Invite
from lifecycle.model import SETTLED, Play
from lifecycle.playbook import Step
from lifecycle.turn import Turn


def end(turn: Turn, play: Play, reason: str) -> None:
    """Leave a play early: open approvals are withdrawn, meetings that have not begun are cancelled, what is held is
    dropped.
    """
    play = turn.play(play.key) or play
    withdraw(turn, play, turn.book(play).steps, reason)
    retries.drop(turn, play, reason)
    turn.plays = tuple(other for other in turn.plays if other.key != play.key)
    if not play.over:
        turn.decide(play, "", "play", "cancelled", f"ended: {reason}")
        note_end(turn, play)


def withdraw(turn: Turn, play: Play, steps: Iterable[Step], reason: str, *, calendar: bool = True) -> None:
    """Take back what some steps of a play have begun: questions, what is held, and meetings that have not begun."""
    for step in steps:
        progress = play.steps.get(step.id)
        if progress is None:
            continue
        if progress.status == "asked":
            questions.settle(turn, play, step, "withdrawn")
        if progress.status not in SETTLED:
            turn.decide(play, step.id, step.action.kind, "cancelled", reason)
        if calendar and isinstance(step.action, Invite) and progress.status == "fired":
            meetings.cancel(turn, play, step, step.action, progress, reason)


def note_end(turn: Turn, play: Play) -> None:
    """Remember when it ended, for its re-entry. Of plays about tickets and the like there may be thousands: those are
    remembered only as long as they keep another from starting.
    """
    book = turn.book(play)
    key = entering.ended_key(book, play.subject)
    if not play.subject or book.cooldown is not None:
        turn.ended = {**turn.ended, key: turn.at}
