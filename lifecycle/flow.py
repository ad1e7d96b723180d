"""Where a play goes: one of several ways, and round after round.

The steps of a round are the same steps again: where they stood is forgotten when the next round begins, and what they
had begun and not done is withdrawn. Their touches carry the number of the round, so none is ever sent twice.
"""

from dataclasses import replace
from datetime import datetime

from lifecycle import leaving, retries, schedule
from lifecycle.actions import Choose, Repeat
from lifecycle.model import SETTLED, Play, Progress
from lifecycle.playbook import Step
from lifecycle.turn import Turn


def choose(turn: Turn, play: Play, step: Step, action: Choose, at: datetime) -> None:
    """Take the first way that holds; what comes on it counts from `at`."""
    for number, way in enumerate(action.ways, 1):
        if turn.met(way, play.about):
            turn.progress(play.key, step.id, Progress("met", at, outcome=str(number)))
            turn.decide(play, step.id, "choose", "fired", f"way {number}: {turn.because(way, play.about)}")
            return
    why = "; ".join(turn.because(way, play.about) for way in action.ways)
    found = Progress("met", at, outcome="otherwise") if action.otherwise else Progress("skipped", at)
    turn.progress(play.key, step.id, found)
    if action.otherwise:
        turn.decide(play, step.id, "choose", "fired", f"otherwise: {why}")
    else:
        turn.decide(play, step.id, "choose", "skipped", f"no way holds: {why}")


def begin(turn: Turn, play: Play, step: Step, action: Repeat, progress: Progress) -> None:
    """Begin a round. `progress`: `count` is its number, `at` when it began, `due` when the first one did."""
    turn.progress(play.key, step.id, progress)
    said = f"round {progress.count} of at most {action.at_most}, until {action.until.text}"
    turn.decide(play, step.id, "repeat", "waiting", said)


def go_on(turn: Turn, play: Play, step: Step, action: Repeat, progress: Progress) -> None:
    """A round is over: the next one begins, or that was the last."""
    if progress.count < action.at_most:
        inside, reason = _inside(turn, play, step), "the next round begins"
        names = tuple(item.id for item in inside)
        leaving.withdraw(turn, play, inside, reason)
        retries.drop(turn, play, reason, names)
        turn.restart(play.key, names)
        begin(turn, play, step, action, replace(progress, at=turn.at, count=progress.count + 1))
        return
    why = f"not met in {progress.count} rounds: {turn.because(action.until, play.about)}"
    _settle(turn, play, step, Progress("timed_out", turn.at, count=progress.count), why)
    turn.decide(play, step.id, "repeat", "skipped", why)


def stop(turn: Turn, play: Play, step: Step, reason: str) -> None:
    """What the rounds were for has come: no other begins, and what of this one is open is withdrawn."""
    progress = play.steps[step.id]
    _settle(turn, play, step, Progress("met", turn.at, count=progress.count), reason)
    turn.decide(play, step.id, "repeat", "fired", reason)


def pass_over(turn: Turn, play: Play, step: Step, at: datetime) -> bool:
    """Settle a choice or repeat whose instant came before the customer was placed; whether it goes on. A way is taken
    as things stand now; of rounds the one is on that would be, if there is one.
    """
    action = step.action
    if not isinstance(action, Choose | Repeat) or not turn.met(step.condition, play.about):
        return False
    if isinstance(action, Choose):
        choose(turn, play, step, action, at)
        return True
    now = Progress("waiting", at, due=at, count=1)
    while now.count <= action.at_most and (ends := schedule.round_ends(turn, play, action, now)) <= turn.at:
        now = replace(now, at=ends, count=now.count + 1)
    if now.count <= action.at_most:
        begin(turn, play, step, action, now)
    return now.count <= action.at_most


def _settle(turn: Turn, play: Play, step: Step, progress: Progress, reason: str) -> None:
    """End the rounds. What the last one has sent stands, meetings included; what it has not done is withdrawn."""
    play = turn.play(play.key) or play
    inside = _inside(turn, play, step)
    leaving.withdraw(turn, play, inside, reason, calendar=False)
    for item in inside:
        found = play.steps.get(item.id)
        if found is not None and found.status not in SETTLED:
            turn.progress(play.key, item.id, Progress("cancelled", turn.at))
    turn.progress(play.key, step.id, progress)


def _inside(turn: Turn, play: Play, step: Step) -> list[Step]:
    steps = turn.index(play)
    return [steps[name] for name in turn.steps(play).inside.get(step.id, ())]
