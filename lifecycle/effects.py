"""What became of the commands: delivered, refused, postponed, nobody knows. Outcomes never move a due.

A refused touch becomes work for the playbook's owner. What its provider puts off, or what may have arrived, is kept to
be issued again: see `retries`.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lifecycle import recipients, touches
from lifecycle.altered import altered
from lifecycle.commands import Command
from lifecycle.jsonform import encode
from lifecycle.messages import BatchSettled, Effect
from lifecycle.model import Play, Progress, Retry, State
from lifecycle.touches import Touch
from lifecycle.turn import Turn

UNKNOWN_FOR = timedelta(hours=24)
CUSTOMER_SEES = ("send_email", "send_survey", "send_invite")


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
        arrived(turn, play, found, sent=True)


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
        arrived(turn, play, touch, sent=False)
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


def standing(turn: Turn, play: Play | None, touch: Touch) -> Progress | None:
    """Where the step of a touch stands; None when that touch was of an earlier round."""
    if play is None:
        return None
    step = play.step_of(touch.step)
    return (turn.play(play.key) or play).steps.get(step) if touch.nth == str(turn.round(play, step)) else None


def arrived(turn: Turn, play: Play, touch: Touch, *, sent: bool) -> None:
    progress, name, recipient = standing(turn, play, touch), play.step_of(touch.step), touch.to
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
        tell_owner(turn, play, effect.touch, recipient, effect.reason)


def tell_owner(turn: Turn, play: Play, touch: str, recipient: str, why: str) -> None:
    parts = touches.read(touch)
    name = play.step_of(parts.step)
    owner, what = turn.book(play).owner, "cancel" if parts.part == "cancel" else "deliver"
    nth = int(parts.nth) if parts.nth.isdecimal() else 0
    turn.raise_task(play, name, f"failed-{parts.part}-{recipient}", owner, f"Could not {what} {name}: {why}", nth)


def _of_change(command: Command) -> bool:
    """Whether a command tells of a change of the team."""
    return bool(getattr(command, "change", ""))
