"""What comes back from the customer: a reply to a mail, the answer to a survey, and what became of a meeting.

Nobody who has just written to us gets the next mail of a sequence before a person has read that: a reply pauses the
contact in every running play until the owner ticks the task it raises. A meeting that did not take place becomes work,
too: somebody offers another time.
"""

from dataclasses import replace

from lifecycle import happening, plays, questions, retries, touches
from lifecycle.actions import Invite
from lifecycle.messages import EmailReplied, MeetingAnswered, Reply, SurveyAnswered
from lifecycle.model import Play, Progress
from lifecycle.playbook import OUTSIDE_STAGES
from lifecycle.touches import Touch
from lifecycle.turn import Turn

REPLIED = "email.replied"
REPLY_TASK = "task-replied-"
OUTCOMES = ("declined", "no_show", "held")
"""In the order in which one may follow another: a declined meeting may be held after all, a held one was."""


def reply(turn: Turn, event: EmailReplied) -> None:
    """Pause the contact in every running play, with one task for each owner: one answer is enough for all that an owner
    has running. A second reply to the same question adds none.
    """
    if all(item.id != event.contact for item in turn.contacts):
        turn.decide_life("reply", "reply", "skipped", f"{event.contact} is no contact of this customer")
        return
    asked: set[str] = set()
    for play in turn.running():
        if event.contact in play.paused:
            continue
        owner = turn.book(play).owner
        first = owner not in asked
        paused = replace(play, paused=(*play.paused, event.contact), replies=play.replies + first)
        turn.put(paused)
        if first:
            asked.add(owner)
            title = f"Answer the reply of {_role(turn, event.contact)}; their mails wait until this is ticked"
            turn.raise_task(paused, "reply", f"replied-{event.contact}", owner, title, paused.replies)
    happening.happened(turn, REPLIED, {})


def survey(turn: Turn, event: SurveyAnswered) -> None:
    """Take the answer to a survey. A late one leaves a trace, which says why what an answer starts did not start."""
    if event.late:
        turn.decide_life(event.survey, "answer", "fired", f"answered late: this is {event.name}")
    happening.happened(turn, event.name, event.facts)


def _role(turn: Turn, contact: str) -> str:
    """How a task names a contact: by role, because its text is stored with the decisions."""
    roles = next(item.roles for item in turn.contacts if item.id == contact)
    return f"the {roles[0].replace('_', ' ')}" if roles else "a contact"


def ticked(turn: Turn, touch: Touch) -> None:
    """Lift the pause that a ticked task stands for, in all that its owner has running, and try what it held at once.
    The play that raised it may be over by now.
    """
    contact = touch.part.removeprefix(REPLY_TASK)
    release = turn.current().get(touch.playbook)
    owner = "" if release is None else turn.releases.playbook(release).owner
    those = [play for play in turn.running() if contact in play.paused and _owned(turn, play, touch, owner)]
    if contact == touch.part or not those:
        return
    for play in those:
        turn.put(replace(play, paused=tuple(item for item in play.paused if item != contact)))
    plays.retry_held(turn)
    retries.hurry(turn)


def _owned(turn: Turn, play: Play, touch: Touch, owner: str) -> bool:
    return play.key == touch.play or turn.book(play).owner == owner


def meeting(turn: Turn, event: MeetingAnswered) -> None:
    """Take what became of a meeting: an event for the playbooks, and work where it has to be offered again."""
    key, name, nth = touches.named(event.meeting)
    play = turn.play(key) or _ended(turn, key, name)
    name = play.step_of(name) if play else name
    progress = play.steps.get(name) if play else None
    if play is None or progress is None or not _offered(turn, play, name, progress):
        questions.refuse(turn, name, "meeting", _unheard_of(turn, key, play))
    elif nth != str(turn.round(play, name)):
        questions.refuse(turn, name, "meeting", Reply("too_late", "Too late: the next round has begun."))
    elif progress.status == "cancelled":
        questions.refuse(turn, name, "meeting", Reply("too_late", "Too late: the meeting was cancelled."))
    elif event.by and not turn.ours(event.by):
        questions.refuse(turn, name, "meeting", Reply("not_yours", "Only a teammate of this customer can say this."))
    elif progress.outcome and OUTCOMES.index(event.outcome) <= OUTCOMES.index(progress.outcome):
        questions.refuse(turn, name, "meeting", Reply("already", f"Already noted: {_said(progress.outcome)}."))
    else:
        _note(turn, play, name, progress, event)


def _ended(turn: Turn, key: str, name: str) -> Play | None:
    """A play that the state has let go of, as far as its meeting needs it: most meetings lie days after their
    invitation, which may be the last step of a play. The current release says whose work it is; what was said since the
    play ended is among the events seen. None: there was no such play, its playbook is gone, or so is the customer.
    """
    playbook, _, number = key.rpartition("/")
    release = turn.current().get(playbook)
    if release is None or not was_played(turn, key) or turn.stage in OUTSIDE_STAGES:
        return None
    play = Play(playbook, release, int(number), turn.at.date(), turn.profile.zone, turn.at)
    if name not in turn.index(play):
        return None
    since = turn.ended.get(playbook, turn.at)
    seen = {outcome: turn.seen.get(f"{name}.{outcome}") for outcome in OUTCOMES}
    said = [outcome for outcome, at in seen.items() if at is not None and at >= since]
    return replace(play, steps={name: Progress("fired", since, outcome=said[-1] if said else "")})


def was_played(turn: Turn, key: str) -> bool:
    """Whether there has been a play of this name, running or not."""
    playbook, _, number = key.rpartition("/")
    return touches.counted(number, turn.counters.get(playbook, 0))


def _offered(turn: Turn, play: Play, name: str, progress: Progress) -> bool:
    step = turn.index(play).get(name)
    return step is not None and isinstance(step.action, Invite) and progress.status in ("fired", "cancelled")


def _unheard_of(turn: Turn, key: str, play: Play | None) -> Reply:
    if play is None and was_played(turn, key):
        return Reply("too_late", "Too late: its play has ended.")
    return Reply("unknown", "This meeting is not known here.")


def _said(outcome: str) -> str:
    return {"held": "it was held", "no_show": "nobody came"}.get(outcome, "it was declined")


def _note(turn: Turn, play: Play, name: str, progress: Progress, event: MeetingAnswered) -> None:
    turn.progress(play.key, name, replace(progress, outcome=event.outcome))
    turn.decide(play, name, "meeting", "fired", f"{_said(event.outcome)}, says {event.by or 'the calendar'}")
    if event.outcome != "held":
        why = f"{name} was declined" if event.outcome == "declined" else f"nobody came to {name}"
        turn.raise_task(play, name, event.outcome, turn.book(play).owner, f"Offer another time: {why}")
    turn.reply = Reply("done", f"Noted: {_said(event.outcome)}.")
    happening.happened(turn, f"{name}.{event.outcome}", {})
