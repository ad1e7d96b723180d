"""How a question to a person is closed: by an answer, by silence, as its play is left; and for how long an answer is
kept. And how an answer is refused.
"""

from datetime import timedelta

from lifecycle import touches
from lifecycle.commands import SettleApproval
from lifecycle.messages import Reply
from lifecycle.model import Play, Settlement
from lifecycle.playbook import Step
from lifecycle.turn import Turn

SETTLED_FOR = timedelta(days=30)
SETTLED_LIMIT = 20


def settle(turn: Turn, play: Play, step: Step, result: str, by: str = "", press: str = "") -> None:
    """Close an approval: remember the answer for late presses and take the buttons off its cards.

    That nobody answered is not kept: a press that comes later finds the step settled without an answer.
    """
    approval = turn.named(play, step.id)
    if result != "expired":
        turn.decided = (*turn.decided, Settlement(approval, result, by, turn.at, press))
    touch = turn.touch(play, step.id, "settle")
    turn.commands.append(SettleApproval(touch, play.release, step.id, turn.at, approval, result, by))


def take_back(turn: Turn, play: Play, step: Step, person: str, change: str) -> None:
    """Ask a person no more, because others have their roles now; the question stays open."""
    touch = turn.touch(play, step.id, f"settle-{change}", person)
    approval = turn.named(play, step.id)
    turn.commands.append(SettleApproval(touch, play.release, step.id, turn.at, approval, "superseded", to=person))


def refuse(turn: Turn, step: str, what: str, reply: Reply) -> None:
    """Answer a person without acting, and leave a trace of it."""
    turn.reply = reply
    turn.decide_life(step, what, "skipped", reply.text)


def forget(turn: Turn) -> None:
    """Drop answered approvals 30 days after their play ended (those of an earlier play of the same playbook 30 days
    after the answer), and the oldest beyond a limit: an older press is answered less well, never acted on.
    """
    if not turn.decided or turn.idle("settled", turn.decided, turn.plays):
        return
    plays = [touches.named(item.approval)[0] for item in turn.decided]
    if len(plays) <= SETTLED_LIMIT and all(turn.play(key) is not None for key in plays):
        turn.rest("settled", turn.decided, turn.plays)
        return

    def wanted(item: Settlement) -> bool:
        key = touches.named(item.approval)[0]
        if turn.play(key) is not None:
            return True
        name, _, number = key.rpartition("/")
        last = max(item.at, turn.ended.get(name, item.at)) if int(number) == turn.counters.get(name) else item.at
        return turn.at - last < SETTLED_FOR

    turn.decided = tuple(item for item in turn.decided if wanted(item))[-SETTLED_LIMIT:]
