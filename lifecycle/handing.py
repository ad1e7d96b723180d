"""A customer's team changes: who is on holiday or leaves hands on what is open, and takes it back the same way.

Open questions are put to whoever has the role now, with their whole time to answer; the cards of who has it no more are
taken back. Meetings to come keep their time and their UID, under the next SEQUENCE. Tasks stand in the store: one
command hands on those of each role. Mails take sender and Reply-To from the team when they are sent, so nothing is to
be done for them. Source of the rules: docs/decisions/0024-handing-over.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lifecycle import asking, meetings, people, plays, questions, retries, schedule, touches
from lifecycle.actions import Invite
from lifecycle.commands import CancelInvite, HandOver, SendInvite
from lifecycle.jsonform import encode
from lifecycle.model import Play, Progress, Retry, Teammate
from lifecycle.playbook import Approval, Step
from lifecycle.staffing import Booked, TeamChanged
from lifecycle.turn import Turn

INSIDE = ("raise_task", "post_slack", "make_document", "record_opportunity")
"""Commands for teammates that go to somebody else while a provider asks for patience."""


@dataclass(frozen=True, slots=True)
class Change:
    """Who had each role before, and who has it now. `chains`: as `Lifecycle.roles`."""

    before: Mapping[str, Teammate]
    after: Mapping[str, Teammate]
    chains: Mapping[str, Sequence[str]]
    roles: tuple[str, ...]

    def holders(self, role: str) -> tuple[str, str]:
        """Who had a role, or stood in for it, and who has it now; empty where nobody."""
        was, now = (people.holder(role, team, self.chains) for team in (self.before, self.after))
        return (was.id if was else ""), (now.id if now else "")

    def successor(self, person: str, roles: Iterable[str]) -> str:
        """Who takes what a person had in the first of these roles in which they did it, else in any that changed; the
        person, where that is nobody else's now.
        """
        for role in (*roles, *self.roles):
            was, now = self.holders(role)
            if was == person and now:
                return now
        return person


def hear(turn: Turn, event: TeamChanged) -> None:
    """Take what a customer's team is from now on."""
    before = turn.team
    news = {role: mate for role, mate in event.team.items() if role not in before or before[role].id != mate.id}
    if not news:
        turn.decide_life("team", "team", "skipped", "everybody has these roles already")
        return
    asked = [*_asked(turn)]
    turn.team = {**before, **news}
    change = Change(before, turn.team, turn.life.roles, tuple(news))
    said = ", ".join(f"{role} {before[role].id if role in before else 'nobody'} to {news[role].id}" for role in news)
    turn.decide_life("team", "team", "fired", f"{event.reason or 'handed over'}: {said}")
    for question in asked:
        _ask_again(turn, question, change, event.change)
    _readdress(turn, change)
    _tasks(turn, before, news, event)
    for play in turn.plays:
        for name, progress in tuple(play.steps.items()):
            _meeting(turn, play, turn.index(play).get(name), progress, change, event.change)
    for booked in {one.meeting: one for one in event.meetings}.values():
        if not turn.merged and turn.play(touches.read(booked.meeting).play) is None:
            _after_its_play(turn, booked, event.change)
    plays.retry_held(turn)


# --- questions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """An open question: `roles` were asked so far, the first one first."""

    play: Play
    step: Step
    approval: Approval
    progress: Progress
    roles: tuple[str, ...]


def _asked(turn: Turn) -> Iterator[Question]:
    """The open questions, seen with the team that they were put to."""
    for play in turn.running():
        for name, progress in play.steps.items():
            step = turn.index(play).get(name)  # none of a step that a later release no longer has
            if step is not None and step.approval is not None and progress.status == "asked":
                asked = schedule.asked_of(turn, play, step.approval, progress)
                yield Question(play, step, step.approval, progress, asked)


def _ask_again(turn: Turn, found: Question, change: Change, name: str) -> None:
    """Take the cards back of those who have none of the roles any more, and ask those who have them now."""
    play, step, approval, progress = found.play, found.step, found.approval, found.progress
    held = [change.holders(role) for role in found.roles]
    now = {person for _, person in held}
    for person in dict.fromkeys(was for was, _ in held if was and was not in now):
        questions.take_back(turn, play, step, person, name)
    if held[0][0] != held[0][1]:
        asking.ask_again(turn, play, step, approval, progress, name)
        return
    for nth, (was, person) in enumerate(held):
        if was != person:
            asking.remind(turn, play, step, approval, progress, found.roles[nth], nth, name)


# --- work -------------------------------------------------------------------------------------------------------------


def _tasks(turn: Turn, before: Mapping[str, Teammate], news: Mapping[str, Teammate], event: TeamChanged) -> None:
    """Hand on the open tasks of the roles, one command for each who takes some."""
    for person in dict.fromkeys(mate.id for mate in news.values()):
        roles = {role: before[role].id for role, mate in news.items() if mate.id == person and role in before}
        if roles:
            touch = f"{turn.customer}/{turn.life.name}/0/team/1/hand-{event.change}/{person}"
            release = turn.manifest.lifecycle
            turn.commands.append(HandOver(touch, release, "team", person, turn.at, roles, event.reason))


def _readdress(turn: Turn, change: Change) -> None:
    """Let what has surely not reached a teammate yet go to their successor."""
    turn.retries = tuple(_readdressed(turn, item, change) for item in turn.retries)


def _readdressed(turn: Turn, item: Retry, change: Change) -> Retry:
    command = item.command
    if item.why != "later" or command["kind"] not in INSIDE:
        return item
    play = turn.play(touches.read(command["touch"]).play)
    step = turn.index(play).get(command["step"]) if play else None
    roles = [*(step.to if step else ()), *([turn.book(play).owner] if play else ())]
    person = change.successor(command["to"], roles)
    return item if person == command["to"] else replace(item, command={**command, "to": person})


# --- meetings ---------------------------------------------------------------------------------------------------------


def _meeting(turn: Turn, play: Play, step: Step | None, progress: Progress, change: Change, name: str) -> None:
    """Tell those who know of a meeting to come that somebody else holds it, or comes to it."""
    if step is None or not isinstance(step.action, Invite) or progress.status != "fired" or progress.outcome == "held":
        return
    closes = meetings.ends(turn, play, step, step.action, progress)
    known = (*progress.sent, *progress.left)
    was, organizer = change.holders(step.action.organizer)
    teammates = {mate.id for mate in change.before.values()}
    guests = dict.fromkeys(change.successor(one, step.to) if one in teammates else one for one in known)
    if turn.clock >= closes or (was == organizer and tuple(guests) == known) or not known:
        return
    meeting = turn.touch(play, step.id, "send")
    unsent = retries.overtaken(turn, play, meeting)
    moves = progress.count + 1
    opens = schedule.slot_window(turn, play, step.action, progress.offered or progress.at, step.id)[0]
    news = SendInvite(
        *(meeting, play.release, step.id, "", turn.at, meeting, min(opens, closes), closes, organizer, tuple(guests)),
        moves=moves,
        change=name,
    )
    _tell(turn, play, news, [one for one in known if one not in guests and one not in unsent])
    turn.progress(play.key, step.id, replace(progress, sent=tuple(guests), left=(), count=moves))
    turn.decide(play, step.id, "invite", "fired", f"held by {organizer} now; its time stays")


def _after_its_play(turn: Turn, booked: Booked, name: str) -> None:
    """The same for a meeting whose play has ended, as the store knows it."""
    if turn.clock >= booked.ends_at:
        return
    waiting = [item for item in turn.retries if item.why == "later" and retries.invites(item.command, booked.meeting)]
    turn.retries = tuple(item for item in turn.retries if item not in waiting)
    moves = max([booked.moves, *(item.command.get("moves", 0) for item in waiting)]) + 1
    step = touches.read(booked.meeting).step
    news = SendInvite(
        *(booked.meeting, booked.release, step, "", turn.at, booked.meeting, booked.starts_at, booked.ends_at),
        booked.organizer,
        booked.guests,
        moves=moves,
        change=name,
    )
    _tell(turn, None, news, booked.gone)
    turn.decide_life(step, "meeting", "fired", f"held by {booked.organizer} now; its time stays")


def _tell(turn: Turn, play: Play | None, news: SendInvite, gone: Sequence[str]) -> None:
    """Send the news to every guest who may be written to, when they may; who is no longer one is told that."""
    front = news.meeting.rpartition("/")[0]
    for guest in dict.fromkeys(news.guests):
        command = replace(news, touch=f"{front}/host-{news.change}/{guest}", to=guest)
        if not turn.reachable(guest):
            continue
        opens = retries.may_go(turn, play, news.touch)
        if opens > turn.clock:
            turn.retries = (*turn.retries, Retry(opens, encode(command)))
        else:
            turn.commands.append(command)
    for person in gone:
        touch = f"{front}/leave-{news.change}/{person}"
        reason = "somebody else comes instead"
        turn.commands.append(
            CancelInvite(touch, news.release, news.step, person, turn.at, news.meeting, reason, news.change)
        )
