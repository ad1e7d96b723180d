"""What a note of a call changes: read against what is known, told to people first, then stored, with the events of it.

The texts stay in the store under their customer; the events carry ids, roles, dates and figures. The same note again
changes nothing, and an edited one changes what differs. docs/notes.md says it for people.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from authoring.diagnostics import Diagnostic
from authoring.notes import Action, Note, owners_of, parse
from gateway import fields, uplift
from gateway.refusals import RefusedError
from lifecycle import calendar
from lifecycle.actions import Length
from lifecycle.messages import Event, FactsReported, Happened, TaskTicked
from lifecycle.model import Value
from lifecycle.playbook import Lifecycle
from store import customers, interactions, known, ledger, opportunities, projections, team
from store.customers import Customer
from store.database import now
from store.interactions import DONE, DROPPED, OPEN, Agreed, Interaction
from store.opportunities import Opportunity
from store.team import Person, normalised

NOTED = "interaction.noted"
DUE_AFTER = Length(5, "business_days")
"""Until when an action item is due that names no day, counted from the call."""
OWNER = "csm"
"""Whose an action item is that names nobody."""
FILE = "note"
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What a note changes. `facts`: what the account learns, `was`: what it knew of these. `agreed`, `risks`: what is
    new; `closed`: items that the note ticks or no longer names. `ticks`: tasks that are over by it. `strangers`: people
    it names who are no contacts. `expansion`: room to grow that was not noted before; `goals`: other goals than before.
    `grown`: open opportunities of this note that are worth something else now. `ends_on`: of the contract that ends
    next.
    """

    found: Interaction
    fresh: bool
    facts: dict[str, Value]
    was: dict[str, Value]
    agreed: tuple[Agreed, ...] = ()
    risks: tuple[Agreed, ...] = ()
    closed: tuple[Agreed, ...] = ()
    ticks: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    expansion: bool = False
    goals: bool = False
    changed: bool = True
    grown: tuple[Opportunity, ...] = ()
    ends_on: date | None = None


def read(
    c: Connection, customer: Customer, text: str, lifecycle: Lifecycle, file: str = FILE
) -> tuple[Note | None, tuple[Diagnostic, ...]]:
    """The note in a text, and every mistake by line; owners may be roles, and people of the customer's team."""
    people = {role: (person.id, person.name) for role, person in team.team_of(c, customer.id).items()}
    return parse(text, file, owners_of(lifecycle.roles, people))


def mismatch(customer: Customer, note: Note) -> str:
    """Why a note is not about this customer; empty when it is."""
    if note.account.casefold() in {customer.name.casefold(), customer.outer_id.casefold()}:
        return ""
    return f'the title names another account than "{customer.name}"'


def plan(c: Connection, customer: Customer, note: Note, text: str, by: Person, lifecycle: Lifecycle) -> Plan:
    """What a note would change now; nothing is written."""
    name = interactions.name_of(customer.id, note)
    before = interactions.get(c, name)
    items = {item.id: item for item in (*_actions(c, customer, note, lifecycle), *_risks(c, customer, note, lifecycle))}
    there = {item.id: item for item in before.items} if before else {}
    dropped = [replace(item, state=DROPPED) for key, item in there.items() if key not in items]
    new = [item for key, item in items.items() if item.state == OPEN and _new(there.get(key))]
    closed = [item for item in items.values() if item.state == DONE and _is_open(there.get(item.id))]
    gone = [item for item in dropped if there[item.id].state == OPEN]
    facts, was = _facts(c, customer, note, before, lifecycle)
    expansion = bool(note.uplift or note.teams) and not (before and (before.note.uplift or before.note.teams))
    same = before is not None and before.note == note
    other = before is not None and note.uplift is not None and before.note.uplift != note.uplift
    contract = known.known(c, customer, lifecycle).contract
    return Plan(
        Interaction(name, customer.id, note, text, by.id, now(), (*items.values(), *dropped)),
        fresh=before is None,
        facts=facts,
        was=was,
        agreed=tuple(item for item in new if item.kind == "action"),
        risks=tuple(item for item in new if item.kind == "risk"),
        closed=(*closed, *gone),
        ticks=tuple(
            _ticks(
                c, [replace(item, task=there[item.id].task) for item in (*items.values(), *dropped) if item.id in there]
            )
        ),
        strangers=_strangers(c, customer, note),
        expansion=expansion,
        goals=bool(note.goals) and not (before and before.note.goals == note.goals),
        changed=not same,
        grown=uplift.recorded(c, customer.id, before.note.uplift) if before and other else (),
        ends_on=contract.ends_on if contract else None,
    )


def _new(before: Agreed | None) -> bool:
    """Whether an item that stands open in the note was not there, or was taken out."""
    return before is None or before.state == DROPPED


def _is_open(before: Agreed | None) -> bool:
    return before is not None and before.state == OPEN


def _ticks(c: Connection, items: Sequence[Agreed]) -> Iterator[str]:
    """The tasks of items that are over, as far as they stand open."""
    for item in items:
        task = projections.task(c, item.task) if item.task and item.state != OPEN else None
        if task is not None and task.ticked_at is None and task.task.startswith(f"{item.customer}/"):
            yield task.task


def _actions(c: Connection, customer: Customer, note: Note, lifecycle: Lifecycle) -> Iterator[Agreed]:
    name = interactions.name_of(customer.id, note)
    for action in note.actions:
        owner, due = action.owner or OWNER, action.due_on or _due(customer, note, lifecycle)
        key = _id(c, name, "action", action.text, owner, due.isoformat())
        yield Agreed(key, customer.id, name, "action", action.text, owner, due, state=_state(action))


def _state(action: Action) -> str:
    return DONE if action.done else OPEN


def _due(customer: Customer, note: Note, lifecycle: Lifecycle) -> date:
    zone, hours = customer.profile.zone, lifecycle.business
    held_at = calendar.wall(note.held_on, hours.start, zone)
    holidays = frozenset(lifecycle.holidays.get(hours.country, ()))
    return calendar.local(calendar.add(held_at, DUE_AFTER, zone, hours, holidays), zone).date()


def _risks(c: Connection, customer: Customer, note: Note, lifecycle: Lifecycle) -> Iterator[Agreed]:
    name = interactions.name_of(customer.id, note)
    for concern in note.concerns:
        for risk in named(concern, lifecycle):
            yield Agreed(_id(c, name, "risk", concern, risk), customer.id, name, "risk", concern, risk=risk)


def named(concern: str, lifecycle: Lifecycle) -> list[str]:
    """The risks of the lifecycle that a concern names."""
    said = concern.lower()
    return [
        name
        for name, risk in lifecycle.risks.items()
        if any(re.search(rf"(?<!\w){re.escape(word)}", said) for word in risk.words)
    ]


def _id(c: Connection, *parts: str) -> str:
    """The id of an item: says nothing of what it is about to who does not have our key."""
    return ledger.touch_hash(c, "\n".join(("agreed", *parts)))[:20]


def _strangers(c: Connection, customer: Customer, note: Note) -> tuple[str, ...]:
    there = {person.name.casefold() for person in customers.contacts(c, customer.id)}
    ours = {person.name.casefold() for person in team.teammates(c)}
    return tuple(name for name in note.people if name.casefold() not in there | ours)


def _stated(note: Note) -> dict[str, Value]:
    """The facts that a note states."""
    health = note.health
    share, target = health.adoption, health.adoption_target
    found: dict[str, Value] = {
        "account.sentiment": note.sentiment,
        "nps.score": health.nps,
        "nps.previous": health.nps_last,
        "account.adoption": None if share is None else share / _PERCENT,
        "account.adoption_target": None if target is None else target / _PERCENT,
    }
    return {name: value for name, value in found.items() if value is not None}


def _facts(
    c: Connection, customer: Customer, note: Note, before: Interaction | None, lifecycle: Lifecycle
) -> tuple[dict[str, Value], dict[str, Value]]:
    """What the account learns, and what it knew of these. What has been told of a fact since the call stands, and so
    does what a later note said.
    """
    there = known.known(c, customer, lifecycle).facts
    past = _stated(before.note) if before else {}
    later = any(one.note.held_on > note.held_on for one in interactions.of(c, [customer.id]))
    facts: dict[str, Value] = {}
    for name, value in _stated(note).items() if not later else ():
        fact = there.get(name)
        told = fact is not None and _day(fact.at, customer) > note.held_on and name not in past
        if name in lifecycle.facts and not told and past.get(name) != value and (fact is None or fact.value != value):
            facts[name] = value
    return facts, {name: there[name].value for name in facts if name in there}


def _day(at: datetime, customer: Customer) -> date:
    return calendar.local(at, customer.profile.zone).date()


# --- doing it ---------------------------------------------------------------------------------------------------------


def take(c: Connection, customer: Customer, data: Mapping[str, Any], lifecycle: Lifecycle) -> list[Event]:
    """Store the note of an event, and say what the core is told of it.

    Raises:
        RefusedError: the note has a mistake; the line is named.
    """
    fields.known_keys(data, "data", ("customer", "note", "by"))
    text = data.get("note")
    if not isinstance(text, str):
        raise RefusedError("note", "is missing or not text", 'send "note" as Markdown, see docs/notes.md')
    note, wrong = read(c, customer, text, lifecycle)
    if note is None:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise RefusedError("note", f"line {wrong[0].place.line}: {wrong[0].what}{more}", wrong[0].fix)
    if why := mismatch(customer, note):
        raise RefusedError("note", f"line 1: {why}", f'write "{customer.name}" in the title')
    by = author(c, customer, data.get("by"))
    found = plan(c, customer, note, text, by, lifecycle)
    if not found.changed and not found.ticks:
        return [FactsReported({})]
    interactions.keep(c, found.found)
    for one in found.grown:
        opportunities.revalue(c, one, note.uplift, by.id, f"the note of the {note.title} says so")
    return list(_events(c, customer, found, by, lifecycle)) or [FactsReported({})]


def author(c: Connection, customer: Customer, address: object) -> Person:
    """Who wrote a note: the teammate of an address, else who looks after the customer.

    Raises:
        RefusedError: nobody on the team has the address, or nobody looks after the customer.
    """
    if address is not None:
        wanted = normalised(fields.address(address, "by"))
        found = next((one for one in team.teammates(c) if normalised(one.email) == wanted), None)
        if found is None:
            raise RefusedError("by", "is nobody on the team", "send the address of a person of playbooks/team.yaml")
        return found
    owner = team.team_of(c, customer.id).get(OWNER)
    if owner is None:
        raise RefusedError("by", "is missing, and the customer has no CSM", 'send "by": an address of the team')
    return owner


def _events(c: Connection, customer: Customer, found: Plan, by: Person, lifecycle: Lifecycle) -> Iterator[Event]:
    for event in _happened(found):
        if event.name in lifecycle.events:
            yield event
    ours = {person.id for person in team.team_of(c, customer.id).values()}
    ticker = by.id if by.id in ours else author(c, customer, None).id
    for task in found.ticks:
        yield TaskTicked(task, ticker)


def _happened(found: Plan) -> Iterator[Happened]:
    if found.changed:
        again: dict[str, Value] = {uplift.FACT: found.found.note.uplift} if found.grown else {}
        yield Happened(NOTED, {**found.facts, **again})
    for item in found.agreed:
        due = item.due_on.isoformat() if item.due_on else ""
        about: dict[str, Value] = {
            "action.id": item.id,
            "action.owner": item.owner,
            "action.due_on": due,
            "action.state": OPEN,
        }
        yield Happened("action.agreed", about)
    for item in found.closed:
        if item.kind == "action":
            yield Happened("action.closed", {"action.id": item.id, "action.state": item.state})
    for item in found.risks:
        yield Happened("risk.named", {"risk.id": item.id, "risk.kind": item.risk})
    note = found.found.note
    if found.goals:
        yield Happened("goals.noted")
    if found.expansion:
        worth: dict[str, Value] = {uplift.FACT: note.uplift} if note.uplift else {}
        yield Happened("expansion.noted", {**worth, "expansion.teams": len(note.teams)})


# --- telling it -------------------------------------------------------------------------------------------------------


def told(found: Plan, lifecycle: Lifecycle) -> Iterator[str]:
    """What a plan comes to, a line each, for who is about to do it."""
    if not found.changed:
        yield "This note is known as it is: nothing changes."
        return
    note = found.found.note
    yield f"{note.title}: {'a new note' if found.fresh else 'in place of the note of that day'}, {note.sentiment}"
    for name, value in found.facts.items():
        title = lifecycle.facts[name].title or name
        yield f"  {title}: {_shown(found.was.get(name))} -> {_shown(value)}"
    yield f"  wins: {len(note.wins)}, concerns: {len(note.concerns)}, goals: {len(note.goals)}"
    for item in found.agreed:
        yield f"  task for the {item.owner.replace('_', ' ')}, due {item.due_on}: {item.text}"
    for item in found.closed:
        yield f"  {'done' if item.state == DONE else 'no longer in the note'}: {item.text}"
    for item in found.risks:
        risk = lifecycle.risks[item.risk]
        yield f"  risk: {risk.title}; suggested: the playbook {risk.play}, which nobody starts but you"
    if found.expansion:
        worth = f", {note.uplift:,} a year" if note.uplift else ""
        yield f"  room to grow: {', '.join(note.teams) or 'no team named'}{worth}"
    for one in found.grown:
        yield f"  {one.title}: {one.value:,.0f} -> {note.uplift:,} a year"
    for name in found.strangers:
        yield f"  {name} is no contact yet: send contact.added with the address"
    if note.health.renewal:
        there = f"the contract says {found.ends_on}" if found.ends_on else "no contract is known"
        yield f"  renewal, as it is said there: {note.health.renewal} ({there}; contracts stay as they are)"
    for name in _unknown(found, lifecycle):
        yield f"  {name} is no event of your facts.yaml: nothing comes of it"


def _unknown(found: Plan, lifecycle: Lifecycle) -> list[str]:
    return list(dict.fromkeys(one.name for one in _happened(found) if one.name not in lifecycle.events))


def _shown(value: Value) -> str:
    return "not known" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
