"""Plays that people start and stop by hand. Each gets a reply, whatever it says."""

from lifecycle import entering, leaving, responses
from lifecycle.messages import PlayRequested, PlayStopRequested, Reply
from lifecycle.turn import Turn


def start(turn: Turn, event: PlayRequested) -> None:
    """Start a playbook on a person's word, unless its own rules say no."""
    if not _ours(turn, event.by):
        _refuse(turn, event.playbook, Reply("not_yours", "Only a teammate of this customer can start a play."))
    elif event.playbook not in turn.current():
        _refuse(turn, event.playbook, Reply("unknown", f"There is no playbook {event.playbook}."))
    else:
        why = f": {event.reason}" if event.reason else ""
        turn.decide_life(event.playbook, "play", "fired", f"asked for by {event.by}{why}")
        begun = entering.enter(turn, event.playbook, turn.at)
        result, text = ("done", "Started.") if begun else ("refused", f"Not started: {turn.decisions[-1].reason}.")
        turn.reply = Reply(result, text)


def stop(turn: Turn, event: PlayStopRequested) -> None:
    """End a play on a person's word: what it has asked is withdrawn, its meetings to come are cancelled."""
    play = turn.play(event.play)
    if not _ours(turn, event.by):
        _refuse(turn, event.play, Reply("not_yours", "Only a teammate of this customer can stop a play."))
    elif play is None or play.over:
        ended = responses.was_played(turn, event.play)
        _refuse(turn, event.play, Reply("too_late", "It has ended.") if ended else Reply("unknown", "No such play."))
    else:
        leaving.end(turn, play, f"stopped by {event.by}: {event.reason or 'no reason given'}")
        turn.reply = Reply("done", "Stopped.")


def _ours(turn: Turn, by: str) -> bool:
    """Whether a teammate has a role for this customer, or a manager's."""
    managers = (turn.teammate(role) for role in turn.life.managers)
    return by in {person.id for person in (*turn.team.values(), *managers) if person is not None}


def _refuse(turn: Turn, what: str, reply: Reply) -> None:
    turn.reply = reply
    turn.decide_life(what, "play", "skipped", reply.text)
