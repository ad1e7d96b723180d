"""The meetings that invitations have made: moved to another time, called off. Only those who know of one are told.

A meeting that is moved keeps its calendar UID; how often it was moved is iTIP's SEQUENCE, so that a word which comes
late never brings an older time back. Where a meeting stands is written down at the step that invited to it.
"""

from dataclasses import replace
from datetime import datetime

from lifecycle import calendar, retries, schedule
from lifecycle.actions import CancelMeeting, Invite, Reschedule
from lifecycle.commands import CancelInvite, SendInvite
from lifecycle.model import Play, Progress
from lifecycle.playbook import Step
from lifecycle.recipients import Person
from lifecycle.turn import Turn

MISSED = ("declined", "no_show")
"""What became of a meeting for which another time may still be found."""


def ends(turn: Turn, play: Play, step: Step, action: Invite, progress: Progress) -> datetime:
    """When the hours end between which a meeting lies, as it was offered or last moved."""
    if progress.closes is not None:
        return progress.closes
    return schedule.slot_window(turn, play, action, progress.offered or progress.at, step.id)[1]


def hopeless(turn: Turn, play: Play, action: Reschedule | CancelMeeting) -> str:
    """Why a meeting can be neither moved nor called off now; empty when it can."""
    step, progress = turn.index(play).get(action.invite), play.steps.get(action.invite)
    if step is None or progress is None or not isinstance(step.action, Invite):
        return f"{action.invite} has not gone out"
    if progress.status != "fired":
        return f"{action.invite} {'was cancelled' if progress.status == 'cancelled' else 'has not gone out'}"
    if not (progress.sent or progress.left):
        return f"nobody knows of {action.invite}: its invitation reached no one"
    again = isinstance(action, Reschedule) and progress.outcome in MISSED
    if progress.outcome == "held" or (not again and turn.clock >= ends(turn, play, step, step.action, progress)):
        return f"the meeting of {action.invite} is over"
    return ""


def move(turn: Turn, play: Play, step: Step, action: Reschedule, people: list[Person]) -> None:
    """Ask those who know of a meeting, `people`, to the first free time of other hours. An invitation to the old time
    that has not gone yet is left out: this one takes its place.
    """
    invite = turn.index(play)[action.invite]
    opens, closes = schedule.slot_window(turn, play, action, turn.clock, step.id)
    meeting = turn.touch(play, invite.id, "send")
    unsent = retries.overtaken(turn, play, meeting)
    now = (turn.play(play.key) or play).steps[invite.id]
    moved = replace(now, sent=(*now.sent, *unsent), count=now.count + 1, outcome="", closes=closes)
    turn.progress(play.key, invite.id, moved)
    organizer = turn.teammate(invite.action.organizer) if isinstance(invite.action, Invite) else None
    for person in people:
        touch = turn.touch(play, step.id, "send", person.id)
        turn.commands.append(
            SendInvite(
                touch,
                play.release,
                invite.id,
                person.id,
                turn.at,
                meeting,
                opens,
                closes,
                organizer.id if organizer else "",
                tuple(guest.id for guest in people),
                moves=moved.count,
            )
        )
    turn.progress(play.key, step.id, Progress("fired", turn.at, left=tuple(person.id for person in people)))
    day = calendar.local(opens, play.zone).date().isoformat()
    turn.decide(play, step.id, "reschedule", "fired", f"{invite.id} moves to {day}, {action.start} to {action.end}")


def call_off(turn: Turn, play: Play, action: CancelMeeting) -> None:
    """Take a meeting back that has gone out."""
    step = turn.index(play)[action.invite]
    if isinstance(step.action, Invite):  # pragma: no branch - what else is hopeless
        cancel(turn, play, step, step.action, play.steps[step.id], action.reason or "called off")
    retries.overtaken(turn, play, turn.touch(play, step.id, "send"))
    now = (turn.play(play.key) or play).steps[step.id]
    turn.progress(play.key, step.id, replace(now, status="cancelled"))


def cancel(turn: Turn, play: Play, step: Step, action: Invite, progress: Progress, reason: str) -> None:
    """Tell those who know of a meeting that there is none; nobody where it is over."""
    if turn.at >= ends(turn, play, step, action, progress):
        return
    meeting = turn.touch(play, step.id, "send")
    unsent = {item.command["touch"] for item in turn.retries if item.why == "later"}
    for person in (*progress.sent, *progress.left):
        if f"{meeting}/{person}" in unsent:
            continue
        touch = turn.touch(play, step.id, "cancel", person)
        turn.commands.append(CancelInvite(touch, play.release, step.id, person, turn.at, meeting, reason))
    turn.decide(play, step.id, "invite", "cancelled", reason)
