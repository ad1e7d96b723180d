"""How a play is left early: what it has asked is withdrawn, its meetings to come are cancelled, the rest is dropped."""

from collections.abc import Iterable

from lifecycle import effects, entering, questions, schedule
from lifecycle.actions import Invite
from lifecycle.commands import CancelInvite
from lifecycle.model import SETTLED, Play, Progress
from lifecycle.playbook import Step
from lifecycle.turn import Turn


def end(turn: Turn, play: Play, reason: str) -> None:
    """Leave a play early: open approvals are withdrawn, meetings that have not begun are cancelled, what is held is
    dropped.
    """
    play = turn.play(play.key) or play
    withdraw(turn, play, turn.book(play).steps, reason)
    effects.drop(turn, play, reason)
    turn.plays = tuple(other for other in turn.plays if other.key != play.key)
    if not play.over:
        turn.decide(play, "", "play", "cancelled", f"ended: {reason}")
        note_end(turn, play)


def withdraw(turn: Turn, play: Play, steps: Iterable[Step], reason: str, *, meetings: bool = True) -> None:
    """Take back what some steps of a play have begun: questions, what is held, and meetings that have not begun."""
    for step in steps:
        progress = play.steps.get(step.id)
        if progress is None:
            continue
        if progress.status == "asked":
            questions.settle(turn, play, step, "withdrawn")
        if progress.status not in SETTLED:
            turn.decide(play, step.id, step.action.kind, "cancelled", reason)
        if meetings and isinstance(step.action, Invite) and progress.status == "fired":
            cancel_meeting(turn, play, step, step.action, progress, reason)


def note_end(turn: Turn, play: Play) -> None:
    """Remember when it ended, for its re-entry. Of plays about tickets and the like there may be thousands: those are
    remembered only as long as they keep another from starting.
    """
    book = turn.book(play)
    key = entering.ended_key(book, play.subject)
    if not play.subject or book.cooldown is not None:
        turn.ended = {**turn.ended, key: turn.at}


def cancel_meeting(turn: Turn, play: Play, step: Step, action: Invite, progress: Progress, reason: str) -> None:
    _, closes = schedule.slot_window(turn, play, action, progress.offered or progress.at, step.id)
    if turn.at >= closes:
        return
    meeting = turn.touch(play, step.id, "send")
    unsent = {item.command["touch"] for item in turn.retries if item.why == "later"}
    for person in (*progress.sent, *progress.left):
        if f"{meeting}/{person}" in unsent:
            continue
        touch = turn.touch(play, step.id, "cancel", person)
        turn.commands.append(CancelInvite(touch, play.release, step.id, person, turn.at, meeting, reason))
    turn.decide(play, step.id, "invite", "cancelled", reason)
