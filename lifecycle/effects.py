"""What became of the commands: delivered, refused, postponed, nobody knows. Outcomes never move a due; a provider's
patience is kept here.

A touch whose provider asked for patience, or that may have arrived, is the same command issued again with the same
identity: the ledger decides what that
means. A refused one becomes work for the playbook's owner.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lifecycle import calendar, recipients, schedule, touches
from lifecycle.actions import Invite, Length
from lifecycle.altered import altered
from lifecycle.commands import AskApproval, Command, SendInvite
from lifecycle.jsonform import decode_union, encode
from lifecycle.messages import BatchSettled, Effect
from lifecycle.model import Play, Progress, Retry, State
from lifecycle.touches import Touch
from lifecycle.turn import Turn

UNKNOWN_FOR = timedelta(hours=24)
CUSTOMER_SEES = ("send_email", "send_survey", "send_invite")
MAILS = ("send_email", "send_survey")
AT, WINDOW = "09:00", ("08:00", "18:00")
"""When customers are written to where no playbook says it."""


def settle(turn: Turn, event: BatchSettled, issued: tuple[Command, ...]) -> None:
    """Take the outcomes of a batch. `issued`: the commands it carried, as the shell kept them."""
    turn.records = turn.records[event.stored :]
    for effect in event.effects:
        if effect.result == "sent":
            sent(turn, effect.touch)
        else:
            command = next((item for item in issued if item.touch == effect.touch), None)
            _settle(turn, effect, command)


def sent(turn: Turn, touch: str) -> None:
    """A touch has gone: nobody waits for its outcome, and whether it may have arrived is asked no longer."""
    found = touches.read(touch)
    play = turn.play(found.play)
    if turn.doubtful:
        turn.doubtful = tuple(item for item in turn.doubtful if item != touch)
    if play is not None and found.part in ("send", "task"):
        _arrived(turn, play, found, sent=True)


def _settle(turn: Turn, effect: Effect, command: Command | None) -> None:
    """Take an outcome other than that it was sent: later, held, unknown, failed or withdrawn."""
    touch = touches.read(effect.touch)
    if not touch.part:
        return
    play, part, recipient = turn.play(touch.play), touch.part, touch.to
    name = play.step_of(touch.step) if play else touch.step
    doubtful = effect.touch in turn.doubtful or effect.result == "unknown"
    turn.doubtful = tuple(item for item in turn.doubtful if item != effect.touch)
    if effect.result in ("later", "held", "unknown"):
        _postpone(turn, effect, command, play, doubtful=doubtful)
        return
    if play is not None and part in ("send", "task"):
        _arrived(turn, play, touch, sent=False)
    if effect.result == "failed":
        _failed(turn, play or _left(turn, command, part), name, recipient, effect)
        return
    if not doubtful:
        recipients.release(turn, effect.touch)
    play = play or _left(turn, command)
    if play is not None:
        turn.decide(play, name, part, "cancelled", effect.reason, recipient)


def _left(turn: Turn, command: Command | None, part: str = "cancel") -> Play | None:
    """The name of a play that the state has let go of, for the task or decision that still comes of it: a meeting that
    could not be cancelled is in somebody's calendar, whatever became of the play.
    """
    if command is None or part != "cancel":
        return None
    touch = touches.read(command.touch)
    return Play(touch.playbook, command.release, int(touch.number), turn.at.date(), turn.profile.zone, turn.at)


def _postpone(turn: Turn, effect: Effect, command: Command | None, play: Play | None, *, doubtful: bool) -> None:
    """Keep a command for later. Once it may have arrived it stays so, whatever a later answer says: it is asked about
    again, where its play was left only if somebody can be asked soon, and never judged as if it had surely not gone.
    """
    if command is None:
        return
    name = command.step
    askable = doubtful and effect.at is not None
    if play is None and not askable and of_left_play(command, ()):
        if not doubtful:
            recipients.release(turn, effect.touch)
        turn.decide_life(name, "outcome", "cancelled", f"{effect.result}, and its play has been left: {effect.reason}")
        return
    wait = UNKNOWN_FOR if effect.result == "unknown" else timedelta(minutes=1)
    at = max(effect.at or turn.at + wait, turn.at + timedelta(seconds=1))
    if effect.result == "later" and play is not None and command.kind in CUSTOMER_SEES:
        command = _renewed(turn, play, command)
    retry = Retry(at, encode(command), "unknown" if doubtful else "later", held=effect.result == "held")
    turn.retries = (*(item for item in turn.retries if item.command["touch"] != effect.touch), retry)
    if play is not None and effect.result == "unknown" and effect.at is None:
        turn.decide(play, name, "outcome", "waiting", f"may have arrived; asked again in 24 hours: {effect.reason}")


def _renewed(turn: Turn, play: Play, command: Any) -> Any:
    """What the customer would see, and whose provider asks for patience. What was stale by then was kept back until it
    was tried, by a hold of whose end nothing was said: it is as if it fell due now, and not the provider's fault.
    """
    stale = turn.later(command.due, turn.life.politeness.stale_after, play.zone)
    return replace(command, due=turn.at) if stale < turn.at else command


def left_behind(state: State, waiting: Sequence[Command]) -> tuple[Command, ...]:
    """Those of the commands not handed on yet that nobody wants any more: what the customer would see of plays that
    were left, and the cancelling of invites among it. The shell settles them as `withdrawn`.

    A batch that is out already is let go on: taking back what may be on the wire would make it unknown. What may have
    arrived is still asked about.
    """
    running = {play.key for play in state.plays}
    gone = {command.touch for command in waiting if of_left_play(command, running)}.difference(state.doubtful)
    return tuple(
        command
        for command in waiting
        if command.touch in gone or (command.kind == "cancel_invite" and f"{command.meeting}/{command.to}" in gone)
    )


def of_left_play(command: Command, running: Collection[str]) -> bool:
    """Whether a command is of a play that is not `running` any more and the customer would see it: it must not go. What
    tells of a change of the team goes in any case.
    """
    return command.kind in CUSTOMER_SEES and touches.read(command.touch).play not in running and not _of_change(command)


def _standing(turn: Turn, play: Play | None, touch: Touch) -> Progress | None:
    """Where the step of a touch stands; None when that touch was of an earlier round."""
    if play is None:
        return None
    step = play.step_of(touch.step)
    return (turn.play(play.key) or play).steps.get(step) if touch.nth == str(turn.round(play, step)) else None


def _arrived(turn: Turn, play: Play, touch: Touch, *, sent: bool) -> None:
    progress, name, recipient = _standing(turn, play, touch), play.step_of(touch.step), touch.to
    if progress is None or recipient not in progress.left:
        return
    left = tuple(item for item in progress.left if item != recipient)
    step = turn.index(play).get(name)
    keep = sent and step is not None and step.action.kind == "invite"
    turn.progress(
        play.key, name, altered(progress, left=left, sent=(*progress.sent, recipient) if keep else progress.sent)
    )


def _failed(turn: Turn, play: Play | None, name: str, recipient: str, effect: Effect) -> None:
    part = touches.read(effect.touch).part
    recipients.release(turn, effect.touch)
    if play is None:
        turn.decide_life(name, part, "failed", effect.reason, recipient)
        return
    turn.decide(play, name, part, "failed", effect.reason, recipient)
    if not part.startswith("task"):
        _tell_owner(turn, play, effect.touch, recipient, effect.reason)


def _tell_owner(turn: Turn, play: Play, touch: str, recipient: str, why: str) -> None:
    parts = touches.read(touch)
    name = play.step_of(parts.step)
    owner, what = turn.book(play).owner, "cancel" if parts.part == "cancel" else "deliver"
    nth = int(parts.nth) if parts.nth.isdecimal() else 0
    turn.raise_task(play, name, f"failed-{parts.part}-{recipient}", owner, f"Could not {what} {name}: {why}", nth)


def drop(turn: Turn, play: Play, reason: str, steps: Collection[str] | None = None) -> None:
    """Forget the sends of a play that is left, or of some of its steps, each with its reason; what surely never went no
    longer counts.
    """
    front = f"{turn.customer}/{play.key}/"
    for item in turn.retries:
        touch = item.command["touch"]
        if item.command["kind"] not in CUSTOMER_SEES or not touch.startswith(front):
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
        _arrived(turn, play, touches.read(item.command["touch"]), sent=False)
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
    return item.why == "later" and kind in CUSTOMER_SEES and touch.startswith(front)


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


def run_retries(turn: Turn) -> bool:
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
    if command.kind not in CUSTOMER_SEES or item.why == "unknown":
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


def _of_change(command: Command) -> bool:
    """Whether a command tells of a change of the team."""
    return bool(getattr(command, "change", ""))


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
    action, progress = turn.index(play)[name].action, _standing(turn, play, touches.read(command.touch))
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
    progress = _standing(turn, play, touches.read(command.touch))
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
    _arrived(turn, play, touches.read(command.touch), sent=False)
    recipients.release(turn, command.touch)
    turn.decide(play, command.step, "outcome", "failed" if told else "cancelled", why, command.to)
    if told:
        _tell_owner(turn, play, command.touch, command.to, why)
