"""How a play starts: who qualifies, may it run (again), what day 0 is, and what was over before it began."""

from collections.abc import Mapping
from datetime import date, datetime

from lifecycle import calendar, conditions, people, schedule
from lifecycle.model import Play, Progress, Value
from lifecycle.playbook import OUTSIDE_STAGES, PER_CONTRACT, Playbook
from lifecycle.turn import NOTHING, Turn

HAND = "by hand"
"""The reason of a play that a person asked for."""


def enter(
    turn: Turn,
    playbook: str,
    since: datetime,
    about: Mapping[str, Value] = NOTHING,
    day: date | None = None,
    reason: str = "",
) -> bool:
    """Start a play of a current playbook, or say why not.

    Args:
        turn: the step in the making.
        playbook: its name; it must be in the current catalogue.
        since: when the play starts, now or, for a customer being placed, earlier.
        about: the facts that came with its reason.
        day: the date that its trigger counts from.
        reason: which trigger that is, as of `triggers.key_of`, or `HAND`; for those who watch a course.

    Returns:
        Whether it started.
    """
    digest = turn.current()[playbook]
    book = turn.releases.playbook(digest)
    subject = subject_of(book, about)
    zone = people.zone_of(book.zone, turn.profile.zone, turn.team, turn.life)
    anchor = _anchor(turn, book, calendar.local(since, zone).date(), day, about)
    number = turn.counters.get(playbook, 0) + 1
    kept = dict(about) if book.per else {}
    play = Play(playbook, digest, number, anchor, zone, since, subject=subject or "", about=kept)
    refusal = _refusal(turn, book, subject, about)
    if refusal:
        turn.decide(play, "", "play", "skipped", refusal)
        return False
    turn.counters = {**turn.counters, playbook: number}
    turn.add(play)
    turn.begun.append(reason)
    of = f" about {subject}" if subject else ""
    turn.decide(play, "", "play", "fired", f"started{of}; day 0 is {anchor.isoformat()}")
    if not turn.placing:
        _skip_past(turn, play, book)
    return True


def subject_of(book: Playbook, about: Mapping[str, Value]) -> str | None:
    """What a play would be about; empty where a playbook runs once for the whole customer, None where it is missing."""
    if not book.per:
        return ""
    if book.per == PER_CONTRACT:
        parts = [str(about[name]) for name in ("contract.id", "contract.ends_on") if name in about]
        return " until ".join(parts) if len(parts) == 2 else None  # noqa: PLR2004 - its id and its end
    found = about.get(book.per)
    return None if found is None else str(found)


def _anchor(turn: Turn, book: Playbook, today: date, day: date | None, about: Mapping[str, Value]) -> date:
    """Day 0. Of a date fact that is not known it is today, so that what hangs on it is owed and not lost."""
    match book.anchor:
        case "signup":
            return turn.profile.signed_up_on
        case "entry":
            return today
        case "date":
            return today if day is None else day
        case fact:
            return conditions.as_date(turn.lookup(fact, about)) or today


def _refusal(turn: Turn, book: Playbook, subject: str | None, about: Mapping[str, Value]) -> str:
    if turn.merged:
        return f"the customer goes on as {turn.merged}"
    if left(turn, book):
        return f"the customer left: stage is {turn.stage}"
    if subject is None:
        return f"nothing says which {book.per} it is about"
    if any(play.playbook == book.name and play.subject == subject for play in turn.running()):
        return "already running"
    again = _not_before(turn, book, subject)
    if again:
        return again
    if book.entry is not None and not turn.met(book.entry, about):
        return f"entry not met: {turn.because(book.entry, about)}"
    return ""


def _not_before(turn: Turn, book: Playbook, subject: str) -> str:
    ended = turn.ended.get(ended_key(book, subject))
    if ended is None:
        return ""
    if book.reentry == "once":
        return "ran before, and runs once"
    if book.cooldown is not None:
        again = turn.later(ended, book.cooldown, turn.profile.zone)
        if turn.at < again:
            return f"cooling down until {calendar.local(again, turn.profile.zone).date().isoformat()}"
    return ""


def ended_key(book: Playbook, subject: str) -> str:
    """Under which name `State.ended` keeps when a play last ended."""
    return f"{book.name}/{subject}" if subject else book.name


def _skip_past(turn: Turn, play: Play, book: Playbook) -> None:
    """A day that was over before the play started is skipped, unless the step catches up."""
    surely = calendar.local(play.started_at, play.zone).date() + calendar.DAY
    for step in book.steps:
        when = step.when
        if when.day is None or when.catch_up or step.under or step.action.kind == "wait":
            continue
        if when.shift != "previous" and calendar.plus(play.anchor, when.day) > surely:
            continue
        owed = schedule.on_day(turn, play, book, step, when)
        if owed < play.started_at:
            day = calendar.local(owed, play.zone).date().isoformat()
            turn.progress(play.key, step.id, Progress("skipped", turn.at))
            turn.decide(play, step.id, step.action.kind, "skipped", f"was due on {day}, before the play started")


def left(turn: Turn, book: Playbook) -> bool:
    """Whether the customer's leaving keeps a playbook from running: all but those for customers who left."""
    return turn.stage in OUTSIDE_STAGES and not book.after_leaving
