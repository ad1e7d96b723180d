"""Plays that people start and stop by hand. Each gets a reply, whatever it says."""

from lifecycle import entering, leaving, questions, responses
from lifecycle.messages import PlayRequested, PlayStopRequested, Reply
from lifecycle.turn import Turn


def start(turn: Turn, event: PlayRequested) -> None:
    """Start a playbook on a person's word, unless its own rules say no."""
    if not turn.ours(event.by):
        questions.refuse(
            turn, event.playbook, "play", Reply("not_yours", "Only a teammate of this customer can start a play.")
        )
    elif event.playbook not in turn.current():
        questions.refuse(turn, event.playbook, "play", Reply("unknown", f"There is no playbook {event.playbook}."))
    else:
        why = f": {event.reason}" if event.reason else ""
        turn.decide_life(event.playbook, "play", "fired", f"asked for by {event.by}{why}")
        begun = entering.enter(turn, event.playbook, turn.at, reason=entering.HAND)
        result, text = ("done", "Started.") if begun else ("refused", f"Not started: {turn.decisions[-1].reason}.")
        turn.reply = Reply(result, text)


def stop(turn: Turn, event: PlayStopRequested) -> None:
    """End a play on a person's word: what it has asked is withdrawn, its meetings to come are cancelled."""
    play = turn.play(event.play)
    if not turn.ours(event.by):
        questions.refuse(
            turn, event.play, "play", Reply("not_yours", "Only a teammate of this customer can stop a play.")
        )
    elif play is None or play.over:
        ended = responses.was_played(turn, event.play)
        answer = Reply("too_late", "It has ended.") if ended else Reply("unknown", "No such play.")
        questions.refuse(turn, event.play, "play", answer)
    else:
        leaving.end(turn, play, f"stopped by {event.by}: {event.reason or 'no reason given'}")
        turn.reply = Reply("done", "Stopped.")
