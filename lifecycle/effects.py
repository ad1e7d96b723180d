"""What became of the commands: delivered, refused, postponed, nobody knows. Outcomes never move a due; a provider's
patience is kept here.

A touch whose provider asked for patience, or that may have arrived, is the same command issued again with the same
identity: the ledger decides what that
means. A refused one becomes work for the playbook's owner.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lifecycle import calendar, recipients
from lifecycle.jsonform import decode_union, encode
from lifecycle.messages import BatchSettled, Command, Effect
from lifecycle.model import Play, Retry
from lifecycle.turn import Turn

UNKNOWN_FOR = timedelta(hours=24)
CUSTOMER_SEES = ("send_email", "send_survey", "send_invite")
MAILS = ("send_email", "send_survey")


def settle(turn: Turn, event: BatchSettled, issued: tuple[Command, ...]) -> None:
    """Take the outcomes of a batch. `issued`: the commands it carried, as the shell kept them."""
    turn.records = turn.records[event.stored :]
    commands = {command.touch: command for command in issued}
    for effect in event.effects:
        _settle(turn, effect, commands.get(effect.touch))


def _settle(turn: Turn, effect: Effect, command: Command | None) -> None:
    parts = effect.touch.split("/")
    if len(parts) < 6:  # noqa: PLR2004 - customer, playbook, play, step, occurrence, part
        return
    play, name, part = turn.play(f"{parts[1]}/{parts[2]}"), parts[3], parts[5]
    recipient = parts[6] if len(parts) > 6 else ""  # noqa: PLR2004
    if effect.result in ("later", "unknown"):
        _postpone(turn, effect, command, play, name)
        return
    if play is not None and part in ("send", "task"):
        _arrived(turn, play, name, recipient, sent=effect.result == "sent")
    if effect.result == "failed":
        _failed(turn, play, name, part, recipient, effect)
    elif effect.result == "withdrawn":
        recipients.release(turn, effect.touch)
        if play is not None:
            turn.decide(play, name, part, "cancelled", effect.reason, recipient)


def _postpone(turn: Turn, effect: Effect, command: Command | None, play: Play | None, name: str) -> None:
    if command is None:
        return
    if play is None and command.kind in CUSTOMER_SEES:
        if effect.result == "later":
            recipients.release(turn, effect.touch)
        turn.decide_life(name, "outcome", "cancelled", f"{effect.result}, and its play has been left: {effect.reason}")
        return
    later = effect.result == "later"
    at = effect.at or turn.at + timedelta(minutes=1) if later else turn.at + UNKNOWN_FOR
    at = max(at, turn.at + timedelta(seconds=1))
    retry = Retry(at, encode(command), "later" if later else "unknown")
    turn.retries = (*(item for item in turn.retries if item.command["touch"] != effect.touch), retry)
    if play is not None and not later:
        turn.decide(play, name, "outcome", "waiting", f"may have arrived; asked again in 24 hours: {effect.reason}")


def _arrived(turn: Turn, play: Play, name: str, recipient: str, *, sent: bool) -> None:
    progress = play.steps.get(name)
    if progress is None or recipient not in progress.left:
        return
    left = tuple(item for item in progress.left if item != recipient)
    keep = sent and turn.index(play)[name].action.kind == "invite"
    turn.progress(
        play.key, name, replace(progress, left=left, sent=(*progress.sent, recipient) if keep else progress.sent)
    )


def _failed(turn: Turn, play: Play | None, name: str, part: str, recipient: str, effect: Effect) -> None:
    recipients.release(turn, effect.touch)
    if play is None:
        turn.decide_life(name, part, "failed", effect.reason, recipient)
        return
    turn.decide(play, name, part, "failed", effect.reason, recipient)
    if not part.startswith("task"):
        _tell_owner(turn, play, name, part, recipient, effect.reason)


def _tell_owner(turn: Turn, play: Play, name: str, part: str, recipient: str, why: str) -> None:
    owner = turn.book(play).owner
    turn.raise_task(play, name, f"failed-{part}-{recipient}", owner, f"Could not deliver {name}: {why}")


def drop(turn: Turn, play: Play, reason: str) -> None:
    """Forget the sends of a play that is left, each with its reason; what surely never went no longer counts."""
    front = f"{turn.customer}/{play.key}/"
    for item in turn.retries:
        touch = item.command["touch"]
        if item.command["kind"] not in CUSTOMER_SEES or not touch.startswith(front):
            continue
        turn.retries = tuple(other for other in turn.retries if other is not item)
        if item.why == "later":
            recipients.release(turn, touch)
        seen = "" if item.why == "later" else "; it may have arrived"
        turn.decide(play, item.command["step"], "outcome", "cancelled", f"{reason}{seen}", item.command["to"])


def hurry(turn: Turn) -> None:
    """Look at once at what a provider postponed: the hold that may have kept it is gone."""
    turn.retries = tuple(replace(item, at=turn.at) if item.why == "later" else item for item in turn.retries)


def run_retries(turn: Turn) -> bool:
    """Issue again what is due at the turn's instant; True if anything was."""
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
    parts = command.touch.split("/")
    play = turn.play(f"{parts[1]}/{parts[2]}")
    if command.kind == "ask_approval" and not _asked(play, command.step):
        return
    if play is None or command.kind not in CUSTOMER_SEES or item.why == "unknown":
        turn.commands.append(command)
        return
    stale = turn.later(command.due, turn.life.politeness.stale_after, play.zone)
    opens = _may_go(turn, play, paused=command.kind in MAILS and command.to in play.paused)
    if not turn.reachable(command.to):
        _give_up(turn, play, command, "may no longer be written to", told=False)
    elif max(opens, turn.clock) > stale:
        _give_up(turn, play, command, "the provider kept asking for patience until it was stale", told=True)
    elif opens > turn.clock:
        turn.retries = (*turn.retries, replace(item, at=opens))
    else:
        turn.commands.append(command)


def _asked(play: Play | None, step: str) -> bool:
    """Whether a question is still open."""
    progress = play.steps.get(step) if play else None
    return progress is not None and progress.status == "asked"


def _may_go(turn: Turn, play: Play, *, paused: bool) -> datetime:
    """The next instant, from the turn's clock on, at which a customer may be written to; a hold is asked daily."""
    book, quiet = turn.book(play), turn.life.politeness.quiet
    start = turn.clock
    if turn.held or paused:
        start = calendar.wall(calendar.local(start, play.zone).date() + calendar.DAY, book.at, play.zone)
    return calendar.next_open(start, play.zone, book.window, quiet, None)


def _give_up(turn: Turn, play: Play, command: Any, why: str, *, told: bool) -> None:
    _arrived(turn, play, command.step, command.to, sent=False)
    recipients.release(turn, command.touch)
    turn.decide(play, command.step, "outcome", "failed" if told else "cancelled", why, command.to)
    if told:
        _tell_owner(turn, play, command.step, "send", command.to, why)
