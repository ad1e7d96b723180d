"""How a step fires: who it reaches, what stands in the way, and the commands that come of it.

A step that cannot go now is held with one reason and tried again; held longer than `stale_after`, it is dropped. A
step that fired never fires again.
"""

from datetime import datetime

from lifecycle import calendar, conditions, doing, meetings, recipients, schedule
from lifecycle.actions import (
    CancelMeeting,
    Choose,
    Document,
    Email,
    Escalate,
    Invite,
    Length,
    Opportunity,
    Repeat,
    Reschedule,
    SetFacts,
    Slack,
    StartPlay,
    StopPlay,
    Survey,
    Task,
    Wait,
    Webhook,
)
from lifecycle.altered import altered
from lifecycle.commands import (
    CallWebhook,
    Command,
    MakeDocument,
    PostSlack,
    RaiseTask,
    RecordOpportunity,
    SendEmail,
    SendInvite,
    SendSurvey,
)
from lifecycle.model import ON_HOLD, Play, Progress, Value
from lifecycle.playbook import Step
from lifecycle.recipients import Person
from lifecycle.turn import ON_TIME, Turn

WORK = ("task", "escalate")
AT_WORK = Length(0, "business_hours")
"""From an instant to when a teammate is at work."""


def skip(turn: Turn, play: Play, step: Step, reason: str) -> None:
    turn.progress(play.key, step.id, Progress("skipped", turn.at))
    turn.decide(play, step.id, step.action.kind, "skipped", reason, ", ".join(step.to))


def unwanted(turn: Turn, play: Play, step: Step) -> bool:
    """Skip a step whose condition is not met; whether it was not."""
    if step.condition is None or turn.met(step.condition, play.about):
        return False
    skip(turn, play, step, f"if not met: {turn.because(step.condition, play.about)}")
    return True


def attempt(turn: Turn, play: Play, step: Step, progress: Progress) -> None:
    """Fire a step, or say why not now and when it is tried again."""
    book, owed = turn.book(play), progress.due or turn.at
    if unwanted(turn, play, step):
        return
    if isinstance(step.action, Reschedule) and (why := meetings.hopeless(turn, play, step.action)):
        skip(turn, play, step, why)
        return
    hold = recipients.on_hold(turn, play, step)
    if hold:
        turn.progress(play.key, step.id, altered(progress, status="held", at=turn.at, due=owed, outcome=ON_HOLD))
        to = ", ".join(step.to)
        turn.decide(play, step.id, step.action.kind, "held", f"on hold: {hold}", to)
        return
    found = recipients.of_step(turn, play, step)
    obstacle = recipients.obstacle(turn, play, book, step, found)
    if obstacle is None and (turn.late_for < ON_TIME or step.action.kind not in schedule.TOUCHES):
        _fire(turn, play, step, found, progress)
        return
    stale = turn.later(owed, turn.life.politeness.stale_after, play.zone)
    if obstacle is None and turn.clock > stale:
        skip(turn, play, step, f"stale: late by {turn.late_for}")
    elif obstacle is None:
        _fire(turn, play, step, found, progress)
    elif obstacle.until is None or obstacle.until > stale or turn.clock > stale:
        skip(turn, play, step, obstacle.reason if obstacle.until is None else f"stale: {obstacle.reason}")
    else:
        _hold(turn, play, step, progress, obstacle, obstacle.until)


def _hold(
    turn: Turn, play: Play, step: Step, progress: Progress, obstacle: recipients.Obstacle, until: datetime
) -> None:
    """Try again at `until`. The first time that somebody is missing, the owner is asked to name one; `count` says
    whether that was done.
    """
    first = obstacle.missing and not progress.count
    count = 1 if obstacle.missing else progress.count
    owed = progress.due or turn.at
    turn.progress(play.key, step.id, altered(progress, status="held", at=until, due=owed, count=count))
    shown = calendar.shown(until, play.zone)
    turn.decide(play, step.id, step.action.kind, "held", f"until {shown}: {obstacle.reason}", obstacle.to)
    if first:
        title = f"Name a {obstacle.missing}: {step.id} waits for one"
        turn.raise_task(play, step.id, "missing", turn.book(play).owner, title)


def _fire(turn: Turn, play: Play, step: Step, found: recipients.Found, progress: Progress) -> None:
    if isinstance(step.action, doing.Deed):
        doing.do(turn, play, step, step.action)
        return
    if isinstance(step.action, Webhook):
        _call(turn, play, step, step.action)
        return
    people = [person for person in found.people if not person.suppressed]
    for person in found.people:
        if person.suppressed:
            turn.decide(
                play, step.id, step.action.kind, "skipped", "suppressed: asked not to be written to", person.role
            )
    if isinstance(step.action, Reschedule):
        meetings.move(turn, play, step, step.action, people)
        return
    commands = [_command(turn, play, step, person, people, progress) for person in people]
    turn.commands.extend(commands)
    ids = tuple(person.id for person in people)
    if step.action.kind in recipients.CAPPED:
        recipients.count(turn, play, step, ids)
    offered = turn.clock if step.action.kind == "invite" and turn.clock != turn.at else None
    turn.progress(play.key, step.id, Progress("fired", turn.at, left=ids, offered=offered))
    late = f"; late by {turn.late_for}" if turn.late_for >= ON_TIME else ""
    for person in people:
        turn.decide(play, step.id, step.action.kind, "fired", f"due{late}", person.role)


def _call(turn: Turn, play: Play, step: Step, action: Webhook) -> None:
    """Tell another system what is known now; nobody is sent anything."""
    touch = turn.touch(play, step.id, "send", action.endpoint)
    known = {name: doing.worked_out(turn, play, expr) for name, expr in action.data.items()}
    data: dict[str, Value] = {name: value for name, value in known.items() if value is not None}
    turn.commands.append(CallWebhook(touch, play.release, step.id, action.endpoint, turn.at, action.event, data))
    turn.progress(play.key, step.id, Progress("fired", turn.at, left=(action.endpoint,)))
    turn.decide(play, step.id, "webhook", "fired", f"{action.event} to {action.endpoint}")


def _due_at(turn: Turn, play: Play, step: Step, action: Task | Escalate, zone: str) -> datetime:
    """When a task is due: on its day, else after its length in its owner's zone, where business days keep the hour,
    but nobody is due by night.
    """
    if isinstance(action, Task) and action.by is not None:
        return schedule.on_day(turn, play, turn.book(play), step, action.by)
    length = action.due
    due, hours = turn.later(turn.at, length, zone, team=True), turn.life.business
    if length.unit != "business_days":
        return due
    here = calendar.local(due, zone)
    by_day = calendar.minutes(hours.start) <= here.hour * 60 + here.minute <= calendar.minutes(hours.end)
    return due if by_day else turn.later(due, AT_WORK, zone, team=True)


def _command(turn: Turn, play: Play, step: Step, person: Person, people: list[Person], progress: Progress) -> Command:
    touch = turn.touch(play, step.id, "task" if step.action.kind in WORK else "send", person.id)
    match step.action:
        case Email():
            return SendEmail(touch, play.release, step.id, person.id, turn.at, progress.edited)
        case Survey():
            return SendSurvey(touch, play.release, step.id, person.id, turn.at, progress.edited)
        case Invite() as action:
            opens, closes = schedule.slot_window(turn, play, action, turn.clock, step.id)
            organizer = turn.teammate(action.organizer)
            guests = tuple(item.id for item in people)
            return SendInvite(
                touch,
                play.release,
                step.id,
                person.id,
                turn.at,
                turn.touch(play, step.id, "send"),
                opens,
                closes,
                organizer.id if organizer else "",
                guests,
                progress.edited,
            )
        case Slack():
            return PostSlack(touch, play.release, step.id, person.id, turn.at)
        case Task() | Escalate() as action:
            due_at = _due_at(turn, play, step, action, person.zone or play.zone)
            return RaiseTask(touch, play.release, step.id, person.id, turn.at, due_at)
        case Document():
            return MakeDocument(touch, play.release, step.id, person.id, turn.at)
        case Opportunity(closes=length, value=expr):
            value = None if expr is None else doing.worked_out(turn, play, expr)
            closes_at = turn.later(turn.at, length, play.zone)
            return RecordOpportunity(
                touch,
                play.release,
                step.id,
                person.id,
                turn.at,
                closes_at,
                value if conditions.is_number(value) else None,
            )
        case (
            Wait()
            | Choose()
            | Repeat()
            | SetFacts()
            | StartPlay()
            | StopPlay()
            | Webhook()
            | Reschedule()
            | CancelMeeting()
        ):  # pragma: no cover - opened by `plays`, done by `doing`, `meetings` or above
            raise TypeError(f"a {step.action.kind} sends nothing")
