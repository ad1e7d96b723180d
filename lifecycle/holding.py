"""Holds: a person stops what goes to a customer, or what one playbook does, and lets it go on.

While a hold is on, events are recorded, waits are met, questions are put and answered; what would be done is held. The
hold of a customer keeps back what the customer sees, that of a playbook everything that it does. What became due
meanwhile never goes stale: whoever lifts the hold says whether it is sent, skipped, or moved with the rest of its play.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from lifecycle import calendar, firing, questions, retries, touches
from lifecycle.actions import Length
from lifecycle.messages import HoldLifted, HoldPlaced, Reply, SendsReleased
from lifecycle.model import ON_HOLD, Hold, Play, Progress, State
from lifecycle.playbook import Step
from lifecycle.releases import Releases
from lifecycle.turn import Turn


@dataclass(frozen=True, slots=True)
class Stale:
    """A step that became due during a hold. `play`: `playbook/play`; `due`: when; `to`: roles."""

    play: str
    step: str
    what: str
    due: datetime
    to: str = ""


def stale(releases: Releases, state: State, playbook: str = "") -> tuple[Stale, ...]:
    """What became due during a hold (of a playbook, or the customer's own), or was put off when it began, the first
    due first: what lifting it will send, skip or move. Empty where there is no such hold.
    """
    turn = Turn(releases, state)
    if playbook not in turn.holds:
        return ()
    plays = {play.key: play for play in _concerned(turn, playbook)}
    found = [
        Stale(play.key, step.id, step.action.kind, progress.due or progress.at, ", ".join(step.to))
        for play in plays.values()
        for step, progress in _kept(turn, play)
    ]
    found += [item for item in unsent(state) if item.play in plays and item.due <= state.as_of]
    return tuple(sorted(found, key=lambda item: (item.due, item.play, item.step)))


def hear(turn: Turn, event: HoldPlaced | HoldLifted | SendsReleased) -> None:
    """Take the beginning or end of a hold. That of the hold on everything the core knows as sends put off."""
    match event:
        case HoldPlaced():
            _place(turn, event)
        case HoldLifted():
            _lift(turn, event)
        case SendsReleased():  # pragma: no branch - the union is closed
            _release(turn, event)


def _place(turn: Turn, event: HoldPlaced) -> None:
    """Begin a hold; one that is on already gets another reason and goes on."""
    since = turn.holds[event.playbook].since if event.playbook in turn.holds else turn.at
    turn.holds = {**turn.holds, event.playbook: Hold(event.reason or "on hold", since)}
    turn.decide_life(event.playbook or "hold", "hold", "held", f"placed by {event.by}: {event.reason}")
    what = f"{event.playbook} does nothing for this customer" if event.playbook else "nothing goes to this customer"
    turn.reply = Reply("done", f"On hold: {what}.")


def _lift(turn: Turn, event: HoldLifted) -> None:
    """End a hold, and settle what became due meanwhile as the event says."""
    hold = turn.holds.get(event.playbook)
    if hold is None:
        questions.refuse(turn, event.playbook or "hold", "hold", Reply("already", "There is no such hold."))
        return
    turn.holds = {name: other for name, other in turn.holds.items() if name != event.playbook}
    turn.decide_life(event.playbook or "hold", "hold", "fired", f"lifted by {event.by}")
    for play in tuple(_concerned(turn, event.playbook)):
        match event.stale:
            case "send":
                retries.renew(turn, play)
                _send(turn, play)
            case "skip":
                why = f"became due while on hold ({hold.reason}), which {event.by} lifted"
                retries.skip_unsent(turn, play, why)
                _skip(turn, play, why)
            case "retime":  # pragma: no branch - there is no other choice
                retries.put_off(turn, play, Length(_days(turn, play, hold), "days"))
                if not play.over:
                    _retime(turn, play, hold)
    retries.hurry(turn)
    turn.reply = Reply("done", "The hold is lifted.")


def unsent(state: State) -> tuple[Stale, ...]:
    """What was put off of what the customer would see, by a provider or a hold on everything; the first due first."""
    roles = {contact.id: ", ".join(contact.roles) for contact in state.contacts}
    found = []
    for command in retries.put_off_of(state):
        touch = touches.read(command.touch)
        kind = command.kind.removeprefix("send_")
        found.append(Stale(touch.play, command.step, kind, command.due, roles.get(command.to, command.to)))
    return tuple(sorted(found, key=lambda item: (item.due, item.play, item.step)))


def _release(turn: Turn, event: SendsReleased) -> None:
    """End the hold on everything, and settle what it kept back as the event says. What is no message of a playbook to
    the customer goes in any case.
    """
    turn.decide_life("hold", "hold", "fired", f"everything is released by {event.by}")
    retries.hurry(turn)
    for play in turn.plays:
        if "" in turn.holds or play.playbook in turn.holds:
            continue
        if event.stale == "send":
            retries.renew(turn, play)
            continue
        if event.stale == "skip":
            retries.skip_unsent(turn, play, f"became due while everything was on hold, which {event.by} lifted")
            continue
        hold = Hold("everything was on hold", event.since or turn.at)
        days = _days(turn, play, hold)
        if not play.over:
            _retime(turn, play, hold)
        retries.put_off(turn, play, Length(days, "days"))


def _days(turn: Turn, play: Play, hold: Hold) -> int:
    """For how many days of a play a hold lasted."""
    start = calendar.local(max(hold.since, play.started_at), play.zone).date()
    return (calendar.local(turn.at, play.zone).date() - start).days


def _concerned(turn: Turn, playbook: str) -> Iterator[Play]:
    """The plays that a hold keeps back, and no other hold besides once it is lifted but the customer's own. Of those
    that are over a send may have been put off.
    """
    for play in turn.plays:
        if play.playbook == playbook or (not playbook and play.playbook not in turn.holds):
            yield play


def _kept(turn: Turn, play: Play) -> Iterator[tuple[Step, Progress]]:
    for step in () if play.over else turn.book(play).steps:
        progress = play.steps.get(step.id)
        if progress is not None and progress.status == "held" and progress.outcome == ON_HOLD:
            yield step, progress


def _send(turn: Turn, play: Play) -> None:
    """Try it now, as if it were due now: it goes at the next slot that windows and caps allow."""
    for step, progress in _kept(turn, play):
        turn.progress(play.key, step.id, replace(progress, at=turn.at, due=turn.at, outcome=""))


def _skip(turn: Turn, play: Play, reason: str) -> None:
    for step, _ in _kept(turn, play):
        firing.skip(turn, play, step, reason)


def _retime(turn: Turn, play: Play, hold: Hold) -> None:
    """Move the play's remaining days by those of the hold: its day 0, what became due meanwhile, what is approved, and
    the waits and rounds that are on. What counts from a step that was settled counts from it still.
    """
    days = _days(turn, play, hold)
    steps = {name: _moved(turn, play, progress, Length(days, "days")) for name, progress in play.steps.items()}
    turn.put(replace(play, anchor=calendar.plus(play.anchor, days), steps=steps))
    turn.stir()
    turn.decide(play, "", "play", "waiting", f"its remaining days move by {days}: it was on hold ({hold.reason})")


def _moved(turn: Turn, play: Play, progress: Progress, length: Length) -> Progress:
    on_hold = progress.status == "held" and progress.outcome == ON_HOLD
    if progress.status not in ("approved", "waiting") and not on_hold:
        return progress
    at = turn.later(progress.due or progress.at if on_hold else progress.at, length, play.zone)
    due = None if progress.due is None else turn.later(progress.due, length, play.zone)
    if on_hold:
        at = max(at, turn.at)
        return replace(progress, at=at, due=at, outcome="")
    return replace(progress, at=at, due=due)
