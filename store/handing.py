"""Handing over: what one teammate has goes to others, customer by customer, so that a kill costs nothing.

A handover is written down in one transaction with everything it will do. Its customers are then told in batches, each
in one transaction with the mark of what was done: the assignment, which the sender and Reply-To of mails follow at
once, and the event by which the customer's workflow hands on what is open. Where somebody changed a role meanwhile, it
is left as it is. Undoing is a handover of its own, the other way.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from lifecycle import touches
from lifecycle.actions import Invite
from lifecycle.jsonform import digest, encode
from lifecycle.model import Teammate
from lifecycle.playbook import Playbook, Step
from lifecycle.staffing import Booked, Choice, TeamChanged
from store import customers, inbox, meetings, releases, tables, team
from store.customers import Customer
from store.database import now, one_at_a_time
from store.meetings import Meeting
from store.staff_tables import handed, handovers

BATCH = 10
"""Customers told in one transaction, which stays short."""
SOURCE = "reassign"
KEPT, TOLD = "kept", "told"


@dataclass(frozen=True, slots=True)
class Part:
    """One role of one customer that changes hands: ids of who had it and who has it then."""

    customer: str
    role: str
    was: str
    now: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is open of a teammate at a customer: counts."""

    tasks: int = 0
    approvals: int = 0
    meetings: int = 0


@dataclass(frozen=True, slots=True)
class Handover:
    """One that was begun. `taker`: empty where the rules chose. `until`: the last day, None: for good. `undoes`: the
    one that it takes back.
    """

    id: int
    leaver: str
    taker: str
    reason: str
    until: date | None
    undoes: int | None
    started_at: datetime
    finished_at: datetime | None


def of(c: Connection, leaver: str) -> list[Customer]:
    """The customers in which a teammate has a role, also those who left: by name."""
    mine, table = tables.assignments, tables.customers
    whose = select(mine.c.customer).where(mine.c.teammate == leaver)
    rows = c.execute(select(table.c.id).where(table.c.id.in_(whose)).order_by(table.c.name, table.c.id)).all()
    return [customers.get(c, row.id) for row in rows]


# --- what would change hands ------------------------------------------------------------------------------------------


def plan(c: Connection, leaver: str, taker: str, those: Iterable[Customer]) -> list[Part]:
    """Who would take each role that a teammate has at these customers.

    Args:
        c: an open connection.
        leaver: id, also of one who is not on the roster any more.
        taker: id; empty: whom the rules choose, as for new customers.
        those: merged ones are left out.
    """
    staff = team.staff(c)
    loads = Counter(team.loads(c, staff))
    found = []
    for customer in those:
        has = {role: person.id for role, person in team.team_of(c, customer.id).items()}
        roles = [role for role, person in has.items() if person == leaver]
        if not roles or customer.merged_into:
            continue
        given = {role: person for role, person in has.items() if person != leaver}
        chosen: Mapping[str, Choice] = {role: Choice(taker, "named") for role in roles}
        if not taker:
            chosen = staff.assign(customer.profile, loads, given, without=leaver)
        for role in roles:
            choice = chosen.get(role) or _above(role, chosen, staff.chains)
            if choice is not None and choice.person != leaver:
                found.append(Part(customer.id, role, leaver, choice.person, choice.why))
                loads[role, choice.person] += 1
    return found


def _above(role: str, chosen: Mapping[str, Choice], chains: Mapping[str, Sequence[str]]) -> Choice | None:
    """Who has the next role of a chain, for a role that such customers have nobody in any more."""
    return next((chosen[link] for link in chains.get(role, ()) if link in chosen), None)


def waiting(c: Connection, customer: Customer, teammate: str) -> Waiting:
    """What is open of a teammate at a customer."""
    tasks, cards, approvals = tables.tasks, tables.cards, tables.approvals
    mine = (tasks.c.customer == customer.id) & (tasks.c.to == teammate) & tasks.c.ticked_at.is_(None)
    same = (cards.c.customer == approvals.c.customer) & (cards.c.approval == approvals.c.approval)
    asked = select(func.count(func.distinct(approvals.c.approval))).join_from(approvals, cards, same)
    asked = asked.where(approvals.c.customer == customer.id, approvals.c.result == "", cards.c.to == teammate)
    held = _to_come(c, customer)
    return Waiting(
        int(c.execute(select(func.count()).select_from(tasks).where(mine)).scalar_one()),
        int(c.execute(asked.where(cards.c.taken.is_not(True))).scalar_one()),
        sum(teammate in (one.organizer, *one.guests) for one in held),
    )


def losing_place(c: Connection, parts: Iterable[Part], those: Mapping[str, Customer]) -> Counter[str]:
    """Meetings to come that say where to join, and would not with their new host, who has no room: how many of whom."""
    table, changes = tables.teammates, defaultdict[str, dict[str, tuple[str, str]]](dict)
    rooms = {row.id: row.meeting_url for row in c.execute(select(table.c.id, table.c.meeting_url))}
    for part in parts:
        changes[part.customer][part.role] = part.was, part.now
    found = Counter[str]()
    for name, still in changes.items():
        if all(rooms.get(taker) for _, taker in still.values()):
            continue
        hosts = {one.id: one.organizer for one in _to_come(c, those[name])}
        for one in _booked(c, those[name], still):
            had, has = rooms.get(hosts[one.meeting]), rooms.get(one.organizer)
            found[one.organizer] += bool(had and not has)
    return +found


# --- doing it ---------------------------------------------------------------------------------------------------------


def begin(
    c: Connection,
    leaver: str,
    parts: Sequence[Part],
    *,
    taker: str = "",
    reason: str = "",
    until: date | None = None,
    undoes: int | None = None,
) -> int:
    """Write a handover down, in a write transaction; its number."""
    values: dict[str, Any] = {"leaver": leaver, "taker": taker, "reason": reason, "undoes": undoes}
    values |= {"until": until.isoformat() if until else "", "started_at": now()}
    number = int(c.execute(insert(handovers).values(**values).returning(handovers.c.id)).scalar_one())
    rows = [
        {"handover": number, "customer": one.customer, "role": one.role, "was": one.was, "now": one.now, "result": ""}
        for one in parts
    ]
    if rows:
        c.execute(insert(handed), rows)
    return number


def tell_some(c: Connection, number: int, zone: str) -> int | None:
    """Hand over the next customers, in a write transaction; how many, None: it is finished. `zone`: of teammates whose
    own nobody said.
    """
    one_at_a_time(c, "handovers")
    row = c.execute(select(handovers).where(handovers.c.id == number)).one()
    open_rows = select(handed.c.customer).where(handed.c.handover == number, handed.c.result == "")
    ids = list(c.execute(open_rows.distinct().order_by(handed.c.customer).limit(BATCH)).scalars())
    if not ids:
        done = (handovers.c.id == number) & handovers.c.finished_at.is_(None)
        c.execute(update(handovers).where(done).values(finished_at=now()))
        return None
    for name in ids:
        _tell(c, row, customers.get(c, name), zone)
    return len(ids)


def _tell(c: Connection, row: Row[Any], customer: Customer, zone: str) -> None:
    mine = (handed.c.handover == row.id) & (handed.c.customer == customer.id)
    has = team.team_of(c, customer.id)
    still = {}
    for part in c.execute(select(handed).where(mine)).all():
        same = part.role in has and has[part.role].id == part.was and not customer.merged_into
        if same:
            still[part.role] = (part.was, part.now)
        result = TOLD if same else KEPT
        c.execute(update(handed).where(mine, handed.c.role == part.role).values(result=result))
    if not still:
        return
    booked = _booked(c, customer, still)
    team.give(c, customer.id, {role: now_has for role, (_, now_has) in still.items()})
    people = {person.id: person for person in team.team_of(c, customer.id).values()}
    mates = {role: Teammate(who, people[who].zone or zone) for role, (_, who) in still.items()}
    event = TeamChanged(str(row.id), mates, row.reason, booked)
    body = digest(encode(event))
    inbox.accept(c, customer.id, SOURCE, f"{row.id}/{customer.id}", event, body_digest=body)


def _booked(c: Connection, customer: Customer, still: Mapping[str, tuple[str, str]]) -> tuple[Booked, ...]:
    """The meetings to come that others hold from now on, or come to."""
    found = []
    for meeting in _to_come(c, customer):
        release, step = _invited_by(c, customer.id, meeting)
        hosts = (step.action.organizer,) if step and isinstance(step.action, Invite) else ()
        organizer = _successor(meeting.organizer, hosts, still)
        guests = tuple(dict.fromkeys(_successor(one, step.to if step else (), still) for one in meeting.guests))
        if release and (organizer, guests) != (meeting.organizer, meeting.guests):
            gone = tuple(one for one in meeting.guests if one not in guests)
            when = meeting.starts_at, meeting.ends_at
            found.append(Booked(meeting.id, release, *when, organizer, guests, gone, meeting.sequence))
    return tuple(found)


def _to_come(c: Connection, customer: Customer) -> tuple[Meeting, ...]:
    return meetings.to_come(c, customer.id, customer.clock.virtual(now()))


def _successor(person: str, roles: Sequence[str], still: Mapping[str, tuple[str, str]]) -> str:
    """Who takes what a person had in the first of these roles, else in any; the person, where nobody does."""
    those = [*(role for role in roles if role in still), *still]
    return next((still[role][1] for role in those if still[role][0] == person), person)


def _invited_by(c: Connection, customer: str, meeting: Meeting) -> tuple[str, Step | None]:
    """The release and the step that invited to a meeting; empty where no decision says it."""
    named, table = touches.read(meeting.id), tables.decisions
    query = select(table.c.release).where(
        table.c.customer == customer,
        table.c.playbook == named.playbook,
        table.c.play == int(named.number),
        table.c.step == named.step,
        table.c.verdict == "fired",
    )
    digest_ = c.execute(query.order_by(table.c.id.desc()).limit(1)).scalar_one_or_none()
    release = releases.load(c, digest_) if digest_ else None
    steps = release.steps if isinstance(release, Playbook) else ()
    return digest_ or "", next((step for step in steps if step.id == named.step), None)


# --- those that were --------------------------------------------------------------------------------------------------


def undoing(c: Connection, number: int) -> list[Part]:
    """What would take a handover back: every role that it changed and that nobody changed since."""
    rows = c.execute(select(handed).where(handed.c.handover == number, handed.c.result == TOLD)).all()
    return [Part(row.customer, row.role, row.now, row.was, f"as before {number}") for row in rows]


def undone_by(c: Connection, number: int) -> int | None:
    """The handover that took another one back."""
    query = select(handovers.c.id).where(handovers.c.undoes == number).order_by(handovers.c.id.desc()).limit(1)
    return c.execute(query).scalar_one_or_none()


def get(c: Connection, number: int) -> Handover | None:
    """One handover."""
    row = c.execute(select(handovers).where(handovers.c.id == number)).one_or_none()
    return None if row is None else _handover(row)


def unfinished(c: Connection) -> list[Handover]:
    """Those that were interrupted, or that another process is carrying out, the oldest first."""
    query = select(handovers).where(handovers.c.finished_at.is_(None)).order_by(handovers.c.id)
    return [_handover(row) for row in c.execute(query)]


def over(c: Connection, today: date) -> list[Handover]:
    """Those for a time that has passed, and that nobody has taken back."""
    undone = select(handovers.c.undoes).where(handovers.c.undoes.is_not(None))
    query = select(handovers).where(handovers.c.until != "", handovers.c.until < today.isoformat())
    query = query.where(handovers.c.undoes.is_(None), handovers.c.id.not_in(undone))
    return [_handover(row) for row in c.execute(query.order_by(handovers.c.id))]


def told(c: Connection, number: int) -> Counter[str]:
    """How many customers a handover has told, left as they were, or has still to tell."""
    query = select(handed.c.result, func.count(func.distinct(handed.c.customer)).label("n"))
    rows = c.execute(query.where(handed.c.handover == number).group_by(handed.c.result))
    return Counter({row.result: row.n for row in rows})


def unheard(c: Connection, number: int) -> int:
    """How many customers' workflows have not heard of it yet."""
    table = tables.inbox
    mine = (table.c.source == SOURCE) & table.c.event_id.startswith(f"{number}/", autoescape=True)
    query = select(func.count()).select_from(table).where(mine, table.c.delivered_at.is_(None))
    return int(c.execute(query).scalar_one())


def _handover(row: Row[Any]) -> Handover:
    until = date.fromisoformat(row.until) if row.until else None
    return Handover(row.id, row.leaver, row.taker, row.reason, until, row.undoes, row.started_at, row.finished_at)
