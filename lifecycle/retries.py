"""What waits to be issued again: what a provider or a hold has put off, and what may have arrived and is asked about.

It is the same command with the same identity: the ledger decides what that means. What surely has not gone is judged
again before it goes; with its play, or by a person's word, it is dropped, put off or hurried.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from lifecycle import calendar, effects, recipients, schedule, touches
from lifecycle.actions import Invite, Length
from lifecycle.commands import AskApproval, Command, SendInvite
from lifecycle.jsonform import decode_union, encode
from lifecycle.model import Play, Retry, State
from lifecycle.turn import Turn

MAILS = ("send_email", "send_survey")
AT, WINDOW = "09:00", ("08:00", "18:00")
"""When customers are written to where no playbook says it."""


def drop(turn: Turn, play: Play, reason: str, steps: Collection[str] | None = None) -> None:
    """Forget the sends of a play that is left, or of some of its steps, each with its reason; what surely never went no
    longer counts.
    """
    front = f"{turn.customer}/{play.key}/"
    for item in turn.retries:
        touch = item.command["touch"]
        if item.command["kind"] not in effects.CUSTOMER_SEES or not touch.startswith(front):
            continue
        if steps is not None and item.command["step"] not in steps:
            continue
        turn.retries = tuple(other for other in turn.retries if other is not item)
        if item.why == "later":
            recipients.release(turn, touch)
        seen = "" if item.why == "later" else "; it may have arrived"
        turn.decide(play, item.command["step"], "outcome", "cancelled", f"{reason}{seen}", item.command["to"])


def drop_late(turn: Turn, reason: str) -> None:
    """Forget what the customer would see of plays that have ended, such as a new host, and what surely never went."""
    for item in _taken(turn, _unseen):
        recipients.release(turn, item.command["touch"])
        turn.decide_life(item.command["step"], "outcome", "cancelled", reason, item.command["to"])


def overtaken(turn: Turn, play: Play, meeting: str) -> tuple[str, ...]:
    """Forget the invitations to a meeting that surely never went, because a later word on it goes out; who they were
    for.
    """
    those = _taken(turn, lambda item: item.why == "later" and invites(item.command, meeting))
    for item in those:
        effects.arrived(turn, play, touches.read(item.command["touch"]), sent=False)
    return tuple(dict.fromkeys(item.command["to"] for item in those))


def invites(command: Mapping[str, Any], meeting: str) -> bool:
    """Whether a command, as kept, is an invitation to a meeting."""
    return bool(command["kind"] == "send_invite" and command["meeting"] == meeting)


def put_off_of(state: State) -> list[Any]:
    """The commands of a state that surely have not gone yet, of those that the customer would see."""
    return [decode_union(Command, item.command) for item in state.retries if _unseen(item)]


def _taken(turn: Turn, wanted: Callable[[Retry], bool]) -> list[Retry]:
    """Take what is wanted out of what will be tried again, and return it."""
    those = [item for item in turn.retries if wanted(item)]
    turn.retries = tuple(item for item in turn.retries if item not in those)
    return those


def _unseen(item: Retry, front: str = "") -> bool:
    kind, touch = item.command["kind"], item.command["touch"]
    return item.why == "later" and kind in effects.CUSTOMER_SEES and touch.startswith(front)


def skip_unsent(turn: Turn, play: Play, reason: str) -> None:
    """Let nothing of a play go that the customer would see and that surely has not gone yet."""
    front = f"{turn.customer}/{play.key}/"
    for item in _taken(turn, lambda item: _unseen(item, front)):
        _give_up(turn, play, decode_union(Command, item.command), reason, told=False)


def put_off(turn: Turn, play: Play, length: Length) -> None:
    """Let what the customer would see of a play, and what surely has not gone yet, fall due that much later."""
    front = f"{turn.customer}/{play.key}/"
    turn.retries = tuple(_later_by(turn, play, item, length) if _unseen(item, front) else item for item in turn.retries)


def renew(turn: Turn, play: Play) -> None:
    """Let what the customer would see of a play, and what surely has not gone yet, be as if it fell due now."""
    front = f"{turn.customer}/{play.key}/"
    turn.retries = tuple(_due_now(turn, item) if _unseen(item, front) else item for item in turn.retries)


def _due_now(turn: Turn, item: Retry) -> Retry:
    command: Any = decode_union(Command, item.command)
    return _counting_from(item, command, max(command.due, turn.at))


def _later_by(turn: Turn, play: Play, item: Retry, length: Length) -> Retry:
    command: Any = decode_union(Command, item.command)
    due = turn.later(command.due, length, play.zone)
    return replace(_counting_from(item, command, due), at=max(due, turn.at))


def _counting_from(item: Retry, command: Any, due: datetime) -> Retry:
    """Let a command grow stale from another due on: the hold that kept it back is over. Of an invite it stays known for
    whoever hears that the meeting is.
    """
    held = item.held and command.kind == "send_invite"
    return replace(item, command=encode(replace(command, due=due)), held=held)


def hurry(turn: Turn) -> None:
    """Look at once at what was postponed: the hold that may have kept it, the customer's or everything's, is gone. What
    was put off to a later day stays there.
    """
    turn.retries = tuple(
        replace(item, at=turn.at) if item.why == "later" and _due(item) <= turn.at else item for item in turn.retries
    )


def _due(item: Retry) -> datetime:
    command: Any = decode_union(Command, item.command)
    due: datetime = command.due
    return due


def run(turn: Turn) -> bool:
    """Issue again what is due at the turn's instant; True if anything was."""
    if not turn.retries:
        return False
    due = [item for item in turn.retries if item.at <= turn.at]
    for item in due:
        turn.retries = tuple(other for other in turn.retries if other is not item)
        _reissue(turn, item)
    return bool(due)


def _reissue(turn: Turn, item: Retry) -> None:
    """Issue a command again. What surely has not gone yet is judged again first; what may have arrived is only asked
    about.
    """
    command: Any = decode_union(Command, item.command)
    touch = touches.read(command.touch)
    play = turn.play(touch.play)
    if command.kind == "ask_approval" and not _asked(turn, play, command):
        return
    if item.why == "unknown":
        turn.doubtful = (*turn.doubtful, command.touch)
    if command.kind not in effects.CUSTOMER_SEES or item.why == "unknown":
        turn.commands.append(command)
        return
    if play is None:
        _reissue_late(turn, item, command)
        return
    if play.step_of(touch.step) not in turn.index(play):
        _give_up(turn, play, command, "its step is no longer in the playbook", told=False)
        return
    if "" in turn.holds or touch.playbook in turn.holds:
        turn.retries = (*turn.retries, replace(item, at=may_go(turn, play, command.touch), held=True))
        return
    if command.kind == "send_invite":
        command = _reoffered(turn, play, command)
    stale = turn.later(command.due, turn.life.politeness.stale_after, play.zone)
    paused = awaits_answer(play, item)
    opens = may_go(turn, play, command.touch, paused=paused)
    if not turn.reachable(command.to):
        _give_up(turn, play, command, "may no longer be written to", told=False)
    elif max(opens, turn.clock) > stale and not item.held:
        ours = paused and turn.at <= stale
        why = "their reply was not answered" if ours else "the provider kept asking for patience"
        _give_up(turn, play, command, f"{why} until it was stale", told=True)
    elif command.kind == "send_invite" and command.closes <= turn.clock:
        kept = "a hold kept it back" if item.held else "the provider kept asking for patience"
        _give_up(turn, play, command, f"{kept} until the meeting was over", told=True)
    elif opens > turn.clock:
        turn.retries = (*turn.retries, replace(item, at=opens))
    else:
        turn.commands.append(command)


def awaits_answer(play: Play, item: Retry) -> bool:
    """Whether a mail waits until its reader's own reply is answered, whatever a provider says."""
    return item.command["kind"] in MAILS and item.command["to"] in play.paused


def _reissue_late(turn: Turn, item: Retry, command: SendInvite) -> None:
    """Issue again what tells of a meeting whose play has ended, unless it is over."""
    opens = may_go(turn, None, command.touch)
    if command.closes <= turn.clock or not turn.reachable(command.to):
        turn.decide_life(command.step, "outcome", "cancelled", "the meeting is over, or nobody may be told", command.to)
    elif opens > turn.clock:
        turn.retries = (*turn.retries, replace(item, at=opens))
    else:
        turn.commands.append(command)


def _reoffered(turn: Turn, play: Play, command: SendInvite) -> SendInvite:
    """An invitation with its slot chosen from today's point of view, unless a guest may know of the meeting already."""
    name = play.step_of(touches.read(command.touch).step)
    action, progress = turn.index(play)[name].action, effects.standing(turn, play, touches.read(command.touch))
    asked = {item.command["touch"] for item in turn.retries if item.why == "unknown"}
    known = any(touch.startswith(f"{command.meeting}/") for touch in asked.union(turn.doubtful))
    if known or progress is None or progress.sent or not isinstance(action, Invite):
        return command
    opens, closes = schedule.slot_window(turn, play, action, turn.clock, name)
    if (opens, closes) != (command.opens, command.closes):
        turn.progress(play.key, name, replace(progress, offered=turn.clock))
    return replace(command, opens=opens, closes=closes)


def _asked(turn: Turn, play: Play | None, command: AskApproval) -> bool:
    """Whether a question is still open, and still put to this person."""
    progress = effects.standing(turn, play, touches.read(command.touch))
    if play is None or progress is None or progress.status != "asked":
        return False
    step = turn.index(play)[play.step_of(touches.read(command.touch).step)]
    roles = schedule.asked_of(turn, play, step.approval, progress) if step.approval else ()
    return any(mate.id == command.to for role in roles if (mate := turn.teammate(role)) is not None)


def may_go(turn: Turn, play: Play | None, touch: str, *, paused: bool = False) -> datetime:
    """The next instant, from the turn's clock on, at which a customer may be written to, on a business day where the
    step keeps to them; a hold is asked daily. Of a play that has ended the customer's zone and the usual hours count.
    """
    book, start = turn.book(play) if play else None, turn.clock
    zone, at = (play.zone, book.at) if play and book else (turn.profile.zone, AT)
    if "" in turn.holds or touches.read(touch).playbook in turn.holds or paused:
        start = calendar.wall(calendar.local(start, zone).date() + calendar.DAY, at, zone)
    if play and book:
        step = turn.index(play).get(play.step_of(touches.read(touch).step))
        holidays = turn.holidays(turn.profile.country) if step is not None and step.when.shift else None
        return recipients.opens_at(turn, play, book, start, holidays)
    return calendar.next_open(start, zone, WINDOW, turn.life.politeness.quiet, None, turn.blackouts())


def _give_up(turn: Turn, play: Play, command: Any, why: str, *, told: bool) -> None:
    effects.arrived(turn, play, touches.read(command.touch), sent=False)
    recipients.release(turn, command.touch)
    turn.decide(play, command.step, "outcome", "failed" if told else "cancelled", why, command.to)
    if told:
        effects.tell_owner(turn, play, command.touch, command.to, why)
