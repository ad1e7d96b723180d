"""Who a step reaches, and what stands in the way of reaching them now: roles, suppression, holds, windows, quiet
hours, caps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lifecycle import calendar, index, schedule, touches
from lifecycle.actions import Action, Email, Escalate, Invite, Reschedule, Survey
from lifecycle.model import Play, Touched
from lifecycle.playbook import OUTSIDE_STAGES, Playbook, Step
from lifecycle.quick import quick
from lifecycle.turn import CUSTOMER_ROLES, Turn

WEEK = timedelta(days=7)
KEEP = timedelta(days=8)
CAPPED = ("email", "survey")
_TRIES = 14
"""How many days are looked at for a free slot."""


@quick
@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a step is for. `role`: as the playbook says it. `zone`: a teammate's own, empty for a contact."""

    id: str
    role: str
    zone: str = ""
    suppressed: bool = False


@quick
@dataclass(frozen=True, slots=True)
class Found:
    """The people of a step, each once, and the roles that nobody has."""

    people: tuple[Person, ...]
    missing: tuple[str, ...]


@quick
@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a step cannot go now. `until`: when to try again; None: never. `missing`: the role that nobody has."""

    reason: str
    until: datetime | None
    to: str = ""
    missing: str = ""


def of_step(turn: Turn, play: Play, step: Step) -> Found:
    """Resolve the roles of a step to people; `owner` is the playbook's owner."""
    if isinstance(step.action, Escalate):
        return _above(turn, step.action.above)
    if isinstance(step.action, Reschedule):
        return Found(tuple(_guests(turn, play, step.action.invite)), ())
    organizer = step.action.organizer if isinstance(step.action, Invite) else None
    roles = tuple(_role(turn, play, word) for word in step.to)
    known, key = turn.people(), (roles, turn.book(play).owner, organizer)
    found = known.get(key)
    if found is None:
        found = known[key] = _of_roles(turn, play, roles, organizer)
    return found


def _role(turn: Turn, play: Play, word: str) -> str:
    """The role that a word of `to` means: itself, or the value of a fact; the owner where nobody has said it."""
    if "." not in word:
        return word
    said = turn.lookup(word, play.about)
    return said if isinstance(said, str) else "owner"


def _of_roles(turn: Turn, play: Play, roles: tuple[str, ...], organizer: str | None) -> Found:
    people: dict[str, Person] = {}
    missing: list[str] = []
    for role in roles:
        person = _person(turn, play, role)
        if person is None:
            missing.append(role)
        else:
            people.setdefault(person.id, person)
    if organizer is not None and turn.teammate(organizer) is None:
        missing.append(organizer)
    return Found(tuple(people.values()), tuple(missing))


def _guests(turn: Turn, play: Play, invite: str) -> Iterator[Person]:
    """Those who know of a meeting and are still there, each by a role that it was for where they have one."""
    step, progress = turn.index(play).get(invite), play.steps.get(invite)
    wanted = step.to if step else ()
    for known in (*progress.sent, *progress.left) if progress else ():
        contact = next((item for item in turn.contacts if item.id == known), None)
        if contact is not None:
            role = next((role for role in (*wanted, *contact.roles) if role in contact.roles), "")
            yield Person(known, role, suppressed=contact.suppressed)
            continue
        held = {role: item for role, item in turn.team.items() if item.id == known}
        if held:
            role = next(role for role in (*wanted, *held) if role in held)
            yield Person(known, role, held[role].zone)


def _above(turn: Turn, role: str) -> Found:
    """The first person of a role's fallback chain who is not the one that has the role."""
    holder = turn.teammate(role)
    for name in turn.life.roles.get(role, ()):
        person = turn.team.get(name)
        if person is not None and (holder is None or person.id != holder.id):
            return Found((Person(person.id, name, person.zone),), ())
    return Found((), (f"person above the {role}",))


def _person(turn: Turn, play: Play, role: str) -> Person | None:
    if role in CUSTOMER_ROLES:
        contact = turn.contact(role)
        return Person(contact.id, role, suppressed=contact.suppressed) if contact else None
    name = turn.book(play).owner if role == "owner" else role
    teammate = turn.teammate(name)
    return Person(teammate.id, name, teammate.zone) if teammate else None


def on_hold(turn: Turn, play: Play, step: Step) -> str:
    """Why a step waits for the end of a hold; empty when it does not. A customer's hold keeps back what the customer
    sees, that of a playbook everything.
    """
    hold = turn.holds.get(play.playbook)
    if hold is None and step.action.kind in schedule.TOUCHES:
        hold = turn.holds.get("")
    return hold.reason if hold else ""


def obstacle(turn: Turn, play: Play, book: Playbook, step: Step, found: Found) -> Obstacle | None:
    """The first thing in the way of firing at the turn's clock; None: go. Only what the customer sees keeps windows
    and caps.
    """
    kind = step.action.kind
    if found.missing:
        role = found.missing[0]
        return Obstacle(f"nobody is {role}", _tomorrow(turn, play, book, step), role, missing=role)
    outside = [person for person in found.people if person.role in CUSTOMER_ROLES]
    if outside and all(person.suppressed for person in outside):
        return Obstacle("suppressed: asked not to be written to", None, ", ".join(step.to))
    paused = play.paused if kind in CAPPED else ()
    waits = next((item for item in outside if item.id in paused and not item.suppressed), None)
    if waits:
        return Obstacle(f"{waits.role} replied; answer first", _tomorrow(turn, play, book, step), waits.role)
    if kind not in schedule.TOUCHES:
        return None
    return (
        _window(turn, play, book, step)
        or (_incident(turn, play, book, step) if outside else None)
        or (_asked(turn, play, book, step, step.action, found) if isinstance(step.action, Survey) else None)
        or (_same(turn, step.action, found) if isinstance(step.action, Email) else None)
        or (_cap(turn, play, book, step, found) if kind in CAPPED else None)
    )


def _incident(turn: Turn, play: Play, book: Playbook, step: Step) -> Obstacle | None:
    """A customer with other worries hears only of these. Nobody can say when they are over: another day."""
    for incident in turn.life.politeness.incidents:
        if book.priority < incident.below and turn.met(incident.condition):
            why = f"incident: {incident.reason} ({turn.because(incident.condition)})"
            return Obstacle(why, _tomorrow(turn, play, book, step), ", ".join(step.to))
    return None


def _asked(turn: Turn, play: Play, book: Playbook, step: Step, action: Survey, found: Found) -> Obstacle | None:
    """What somebody has been asked already: the same survey not long ago, or another one that is still open. Who has
    left is not waited for: of what was asked before nobody expects an answer.
    """
    rules = turn.life.politeness
    for item in turn.touched:
        person = next((person for person in found.people if person.id == item.contact and not person.suppressed), None)
        kind = survey_of(turn, item) if person else ""
        if person is None or not kind:
            continue
        name = touches.shown(item.step)
        again = _again(turn, item, kind)
        if kind == action.survey and again is not None and turn.clock < again:
            length = rules.surveys[kind].shown
            return Obstacle(f"survey: {kind} at most every {length}, after {name}", again, person.role)
        if _open(turn, play, item, kind):
            why = f"survey: one at a time, after {name}"
            return Obstacle(why, _tomorrow(turn, play, book, step), person.role)
    return None


def _same(turn: Turn, action: Email, found: Found) -> Obstacle | None:
    """The same mail not long ago, such as of two contracts that are signed in one week: the reader takes it for a
    mistake. What a merged customer was sent is looked up at the moment of sending.
    """
    length = turn.life.politeness.same_mail
    for item in turn.touched if length else ():
        person = next((person for person in found.people if person.id == item.contact and not person.suppressed), None)
        was = _action_of(turn, item) if person and not touches.of_another(item.step) else None
        if length is None or person is None or not isinstance(was, Email) or was.template != action.template:
            continue
        again = turn.later(item.at, length, turn.profile.zone)
        if turn.clock < again:
            why = f"cap: the same mail at most every {length.shown}, after {touches.shown(item.step)}"
            return Obstacle(why, again, person.role)
    return None


def _action_of(turn: Turn, item: Touched) -> Action | None:
    """What a touch was, by the current release of its playbook; None where that has no such step."""
    play, step, _ = touches.named(item.step)
    digest = turn.current().get(touches.book_of(play))
    found = None if digest is None else index.steps(turn.releases.playbook(digest)).by_id.get(step)
    return found.action if found else None


def survey_of(turn: Turn, item: Touched) -> str:
    """Which survey a touch was; empty where it was none."""
    action = _action_of(turn, item)
    return action.survey if isinstance(action, Survey) else ""


def _again(turn: Turn, item: Touched, kind: str) -> datetime | None:
    """From when on the same survey may be sent again; None: at any time."""
    gap = turn.life.politeness.surveys.get(kind)
    return None if gap is None else turn.later(item.at, gap, turn.profile.zone)


def _open(turn: Turn, play: Play, item: Touched, kind: str) -> bool:
    """Whether the answer to a survey is still awaited."""
    length = turn.life.politeness.survey_open
    if length is None or turn.clock >= turn.later(item.at, length, play.zone):
        return False
    left = turn.stage in OUTSIDE_STAGES and turn.moved is not None and item.at < turn.moved
    answered = (turn.seen.get(f"{kind}.{word}") for word in ("answered", "answered_late"))
    return not left and not any(at is not None and at >= item.at for at in answered)


def _tomorrow(turn: Turn, play: Play, book: Playbook, step: Step) -> datetime:
    day = calendar.local(turn.clock, play.zone).date() + calendar.DAY
    return calendar.wall(day, step.when.at or book.at, play.zone)


def opens_at(turn: Turn, play: Play, book: Playbook, at: datetime, holidays: frozenset[str] | None) -> datetime:
    """The first instant from `at` on at which a customer may be reached: in the playbook's window, which the play's
    clock shows, and out of the customer's quiet hours, which its own clock shows.
    """
    quiet, own, closed = turn.life.politeness.quiet, turn.profile.zone, turn.blackouts()
    if play.zone == own or not quiet:
        return calendar.next_open(at, play.zone, book.window, quiet, holidays, closed)
    for _ in range(_TRIES):
        opens = calendar.next_open(at, play.zone, book.window, (), holidays, closed)
        at = calendar.next_open(opens, own, (quiet[1], quiet[0]), (), None)
        if at == opens:
            break
    return at


def _next_open(turn: Turn, play: Play, book: Playbook, step: Step, at: datetime) -> datetime:
    return opens_at(turn, play, book, at, turn.holidays(turn.profile.country) if step.when.shift else None)


def _window(turn: Turn, play: Play, book: Playbook, step: Step) -> Obstacle | None:
    opens = _next_open(turn, play, book, step, turn.clock)
    if opens <= turn.clock:
        return None
    roles = ", ".join(step.to)
    own = calendar.wall(calendar.local(opens, play.zone).date(), step.when.at or book.at, play.zone)
    if step.when.day is not None and own > opens and _next_open(turn, play, book, step, own) == own:
        opens = own
    wall = calendar.local(turn.clock, play.zone)
    if wall.date().isoformat() in turn.blackouts():
        return Obstacle(f"{wall.date().isoformat()} is a blackout date", opens, roles)
    return Obstacle(f"{wall.strftime('%a %H:%M')} is outside the send window", opens, roles)


def _cap(turn: Turn, play: Play, book: Playbook, step: Step, found: Found) -> Obstacle | None:
    for person in found.people:
        reason = _over_cap(turn, person.id, turn.clock)
        if person.suppressed or not reason:
            continue
        day = calendar.local(turn.clock, play.zone).date()
        for _ in range(_TRIES):
            day += calendar.DAY
            slot = _next_open(turn, play, book, step, calendar.wall(day, step.when.at or book.at, play.zone))
            if not _over_cap(turn, person.id, slot):
                return Obstacle(reason, slot, person.role)
        return Obstacle(reason, None, person.role)
    return None


def _over_cap(turn: Turn, contact: str, at: datetime) -> str:
    """Which cap one more email or survey to a contact at an instant would break; empty when none. For the customer's
    own caps a step counts once, however many people it reaches.
    """
    rules = turn.life.politeness
    if not turn.touched and rules.per_day and rules.per_week:
        return ""
    past = [item for item in turn.touched if item.at <= at]
    week = [item for item in past if at - item.at < WEEK]
    zone = turn.profile.zone
    today = calendar.local(at, zone).date()
    day = [item for item in past if calendar.local(item.at, zone).date() == today]
    if sum(item.contact == contact for item in day) >= rules.per_day:
        return f"cap: {rules.per_day} a day to one person"
    if sum(item.contact == contact for item in week) >= rules.per_week:
        return f"cap: {rules.per_week} in 7 days to one person"
    for those, most, when in ((day, rules.customer_per_day, "a day"), (week, rules.customer_per_week, "in 7 days")):
        if most and len({item.step for item in those}) >= most:
            return f"cap: {most} {when} to one customer"
    return ""


def count(turn: Turn, play: Play, step: Step, contacts: tuple[str, ...]) -> None:
    """Count a touch towards the caps from the moment it is decided; forget those that no cap can see any more."""
    kept = [item for item in turn.touched if turn.at - item.at < KEEP or _remembered(turn, item)]
    new = [Touched(contact, turn.clock, turn.named(play, step.id)) for contact in contacts]
    turn.touched = (*kept, *new)


def _remembered(turn: Turn, item: Touched) -> bool:
    """Whether a survey may still keep the same one, or another one, from being sent."""
    kind, rules = survey_of(turn, item), turn.life.politeness
    lengths = (rules.surveys.get(kind), rules.survey_open) if kind else ()
    return any(one is not None and turn.at < turn.later(item.at, one, turn.profile.zone) for one in lengths)


def release(turn: Turn, touch: str) -> None:
    """A touch that did not happen no longer counts."""
    gone = (touches.read(touch).to, touches.name_in(touch))
    turn.touched = tuple(item for item in turn.touched if (item.contact, item.step) != gone)
