"""When each step of a play is owed: pure functions of the release, the play's anchor and what has been settled so far.

Dues are computed, not stored: a day and a wall time, an earlier step plus a delay, or the moment a branch opened.
Outcomes of sends never move them.
"""

from collections.abc import Mapping
from datetime import datetime

from lifecycle import calendar
from lifecycle.model import SETTLED, Play, Progress
from lifecycle.playbook import Approval, Invite, Playbook, Step, Wait, When
from lifecycle.turn import Turn

TOUCHES = ("email", "survey", "invite")

Index = Mapping[str, Step]


def closed(play: Play, steps: Index, step: Step) -> bool:
    """Whether a step can no longer come: the wait it stands under went the other way, or that wait or the step it
    comes after cannot come itself.
    """
    if step.when.after and step.when.after not in play.steps and closed(play, steps, steps[step.when.after]):
        return True
    if not step.under:
        return False
    parent = play.steps.get(step.under)
    if parent is None or parent.status not in SETTLED:
        return closed(play, steps, steps[step.under])
    return (parent.status, step.branch) not in {("met", "then"), ("timed_out", "otherwise")}


def opened_at(play: Play, steps: Index, step: Step) -> datetime | None:
    """Since when a step may be considered: its branch is open and what it needs is settled. None while not."""
    opened = play.started_at
    if step.under:
        parent = play.steps.get(step.under)
        if parent is None or (parent.status, step.branch) not in {("met", "then"), ("timed_out", "otherwise")}:
            return None
        opened = max(opened, parent.at)
    for name in step.needs:
        need = play.steps.get(name)
        if need is not None and need.status in SETTLED:
            opened = max(opened, need.at)
        elif not closed(play, steps, steps[name]):
            return None
    return opened


def on_day(turn: Turn, play: Play, book: Playbook, when: When) -> datetime:
    """The instant of a day relative to the anchor, shifted to a business day where the step says so."""
    day = calendar.plus(play.anchor, when.day or 0)
    if when.shift:
        day = calendar.business_day(day, turn.holidays(turn.profile.country))
    return calendar.wall(day, when.at or book.at, play.zone)


def due(turn: Turn, play: Play, book: Playbook, steps: Index, step: Step) -> datetime | None:
    """The nominal due of a step that has not been considered yet; None while it cannot be told."""
    opened = opened_at(play, steps, step)
    if opened is None:
        return None
    when = step.when
    if when.after:
        before = play.steps.get(when.after)
        if before is None or before.status not in SETTLED:
            return None
        opened = max(opened, before.at if when.delay is None else turn.later(before.at, when.delay, play.zone))
    elif when.day is not None:
        return max(opened, _spread(turn, play, book, step, on_day(turn, play, book, when)))
    elif when.delay is not None:
        opened = turn.later(opened, when.delay, play.zone)
    if when.shift and not calendar.is_business_day(
        calendar.local(opened, play.zone).date(), turn.holidays(turn.profile.country)
    ):
        day = calendar.business_day(calendar.local(opened, play.zone).date(), turn.holidays(turn.profile.country))
        return calendar.wall(day, when.at or book.at, play.zone)
    return opened


def _spread(turn: Turn, play: Play, book: Playbook, step: Step, at: datetime) -> datetime:
    """Move a touch by the customer's stable share of the spread, unless that would leave the window.

    One share for all touches of a customer: with one per step, two playbooks' mails of 09:00 would fall due minutes
    apart, and the earlier would take the day's cap whatever their priorities say.
    """
    minutes = turn.life.politeness.spread_minutes
    if not turn.spread or not minutes or step.action.kind not in TOUCHES:
        return at
    moved = at + calendar.spread(turn.customer, "touch", minutes)
    return moved if calendar.within(moved, book.window, play.zone) else at


def deadline(turn: Turn, play: Play, book: Playbook, by: When, opened: datetime) -> datetime:
    """When a wait that opened at `opened` gives up; a target is not shifted to business days."""
    if by.day is not None:
        return on_day(turn, play, book, by)
    return opened if by.delay is None else turn.later(opened, by.delay, play.zone)


def ask_at(turn: Turn, play: Play, steps: Index, step: Step, approval: Approval, owed: datetime) -> datetime:
    """When an approval is asked: `ahead` of the due in the approver's business time, not before the step is open."""
    opened = opened_at(play, steps, step) or play.started_at
    if approval.ahead is None:
        return max(opened, owed)
    person = turn.teammate(approval.by)
    zone = person.zone if person else play.zone
    holidays = turn.holidays(turn.life.business.country)
    return max(opened, calendar.subtract(owed, approval.ahead, zone, turn.life.business, holidays))


def answer_by(turn: Turn, approval: Approval, asked: datetime, zone: str) -> datetime:
    """When silence decides an approval."""
    return turn.later(asked, approval.within, zone, team=True)


def nudges(turn: Turn, approval: Approval, asked: datetime, zone: str) -> list[tuple[datetime, str]]:
    """Reminders and rungs of the ladder in time order, those before the deadline only: `(instant, role)`."""
    end = answer_by(turn, approval, asked, zone)
    plan = [(turn.later(asked, rung.after, zone, team=True), rung.to) for rung in approval.escalate]
    if approval.remind is not None:
        plan.append((turn.later(asked, approval.remind, zone, team=True), approval.by))
    return sorted(item for item in plan if item[0] < end)


def next_instant(turn: Turn, play: Play, book: Playbook, steps: Index, step: Step) -> datetime | None:
    """When a step wants to be looked at next; None when it is settled, closed, or waits for something without an
    instant.
    """
    progress = play.steps.get(step.id)
    if progress is None:
        return _first_instant(turn, play, book, steps, step)
    match progress.status:
        case "held" | "approved":
            return progress.at
        case "waiting" if isinstance(step.action, Wait):
            return deadline(turn, play, book, step.action.by, progress.at)
        case "asked" if step.approval is not None:
            return _approval_next(turn, play, step.approval, progress)
        case _:
            return None


def _first_instant(turn: Turn, play: Play, book: Playbook, steps: Index, step: Step) -> datetime | None:
    if step.action.kind == "wait":
        return opened_at(play, steps, step)
    owed = due(turn, play, book, steps, step)
    if owed is None or step.approval is None:
        return owed
    return ask_at(turn, play, steps, step, step.approval, owed)


def _approval_next(turn: Turn, play: Play, approval: Approval, progress: Progress) -> datetime:
    person = turn.teammate(approval.by)
    zone = person.zone if person else play.zone
    plan = nudges(turn, approval, progress.at, zone)[progress.count :]
    return plan[0][0] if plan else answer_by(turn, approval, progress.at, zone)


def slot_window(turn: Turn, play: Play, action: Invite, offered: datetime) -> tuple[datetime, datetime]:
    """Between which instants a meeting offered at `offered` may lie: on its day, or on the next business day after the
    offer, because nobody is asked in the morning to a meeting of that afternoon.
    """
    tomorrow = calendar.local(offered, play.zone).date() + calendar.DAY
    wanted = max(calendar.plus(play.anchor, action.day), tomorrow)
    day = calendar.business_day(wanted, turn.holidays(turn.profile.country))
    return calendar.wall(day, action.start, play.zone), calendar.wall(day, action.end, play.zone)
