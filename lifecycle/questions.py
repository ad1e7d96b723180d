"""What names a question to a person, and how it is closed: by an answer, by silence, or because its play is left."""

from lifecycle.commands import SettleApproval
from lifecycle.model import Play, Settlement
from lifecycle.playbook import Step
from lifecycle.turn import Turn


def approval_id(turn: Turn, play: Play, step: Step) -> str:
    """The id that presses carry; with the customer it names one question."""
    return turn.named(play, step.id)


def settle(turn: Turn, play: Play, step: Step, result: str, by: str = "", press: str = "") -> None:
    """Close an approval: remember the answer for late presses and take the buttons off its cards.

    That nobody answered is not kept: a press that comes later finds the step settled without an answer.
    """
    approval = approval_id(turn, play, step)
    if result != "expired":
        turn.decided = (*turn.decided, Settlement(approval, result, by, turn.at, press))
    touch = turn.touch(play, step.id, "settle")
    turn.commands.append(SettleApproval(touch, play.release, step.id, turn.at, approval, result, by))
