"""When each step of a play is owed: pure functions of the release, the play's anchor and what has been settled so far.

Dues are computed, not stored: a day and a wall time, an earlier step plus a delay, or the moment a branch opened.
Outcomes of sends never move them.
"""

from collections import deque
from collections.abc import Collection
from datetime import date, datetime

from lifecycle import calendar
from lifecycle.actions import Invite, Length, Repeat, Reschedule, Wait, When
from lifecycle.agenda import Agenda, Due
from lifecycle.model import ON_HOLD, SETTLED, Play, Progress
from lifecycle.playbook import Approval, Playbook, Step
from lifecycle.turn import Turn

OPENS = ("wait", "repeat")
TOUCHES = ("email", "survey", "invite", "reschedule")


def branch_open(progress: Progress) -> str:
    """The branch that a wait, choice or repeat has opened by now; empty when none. Only a repeat has one while it goes
    on; `outcome` is the way that a choice took.
    """
    match progress.status:
        case "waiting":
            return "do"
        case "met":
            return progress.outcome or "then"
        case "timed_out":
            return "otherwise"
        case _:
            return ""


def agendas(turn: Turn) -> list[tuple[Play, Agenda]]:
    """The plays in which something is still to do, each with what is to be looked at next.

    Kept in the turn and brought up to date by what `Turn.progress` noted; begun anew where the play's progress was
    replaced otherwise, or where what dues depend on besides (profile, team, lifecycle) is another value.
    """
    profile, team, life = turn.scheduled_by
    same = profile is turn.profile and team is turn.team and life is turn.life
    if turn.scheduled is not turn.plays or not same:
        _reschedule(turn, same=same)
    while turn.changed:
        key, name = turn.changed.pop()
        play, agenda = turn.play(key), turn.agenda.get(key)
        if play is not None and agenda is not None:
            _follow(turn, play, agenda, name)
    return turn.agendas


def _reschedule(turn: Turn, *, same: bool) -> None:
    kept = turn.agenda if same else {}
    turn.agenda, turn.agendas = {}, []
    for play in turn.running():
        agenda = kept.get(play.key)
        if agenda is None or agenda.steps is not play.steps:
            agenda = _agenda(turn, play)
        turn.agenda[play.key] = agenda
        turn.agendas.append((play, agenda))
    turn.scheduled, turn.scheduled_by = turn.plays, (turn.profile, turn.team, turn.life)


def _agenda(turn: Turn, play: Play) -> Agenda:
    agenda = Agenda(play.steps)
    for step in turn.steps(play).order:
        _note(turn, play, agenda, step)
    return agenda


def _follow(turn: Turn, play: Play, agenda: Agenda, name: str) -> None:
    """Look again at a step that went on, at those that stand on it, and on at those of a step that opened or closed."""
    steps = turn.steps(play)
    step = steps.by_id.get(name)
    if step is None:
        return
    _note(turn, play, agenda, step)
    if not steps.followers[name]:
        return
    queue = deque(steps.followers[name])
    while queue:
        follower = queue.popleft()
        if _note(turn, play, agenda, follower):
            queue.extend(steps.followers[follower.id])


def _note(turn: Turn, play: Play, agenda: Agenda, step: Step) -> bool:
    """Work out one step's place on the agenda; whether it closed, or opened again."""
    name, progress = step.id, play.steps.get(step.id)
    if progress is not None and progress.status in SETTLED:
        agenda.settle(name)
        return False
    was = name in agenda.closed
    closed = _closed(play, agenda.closed, step)
    (agenda.closed.add if closed else agenda.closed.discard)(name)
    (agenda.open.discard if closed and progress is None else agenda.open.add)(name)
    waits = progress is not None and progress.status == "waiting" and step.action.kind in OPENS
    (agenda.waiting.add if waits else agenda.waiting.discard)(name)
    at = next_instant(turn, play, turn.book(play), agenda.closed, step)
    owed = at if progress is None or progress.due is None else progress.due
    if at is None or owed is None:
        agenda.put(name, None)
    elif not agenda.has(name, at, owed):
        agenda.put(name, Due(at, owed, turn.touch(play, name, ""), name))
    return closed is not was


def _closed(play: Play, closed: Collection[str], step: Step) -> bool:
    """Whether a step can no longer come: the wait it stands under went the other way, or that wait or the step it
    comes after cannot come itself. `closed`: those of the steps it stands on that cannot.
    """
    if step.when.after in closed and step.when.after not in play.steps:
        return True
    if not step.under:
        return False
    parent = play.steps.get(step.under)
    if parent is None or parent.status not in SETTLED:
        return step.under in closed
    return branch_open(parent) != step.branch


def opened_at(play: Play, closed: Collection[str], step: Step) -> datetime | None:
    """Since when a step may be considered: its branch is open and what it needs is settled. None while not."""
    opened = play.started_at
    if step.under:
        parent = play.steps.get(step.under)
        if parent is None or branch_open(parent) != step.branch:
            return None
        opened = max(opened, parent.at)
    for name in step.needs:
        need = play.steps.get(name)
        if need is not None and need.status in SETTLED:
            opened = max(opened, need.at)
        elif name not in closed:
            return None
    return opened


def day_zero(turn: Turn, play: Play, step: str) -> date:
    """What the days of a step count from: the play's anchor, in a repeat the day on which the round began."""
    repeat = turn.steps(play).rounds.get(step)
    progress = None if repeat is None else play.steps.get(repeat)
    return play.anchor if progress is None else calendar.local(progress.at, play.zone).date()


def on_day(turn: Turn, play: Play, book: Playbook, step: Step, when: When) -> datetime:
    """The instant of a day relative to day 0, shifted to a business day where the step says so."""
    day = calendar.plus(day_zero(turn, play, step.id), when.day or 0)
    return _free(turn, play, book, step, when, day, play.started_at)


def _free(turn: Turn, play: Play, book: Playbook, step: Step, when: When, day: date, earliest: datetime) -> datetime:
    """The time of a step on a day, or on the nearest that is free for it. A step that moves back never moves before
    `earliest`: then it moves on. What the customer sees keeps clear of blackouts besides.
    """
    closed = turn.blackouts() if step.action.kind in TOUCHES else frozenset()
    if not when.shift and not closed:
        return calendar.wall(day, when.at or book.at, play.zone)
    holidays = turn.holidays(turn.profile.country)
    found = calendar.wall(calendar.shifted(day, when.shift, holidays, closed), when.at or book.at, play.zone)
    if when.shift == "previous" and found < earliest:
        found = calendar.wall(calendar.shifted(day, "next", holidays, closed), when.at or book.at, play.zone)
    return found


def due(turn: Turn, play: Play, book: Playbook, closed: Collection[str], step: Step) -> datetime | None:
    """The nominal due of a step that has not been considered yet; None while it cannot be told."""
    opened = opened_at(play, closed, step)
    if opened is None:
        return None
    when, earliest = step.when, opened
    if when.after:
        before = play.steps.get(when.after)
        if before is None or before.status not in SETTLED:
            return None
        opened = max(opened, before.at if when.delay is None else turn.later(before.at, when.delay, play.zone))
    elif when.day is not None:
        return max(opened, _spread(turn, play, book, step, on_day(turn, play, book, step, when)))
    elif when.delay is not None:
        opened = turn.later(opened, when.delay, play.zone)
    if not when.shift and not turn.blackouts():
        return opened
    day = calendar.local(opened, play.zone).date()
    free = _free(turn, play, book, step, when, day, earliest)
    return opened if calendar.local(free, play.zone).date() == day else free


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


def deadline(turn: Turn, play: Play, book: Playbook, step: Step, wait: Wait, opened: datetime) -> datetime:
    """When a wait that opened at `opened` gives up; a target is not shifted to business days."""
    by = wait.by
    if by.day is not None:
        return on_day(turn, play, book, step, by)
    return opened if by.delay is None else turn.later(opened, by.delay, play.zone)


def round_ends(turn: Turn, play: Play, repeat: Repeat, progress: Progress) -> datetime:
    """When the round that is on is over. Rounds are counted from the first, so that none drifts."""
    length = Length(repeat.every.amount * progress.count, repeat.every.unit)
    return turn.later(progress.due or progress.at, length, play.zone)


def _approver_zone(turn: Turn, play: Play, approval: Approval) -> str:
    """The zone in which the time to answer is counted; the play's where nobody has the role."""
    person = turn.teammate(approval.by)
    return person.zone if person else play.zone


def ask_at(turn: Turn, play: Play, closed: Collection[str], step: Step, approval: Approval, owed: datetime) -> datetime:
    """When an approval is asked: `ahead` of the due in the approver's business time, not before the step is open."""
    opened = opened_at(play, closed, step) or play.started_at
    if approval.ahead is None:
        return max(opened, owed)
    zone = _approver_zone(turn, play, approval)
    holidays = turn.holidays(turn.life.business.country)
    return max(opened, calendar.subtract(owed, approval.ahead, zone, turn.life.business, holidays))


def answer_by(turn: Turn, play: Play, approval: Approval, asked: datetime) -> datetime:
    """When silence decides an approval."""
    return turn.later(asked, approval.within, _approver_zone(turn, play, approval), team=True)


def nudges(turn: Turn, play: Play, approval: Approval, asked: datetime) -> list[tuple[datetime, str]]:
    """Reminders and rungs of the ladder in time order, those before the deadline only: `(instant, role)`."""
    end, zone = answer_by(turn, play, approval, asked), _approver_zone(turn, play, approval)
    plan = [(turn.later(asked, rung.after, zone, team=True), rung.to) for rung in approval.escalate]
    if approval.remind is not None:
        plan.append((turn.later(asked, approval.remind, zone, team=True), approval.by))
    return sorted(item for item in plan if item[0] < end)


def asked_of(turn: Turn, play: Play, approval: Approval, progress: Progress) -> tuple[str, ...]:
    """The roles that an open question was put to so far, the first one first."""
    plan = nudges(turn, play, approval, progress.at)[: progress.count]
    return (approval.by, *(role for _, role in plan))


def next_instant(turn: Turn, play: Play, book: Playbook, closed: Collection[str], step: Step) -> datetime | None:
    """When a step wants to be looked at next; None when it is settled, closed, or waits for something without an
    instant.
    """
    progress = play.steps.get(step.id)
    if progress is None:
        return _first_instant(turn, play, book, closed, step)
    match progress.status:
        case "held" if progress.outcome == ON_HOLD:
            return None
        case "held" | "approved":
            return progress.at
        case "waiting" if isinstance(step.action, Wait):
            return deadline(turn, play, book, step, step.action, progress.at)
        case "waiting" if isinstance(step.action, Repeat):
            return round_ends(turn, play, step.action, progress)
        case "asked" if step.approval is not None:
            return _approval_next(turn, play, step.approval, progress)
        case _:
            return None


def _first_instant(turn: Turn, play: Play, book: Playbook, closed: Collection[str], step: Step) -> datetime | None:
    if step.action.kind == "wait":
        return opened_at(play, closed, step)
    owed = due(turn, play, book, closed, step)
    if owed is None or step.approval is None:
        return owed
    return ask_at(turn, play, closed, step, step.approval, owed)


def _approval_next(turn: Turn, play: Play, approval: Approval, progress: Progress) -> datetime:
    plan = nudges(turn, play, approval, progress.at)[progress.count :]
    return plan[0][0] if plan else answer_by(turn, play, approval, progress.at)


def slot_window(
    turn: Turn, play: Play, action: Invite | Reschedule, offered: datetime, step: str = ""
) -> tuple[datetime, datetime]:
    """Between which instants a meeting offered at `offered` may lie."""
    zero, on = day_zero(turn, play, step), calendar.local(offered, play.zone).date()
    day = meeting_day(action, zero, on, turn.holidays(turn.profile.country), turn.blackouts())
    return calendar.wall(day, action.start, play.zone), calendar.wall(day, action.end, play.zone)


def meeting_day(
    action: Invite | Reschedule, zero: date, offered: date, holidays: frozenset[str], closed: frozenset[str]
) -> date:
    """On which day a meeting offered on a day may lie: its own, or the next business day after the offer, because
    nobody is asked in the morning to a meeting of that afternoon. `zero`: as of `day_zero`; ISO dates besides.
    """
    wanted = max(calendar.plus(zero, action.day), offered + calendar.DAY)
    return calendar.shifted(wanted, "next", holidays, closed)
