"""What a step does here, rather than having it sent: it sets facts, starts plays, ends plays, calls meetings off.

Such steps may set each other off. One moment's chain of them ends after `CHAIN` links, so that every step of the engine
ends, whatever the playbooks say.
"""

from functools import partial
from math import isfinite

from lifecycle import conditions, entering, happening, leaving, meetings
from lifecycle.actions import CancelMeeting, Expr, SetFacts, StartPlay, StopPlay
from lifecycle.model import Play, Progress, Value
from lifecycle.playbook import Step
from lifecycle.turn import Turn

Deed = SetFacts | StartPlay | StopPlay | CancelMeeting
CHAIN = 50
_CIRCLE = f"more than {CHAIN} steps set each other off at this moment: they go round in circles"


def do(turn: Turn, play: Play, step: Step, deed: Deed) -> None:
    """Do what a step says, at its due; whatever stands against it, the step is settled and says why."""
    turn.progress(play.key, step.id, Progress("fired", turn.at))
    match deed:
        case SetFacts():
            _set(turn, play, step, deed)
        case StartPlay():
            _start(turn, play, step, deed.playbook)
        case StopPlay():
            _stop(turn, play, step, deed)
        case CancelMeeting():  # pragma: no branch - the union is closed
            _call_off(turn, play, step, deed)


def worked_out(turn: Turn, play: Play, expr: Expr) -> Value:
    """The value of an expression for a play; None where it is not known, or is none that can be stored."""
    found = conditions.value(expr.tree, partial(turn.lookup, about=play.about))
    if isinstance(found, float):
        return found if isfinite(found) else None
    return found if isinstance(found, str | int) else None


def _leave(turn: Turn, play: Play, step: Step, reason: str) -> None:
    turn.progress(play.key, step.id, Progress("skipped", turn.at))
    turn.decide(play, step.id, step.action.kind, "skipped", reason)


def _circles(turn: Turn) -> bool:
    """Count one more link of this moment's chain; whether it is one too many."""
    turn.chain += 1
    return turn.chain > CHAIN


def _set(turn: Turn, play: Play, step: Step, deed: SetFacts) -> None:
    """All values are worked out before the first is set; what is not known changes nothing."""
    found = {name: worked_out(turn, play, expr) for name, expr in deed.facts.items()}
    news: dict[str, Value] = {
        name: value for name, value in found.items() if value is not None and value != turn.lookup(name)
    }
    if news and _circles(turn):
        _leave(turn, play, step, _CIRCLE)
        return
    happening.learn(turn, news)
    said = "; ".join(
        f"{name} left as it is: the new value is not known" if value is None else f"{name} = {conditions.text(value)}"
        for name, value in found.items()
    )
    turn.decide(play, step.id, "set", "fired", said)


def _start(turn: Turn, play: Play, step: Step, playbook: str) -> None:
    if playbook not in turn.current():
        _leave(turn, play, step, f"there is no playbook {playbook}")
    elif _circles(turn):
        _leave(turn, play, step, _CIRCLE)
    elif entering.enter(turn, playbook, turn.at, play.about):
        turn.decide(play, step.id, "start", "fired", f"started {turn.plays[-1].key}")
    else:
        _leave(turn, play, step, f"{playbook} not started: {turn.decisions[-1].reason}")


def _stop(turn: Turn, play: Play, step: Step, deed: StopPlay) -> None:
    those = [other for other in turn.running() if _meant(turn, play, other, deed.playbook)]
    if not those:
        _leave(turn, play, step, f"no play of {deed.playbook} is running")
        return
    turn.decide(play, step.id, "stop", "fired", f"ends {', '.join(other.key for other in those)}")
    reason = "goal reached" if deed.goal else "stopped"
    for other in those:
        leaving.end(turn, other, f"{reason}: {step.id} of {play.key}")


def _call_off(turn: Turn, play: Play, step: Step, deed: CancelMeeting) -> None:
    if why := meetings.hopeless(turn, play, deed):
        _leave(turn, play, step, why)
        return
    turn.decide(play, step.id, "cancel", "fired", f"{deed.invite} is called off")
    meetings.call_off(turn, play, deed)


def _meant(turn: Turn, play: Play, other: Play, playbook: str) -> bool:
    """This play, or one of the playbook; of those about one of several things each, only that about the same."""
    if not playbook:
        return other.key == play.key
    same = turn.book(play).per == turn.book(other).per
    return other.playbook == playbook and (not same or other.subject == play.subject)
