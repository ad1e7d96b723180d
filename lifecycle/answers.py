"""What people say: approvals answered, tasks and milestones ticked, stages set, holds placed. Each gets a reply,
whatever it says.

"Too late", "not yours" and "already decided by X" are results, recorded in the trace; nothing a person presses can
raise.
"""

from lifecycle import asking, happening, journey, machine, plays, questions, responses, touches
from lifecycle.messages import (
    ApprovalAnswered,
    MilestoneTicked,
    Reply,
    StageSet,
    TaskTicked,
)
from lifecycle.model import Play, Progress
from lifecycle.playbook import Approval, Step
from lifecycle.turn import Turn


def _holds_role(turn: Turn, by: str, roles: tuple[str, ...]) -> bool:
    """Whether a teammate has one of the roles for this customer, or a manager's."""
    return any(
        (person := turn.teammate(role)) is not None and person.id == by for role in (*roles, *turn.life.managers)
    )


def approval(turn: Turn, event: ApprovalAnswered) -> None:
    """Take an answer to an approval; the first one decides."""
    settled = next((item for item in turn.decided if item.approval == event.approval), None)
    if settled is not None and settled.press and settled.press == event.press:
        turn.reply = Reply(settled.result, f"Already taken: {settled.result}.")
        return
    if settled is not None:
        questions.refuse(turn, touches.named(settled.approval)[1], "answer", _late(settled.result, settled.by))
        return
    found = _open(turn, event.approval)
    if found is None:
        questions.refuse(turn, touches.named(event.approval)[1], "answer", _unasked(turn, event.approval))
        return
    play, step, rule, progress = found
    if not _holds_role(turn, event.by, (rule.by, *(rung.to for rung in rule.escalate))):
        turn.decide(play, step.id, "answer", "skipped", f"{event.by} may not answer this; {rule.by} may", rule.by)
        turn.reply = Reply("not_yours", f"Only the {rule.by.replace('_', ' ')} or a manager can answer this.")
    elif event.answer == "reject":
        questions.settle(turn, play, step, "rejected", event.by, event.press)
        turn.progress(play.key, step.id, Progress("skipped", turn.at))
        turn.decide(play, step.id, step.action.kind, "skipped", f"rejected by {event.by}", rule.by)
        turn.reply = Reply("rejected", "Rejected: nothing will be sent.")
    else:
        questions.settle(turn, play, step, "approved", event.by, event.press)
        edited = ", edited" if event.edited else ""
        turn.decide(play, step.id, "approval", "fired", f"approved by {event.by}{edited}", rule.by)
        asking.approved(turn, play, step, progress, edited=event.edited)
        turn.reply = Reply("approved", "Approved.")


def _unasked(turn: Turn, approval_id: str) -> Reply:
    """What to say of a question that is not open and whose answer is not kept: it expired, its play has ended, or it
    never was.
    """
    key, name, nth = touches.named(approval_id)
    play = turn.play(key)
    name = play.step_of(name) if play else name
    step = turn.index(play).get(name) if play else None
    if play is not None and step is not None and step.approval is not None:
        now = turn.round(play, name)
        if name in play.steps if nth == str(now) else touches.counted(nth, now - 1):
            return _late("expired", "")
    if play is None and responses.was_played(turn, key):
        return Reply("too_late", "Too late: its play has ended.")
    return Reply("unknown", "This request is not known here.")


def _open(turn: Turn, approval_id: str) -> tuple[Play, Step, Approval, Progress] | None:
    key, name, _ = touches.named(approval_id)
    play = turn.play(key)
    name = play.step_of(name) if play else name
    step = turn.index(play).get(name) if play else None
    progress = play.steps.get(name) if play else None
    if play is None or step is None or step.approval is None or progress is None or progress.status != "asked":
        return None
    if turn.named(play, name) != approval_id:
        return None
    return play, step, step.approval, progress


def _late(result: str, by: str) -> Reply:
    if result in ("expired", "withdrawn"):
        why = "nobody answered in time" if result == "expired" else "it is no longer needed"
        return Reply("too_late", f"Too late: {why}.")
    return Reply("already", f"Already {result} by {by}.")


def task(turn: Turn, event: TaskTicked) -> None:
    """Take the tick of a task. The core keeps no list of tasks: the store does, by the same touch."""
    touch = touches.read(event.task)
    if touch.customer != turn.customer or not touch.part:
        questions.refuse(turn, "", "task", Reply("unknown", "This task is not known here."))
        return
    if not turn.ours(event.by):
        questions.refuse(
            turn, touch.step, "task", Reply("not_yours", "Only a teammate of this customer can tick this task.")
        )
        return
    play = turn.play(touch.play)
    text = f"{'done' if event.done else 'reopened'} by {event.by}"
    if play is not None:
        turn.decide(play, touch.step, "task", "fired", text)
    else:
        turn.decide_life(touch.step, "task", "fired", text)
    if event.done:
        responses.ticked(turn, touch)
        _tell(turn, play, touches.done_event(event.task))
    turn.reply = Reply("done", "Ticked." if event.done else "Reopened.")


def _tell(turn: Turn, play: Play | None, name: str) -> None:
    """A task that is done is an event where the catalogue knows one of this name, about what its play is about."""
    if name in turn.life.events:
        per = turn.book(play).per if play else ""
        happening.happened(turn, name, {per: play.subject} if play and per else {})


def milestone(turn: Turn, event: MilestoneTicked) -> None:
    """Take a person's word for a milestone, or take it back."""
    spec = turn.life.milestones.get(event.milestone)
    if spec is None:
        questions.refuse(turn, "", "milestone", Reply("unknown", f"There is no milestone {event.milestone}."))
        return
    if not _holds_role(turn, event.by, spec.ticked_by):
        reply = Reply("not_yours", f"{spec.title} is ticked by {', '.join(spec.ticked_by) or 'managers only'}.")
        questions.refuse(turn, event.milestone, "milestone", reply)
        return
    others = {name: at for name, at in turn.ticked.items() if name != event.milestone}
    turn.ticked = {**others, event.milestone: turn.at} if event.done else others
    said = "reached" if event.done else "not reached"
    turn.decide_life(event.milestone, "milestone", "fired", f"{said}, says {event.by}")
    if not event.done:
        plays.reopen_waits(turn)
    turn.reply = Reply("done", f"{spec.title}: {said}.")


def stage(turn: Turn, event: StageSet) -> None:
    """Move the customer on a person's word, forward or back; a criterion that holds already does not undo it."""
    if event.stage == turn.stage:
        questions.refuse(turn, event.stage, "stage", Reply("already", f"The customer is in {event.stage} already."))
        return
    target = machine.move("journey", turn.stage, f"set_to_{event.stage}")
    if target is None:
        questions.refuse(turn, "", "stage", Reply("unknown", f"There is no move from {turn.stage} to {event.stage}."))
        return
    known = turn.life.stages_of(turn.profile.journey)
    if turn.stages() and target not in known:
        said = f"The journey {turn.profile.journey} has no stage {target}; it has {', '.join(known)}."
        questions.refuse(turn, "", "stage", Reply("unknown", said))
        return
    journey.place(turn, target, f"set by {event.by}: {event.reason}")
    turn.reply = Reply("done", f"The customer is in {target} now.")
