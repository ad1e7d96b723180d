"""Approvals: a named person's yes or no before a step goes out. Asked ahead, reminded, escalated, expired, withdrawn,
and judged again when answered.
"""

from datetime import datetime

from lifecycle import calendar, firing, questions, recipients, schedule
from lifecycle.altered import altered
from lifecycle.commands import AskApproval
from lifecycle.model import Play, Progress
from lifecycle.playbook import Approval, Step
from lifecycle.turn import Turn


def ask(turn: Turn, play: Play, step: Step, approval: Approval, owed: datetime) -> None:
    """Put the question. Patience counts from the real instant: a card that comes late still gives the whole time to
    answer.
    """
    if turn.teammate(approval.by) is None:
        firing.skip(turn, play, step, f"nobody is {approval.by}, so nobody can approve it")
        return
    turn.progress(play.key, step.id, Progress("asked", turn.clock, due=owed))
    until = _card(turn, play, step, approval, approval.by, 0, turn.clock, owed)
    shown = calendar.shown(until, play.zone)
    what = "it goes ahead" if approval.expired == "proceed" else "it is skipped"
    turn.decide(play, step.id, "approval", "waiting", f"asked; without an answer by {shown} {what}", approval.by)


def ask_again(turn: Turn, play: Play, step: Step, approval: Approval, progress: Progress, change: str) -> None:
    """Put an open question to who has the role now, with the whole time to answer. `change`: what made it so."""
    owed = progress.due or progress.at
    again = Progress("asked", turn.clock, due=owed, outcome=change)
    turn.progress(play.key, step.id, again)
    until = _card(turn, play, step, approval, approval.by, 0, turn.clock, owed, change)
    shown = calendar.shown(until, play.zone)
    turn.decide(play, step.id, "approval", "waiting", f"asked of who has the role now; until {shown}", approval.by)


def remind(
    turn: Turn, play: Play, step: Step, approval: Approval, progress: Progress, role: str, nth: int, change: str
) -> None:
    """Send the reminder or rung that was sent already to who has its role now."""
    owed = progress.due or progress.at
    _card(turn, play, step, approval, role, nth, progress.at, owed, change)
    turn.decide(play, step.id, "approval", "waiting", "asked of who has the role now", role)


def _card(
    turn: Turn,
    play: Play,
    step: Step,
    approval: Approval,
    role: str,
    nth: int,
    asked: datetime,
    owed: datetime,
    change: str = "",
) -> datetime:
    until = schedule.answer_by(turn, play, approval, asked)
    person = turn.teammate(role)
    if person is not None:
        part = "ask" if nth == 0 else f"remind-{nth}"
        part = f"{part}-{change}" if change else part
        found = recipients.of_step(turn, play, step)
        zero = schedule.day_zero(turn, play, step.id)
        turn.commands.append(
            AskApproval(
                turn.touch(play, step.id, part, person.id),
                play.release,
                step.id,
                person.id,
                turn.at,
                turn.named(play, step.id),
                owed,
                until,
                approval.expired,
                tuple(item.id for item in found.people),
                nth,
                None if zero == play.anchor else zero,
            )
        )
    return until


def nudge(turn: Turn, play: Play, step: Step, approval: Approval, progress: Progress) -> None:
    """A reminder, a rung of the ladder, or the end of patience."""
    plan = schedule.nudges(turn, play, approval, progress.at)
    owed = progress.due or progress.at
    if progress.count < len(plan):
        role = plan[progress.count][1]
        _card(turn, play, step, approval, role, progress.count + 1, progress.at, owed, progress.outcome)
        turn.progress(play.key, step.id, altered(progress, count=progress.count + 1))
        reason = "reminded" if role == approval.by else "escalated"
        turn.decide(play, step.id, "approval", "waiting", f"{reason}: nobody has answered yet", role)
        return
    questions.settle(turn, play, step, "expired")
    if approval.expired == "proceed":
        turn.decide(
            play, step.id, "approval", "fired", "nobody answered in time; the playbook says proceed", approval.by
        )
        approved(turn, play, step, progress, edited=False)
        return
    firing.skip(turn, play, step, "nobody answered the approval in time")
    turn.raise_task(
        play,
        step.id,
        "expired",
        approval.by,
        f"Approval expired unanswered: the {step.action.kind} {step.id} was not sent. Do it by hand, or leave it",
    )


def approved(turn: Turn, play: Play, step: Step, progress: Progress, *, edited: bool) -> None:
    """Go on with an approved step: at its due, or at once when that is past; what changed since it was asked is judged
    again.
    """
    owed = progress.due or turn.at
    ready = Progress("approved", max(owed, turn.at), due=owed, edited=edited)
    if step.condition is not None and not turn.met(step.condition, play.about):
        firing.skip(turn, play, step, f"approved, but no longer wanted: {turn.because(step.condition, play.about)}")
    elif owed <= turn.at:
        firing.attempt(turn, play, step, ready)
    else:
        turn.progress(play.key, step.id, ready)
