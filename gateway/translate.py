"""What an event of a customer we know means to the core: from a sender's JSON to the core's events.

`FIXED` are the types that every installation has; all others are the event names of the current fact catalogue, checked
here so that a misspelt name is refused and does not wait in a workflow for a step that never comes.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from activities.links import SURVEY_LIFE
from gateway import fields, notes
from gateway.envelope import Inbound
from gateway.refusals import RefusedError, near
from gateway.signup import Signup, read_contact, read_signup
from lifecycle.conditions import is_number
from lifecycle.facts import beyond
from lifecycle.messages import (
    Churned,
    ContactChanged,
    ContactLeft,
    ContractSigned,
    EmailReplied,
    Event,
    FactsReported,
    Happened,
    MeetingAnswered,
    MilestoneTicked,
    ProfileChanged,
    Returned,
    SurveyAnswered,
)
from lifecycle.model import Contract, Value
from lifecycle.playbook import FactSpec, Lifecycle
from lifecycle.surveys import FORMS, IN_TIME
from store import customers, meetings, surveys, team
from store.customers import Customer, NewContact
from store.database import now
from store.team import Person

SIGNED_UP = "customer.signed_up"
MERGED = "customer.merged"
FIXED = (
    SIGNED_UP,
    "customer.updated",
    "contact.added",
    "contact.updated",
    "contact.left",
    MERGED,
    "customer.churned",
    "customer.returned",
    "contract.signed",
    "facts.reported",
    "survey.answered",
    "milestone.ticked",
    "email.replied",
    "meeting.declined",
    "meeting.no_show",
    "meeting.held",
    notes.NOTED,
)
MAIN_CONTRACT = "main"
LONGEST_VALUE = 500


def known_type(inbound: Inbound, lifecycle: Lifecycle) -> None:
    """Refuse an event type that neither we nor the fact catalogue know."""
    if inbound.type not in FIXED and inbound.type not in lifecycle.events:
        raise RefusedError("type", "is not an event we know", near(inbound.type, {*FIXED, *lifecycle.events}))


def outer_id_of(inbound: Inbound) -> str:
    """Whose event it is: `data.customer`, a text or an object with an `id`."""
    customer = inbound.data.get("customer")
    if isinstance(customer, dict):
        return fields.text(customer.get("id"), "customer.id", longest=120)
    return fields.text(customer, "customer", longest=120)


def translate(c: Connection, customer: Customer, inbound: Inbound, lifecycle: Lifecycle) -> list[Event]:
    """The core's events, the one that carries the sender's id first; writes what is ours to remember (people, names).

    Raises:
        RefusedError: a field is wrong; the caller rolls back.
    """
    data = inbound.data
    match inbound.type:
        case "customer.signed_up" | "customer.updated":
            return again(c, customer, read_signup(data, lifecycle, allow_rehearsal=True))
        case "contact.added" | "contact.updated":
            return [_contact_changed(c, customer, data, replace_roles=inbound.type == "contact.updated")]
        case "contact.left":
            _only(data, "contact")
            return [ContactLeft(_person(c, customer, data.get("contact"), "contact").id)]
        case "customer.churned":
            _only(data, "reason")
            customers.stop(c, customer.id, True)
            return [Churned(fields.text(data["reason"], "reason", longest=LONGEST_VALUE) if data.get("reason") else "")]
        case "customer.returned":
            _only(data)
            customers.stop(c, customer.id, False)
            return [Returned()]
        case "contract.signed":
            return [ContractSigned(_contract(data))]
        case "facts.reported":
            _only(data, "facts")
            return [FactsReported(_facts(data.get("facts"), lifecycle, least=1))]
        case "survey.answered":
            return [_survey_answered(c, customer, data)]
        case "milestone.ticked":
            return [_milestone_ticked(c, data, lifecycle)]
        case "email.replied":
            _only(data, "contact")
            return [EmailReplied(_person(c, customer, data.get("contact"), "contact").id)]
        case "meeting.declined":
            return [MeetingAnswered(_meeting(c, customer, data), "declined")]
        case "meeting.no_show":
            return [MeetingAnswered(_meeting(c, customer, data), "no_show")]
        case "meeting.held":
            return [MeetingAnswered(_meeting(c, customer, data), "held")]
        case notes.NOTED:
            return notes.take(c, customer, data, lifecycle)
        case name:
            return [_happened(name, inbound, lifecycle)]


def again(c: Connection, customer: Customer, signup: Signup) -> list[Event]:
    """A customer that we know signs up again, or changed: the profile, then each person that was named."""
    signup.check_team(team.teammates(c))
    profile = signup.over(customer.profile)
    customers.update_profile(c, customer.id, profile, signup.name or customer.name)
    events: list[Event] = [ProfileChanged(profile), *people_of(c, customer, signup)]
    if signup.contract_ends_on is not None:
        events.append(ContractSigned(Contract(MAIN_CONTRACT, signup.contract_ends_on)))
    return events


def people_of(c: Connection, customer: Customer, signup: Signup) -> list[Event]:
    """The people that a signup names, at a customer that we know."""
    return [ContactChanged(customers.upsert_contact(c, customer.id, person)[0]) for person in signup.contacts]


def _only(data: Mapping[str, Any], *allowed: str) -> None:
    fields.known_keys(data, "data", ("customer", *allowed))


def _contact_changed(
    c: Connection, customer: Customer, data: Mapping[str, Any], *, replace_roles: bool
) -> ContactChanged:
    _only(data, "contact")
    email = fields.address(fields.mapping(data.get("contact"), "contact").get("email"), "contact.email")
    person = _by_address(c, customer, email)
    known = NewContact(person.email, person.name, person.roles) if person else None
    new = read_contact(data["contact"], "contact", known=known)
    contact, _ = customers.upsert_contact(c, customer.id, new, replace_roles=replace_roles)
    return ContactChanged(contact)


def _by_address(c: Connection, customer: Customer, email: str) -> Person | None:
    people = customers.contacts(c, customer.id)
    return next((person for person in people if person.email.lower() == email.lower()), None)


def _person(c: Connection, customer: Customer, data: object, field: str) -> Person:
    """A contact of this customer, named by address."""
    written = data.get("email") if isinstance(data, dict) else data
    person = _by_address(c, customer, fields.address(written, f"{field}.email"))
    if person is None:
        raise RefusedError(f"{field}.email", "belongs to nobody at this customer", "send contact.added first")
    return person


def _contract(data: Mapping[str, Any]) -> Contract:
    _only(data, "contract")
    contract = fields.mapping(data.get("contract"), "contract")
    fields.known_keys(contract, "contract", ("id", "starts_on", "ends_on", "auto_renews"))
    contract_id = fields.text(contract.get("id", MAIN_CONTRACT), "contract.id", longest=60)
    starts, auto = contract.get("starts_on"), contract.get("auto_renews")
    if auto is not None and not isinstance(auto, bool):
        raise RefusedError("contract.auto_renews", "is neither true nor false", "write true or false, or leave it out")
    return Contract(
        contract_id,
        fields.day(contract.get("ends_on"), "contract.ends_on"),
        starts_on=None if starts is None else fields.day(starts, "contract.starts_on"),
        auto_renews=auto,
    )


def _survey_answered(c: Connection, customer: Customer, data: Mapping[str, Any]) -> SurveyAnswered:
    survey = data.get("survey", "nps")
    if not isinstance(survey, str) or survey not in FORMS:
        raise RefusedError("survey", "is not a survey we send", f"choose one of: {', '.join(FORMS)}")
    form = FORMS[survey]
    _only(data, "survey", "contact", "late", *(("score",) if form.scale else ()), *form.choices)
    score = _score(data, form.scale) if form.scale else None
    answers: dict[str, Value] = {}
    for name, choices in form.choices.items():
        answers[name] = fields.text(data.get(name), name)
        if answers[name] not in choices:
            raise RefusedError(name, "is none of the answers", f"choose one of: {', '.join(choices)}")
    contact = _person(c, customer, data.get("contact"), "contact").id
    late = _yes_or_no(data, "late", otherwise=_answer_mailed(c, customer, contact, survey, score, answers))
    return SurveyAnswered(survey, contact, score, late, answers)


def _answer_mailed(
    c: Connection, customer: Customer, contact: str, survey: str, score: int | None, answers: Mapping[str, Value]
) -> bool:
    """Answer the survey that was mailed to a contact, as if on its page; whether it is late. One whose link has expired
    is another question.
    """
    sent = surveys.last(c, customer.id, contact, survey)
    passed = timedelta(0) if sent is None else customer.clock.virtual(now()) - sent.sent_at
    if sent is None or passed > SURVEY_LIFE:
        return False
    surveys.answer(c, sent.touch, score, sent.comment, {name: str(value) for name, value in answers.items()})
    return passed > IN_TIME


def _score(data: Mapping[str, Any], scale: tuple[int, int]) -> int:
    score = fields.whole(data.get("score"), "score", highest=scale[1])
    if score < scale[0]:
        raise RefusedError("score", f"is less than {scale[0]}", f"send a whole number from {scale[0]} to {scale[1]}")
    return score


def _meeting(c: Connection, customer: Customer, data: Mapping[str, Any]) -> str:
    _only(data, "meeting")
    name = fields.text(data.get("meeting"), "meeting", longest=LONGEST_VALUE)
    booked = [one.name for one in meetings.of(c, customer.id)]
    if name not in booked:
        raise RefusedError("meeting", "is no meeting booked with this customer", near(name, booked))
    return name


def _milestone_ticked(c: Connection, data: Mapping[str, Any], lifecycle: Lifecycle) -> MilestoneTicked:
    _only(data, "milestone", "by", "done")
    name = fields.text(data.get("milestone"), "milestone", longest=60)
    if name not in lifecycle.milestones:
        raise RefusedError("milestone", "is not one of the lifecycle's", near(name, lifecycle.milestones))
    email = fields.address(data.get("by"), "by").lower()
    by = next((person for person in team.teammates(c) if person.email.lower() == email), None)
    if by is None:
        raise RefusedError("by", "is nobody on the team", "send the address of a person of playbooks/team.yaml")
    return MilestoneTicked(name, by.id, _yes_or_no(data, "done", otherwise=True))


def _yes_or_no(data: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    """A field that may be left out, and then means `otherwise`."""
    given = data.get(name, otherwise)
    if not isinstance(given, bool):
        raise RefusedError(name, "is not true or false", f'send "{name}": true or false, or leave it out')
    return given


def _happened(name: str, inbound: Inbound, lifecycle: Lifecycle) -> Happened:
    """Segment's properties belong to other tools too: only those that are facts of ours are read."""
    if inbound.source == "segment":
        facts = {key: value for key, value in inbound.data.items() if key in lifecycle.facts}
        return Happened(name, _facts(facts, lifecycle))
    _only(inbound.data, "facts")
    return Happened(name, _facts(inbound.data.get("facts", {}), lifecycle))


def _facts(data: object, lifecycle: Lifecycle, *, least: int = 0) -> dict[str, Value]:
    facts = fields.mapping(data, "facts")
    if not least <= len(facts) <= 100:  # noqa: PLR2004 - one event stays small in a workflow's history
        raise RefusedError("facts", f"holds {len(facts)} facts", f"send {least} to 100 of them in one event")
    fields.known_keys(facts, "facts", tuple(lifecycle.facts))
    return {name: _fact(value, f"facts.{name}", lifecycle.facts[name]) for name, value in facts.items()}


def _fact(value: Any, field: str, spec: FactSpec) -> Value:
    match spec.type:
        case "boolean":
            if not isinstance(value, bool):
                raise RefusedError(field, "is not true or false", "send true or false without quotes")
            return value
        case "number":
            return _number(value, field, spec)
        case "date":
            found: date = fields.day(value, field)
            return found.isoformat()
        case "text":
            written = fields.text(value, field, longest=LONGEST_VALUE)
            if spec.choices and written not in spec.choices:
                raise RefusedError(field, "is not one of its choices", near(written, spec.choices))
            return written


def _number(value: Any, field: str, spec: FactSpec) -> int | float:
    if not is_number(value):
        raise RefusedError(field, "is not a number", "send a number without quotes")
    if wanted := beyond(value, spec):
        raise RefusedError(field, f"is not {wanted}", f"send {wanted}")
    return value
