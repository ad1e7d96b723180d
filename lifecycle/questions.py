"""How a question to a person is closed: by an answer, by silence, as its play is left. And how an answer is refused."""

from lifecycle.commands import SettleApproval
from lifecycle.messages import Reply
from lifecycle.model import Play, Settlement
from lifecycle.playbook import Step
from lifecycle.turn import Turn


def settle(turn: Turn, play: Play, step: Step, result: str, by: str = "", press: str = "") -> None:
    """Close an approval: remember the answer for late presses and take the buttons off its cards.

    That nobody answered is not kept: a press that comes later finds the step settled without an answer.
    """
    approval = turn.named(play, step.id)
    if result != "expired":
        turn.decided = (*turn.decided, Settlement(approval, result, by, turn.at, press))
    touch = turn.touch(play, step.id, "settle")
    turn.commands.append(SettleApproval(touch, play.release, step.id, turn.at, approval, result, by))


def refuse(turn: Turn, step: str, what: str, reply: Reply) -> None:
    """Answer a person without acting, and leave a trace of it."""
    turn.reply = reply
    turn.decide_life(step, what, "skipped", reply.text)
