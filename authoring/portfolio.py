"""Reads and writes portfolios: files of accounts, one a line (`.jsonl`, streamed) or a YAML list (`.yaml`).

An account is a customer as a scenario's `customer:` describes it, with an id, where it stands (`stage`), since when
(`signed_up_on`), and as of which instant all this is so (`as_of`). An account without a stage is a new customer, who
signs up. `authoring/futures.py` plays portfolios; the importer writes them.

Besides the author's own event lines a portfolio may hold the core's (`at` an instant, `told` the event), which is what
`account_to_json` writes: every event survives the way there and back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from authoring.diagnostics import Place, Report, near
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys
from authoring.happenings import read_contract, read_facts
from authoring.jsonlines import plain, read_lines
from authoring.namespace import CUSTOMER_ROLES
from authoring.scenario_file import PROFILE_KEYS, read_customer, read_events
from authoring.source import Mapping as MappingNode
from authoring.source import Scalar, parse, read_text
from authoring.source import Sequence as SequenceNode
from lifecycle import calendar
from lifecycle.jsonform import FormError, decode_union, encode, instant_text
from lifecycle.messages import ContactLeft, ContactSuppressed, Event, SignedUp, SurveyAnswered
from lifecycle.model import Contact, Contract, Value
from lifecycle.playbook import STANDARD, Lifecycle, Playbook

LONGEST_ID = 120
SUFFIXES = (".jsonl", ".yaml", ".yml")
_MORNING = "09:00"
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+\Z")
_EXAMPLE = "{ id: acme, name: Acme, tier: pro, zone: Europe/Berlin, champion: ada@acme.example.com }"


@dataclass(frozen=True, slots=True)
class Guest:
    """A person at the customer, as sent. `email`: lower case, empty when unknown."""

    email: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """A customer as written in a portfolio.

    `id`: the sender's id. `signup`: profile, contacts (ids `con-1` and on, in the order of `guests`), team, contracts,
    `placed` (the stage it stands in; empty: a new customer) and `facts`, those known at `at`, the instant (UTC) as of
    which this is written down. `csm`: e-mail of the wanted CSM, empty when unknown. `events`: what happens later, in
    order.
    """

    id: str
    name: str
    signup: SignedUp
    guests: tuple[Guest, ...]
    facts: dict[str, Value]
    at: datetime
    csm: str = ""
    events: tuple[tuple[datetime, Event], ...] = field(default=())


def read_portfolio(
    path: Path, lifecycle: Lifecycle, report: Report, books: Sequence[Playbook] = ()
) -> Iterator[Account]:
    """The accounts of a file, one at a time, in its order; one with a finding is left out.

    `books`: the playbooks whose approvals the events may answer. Never raises for what the file holds.
    """
    seen: dict[str, str] = {}
    for node, as_of in _entries(path, report):
        own = Report()
        account = _account(node, as_of, lifecycle, books, own)
        if account is not None and account.id in seen:
            own.add("duplicate-name", node.place, "an account with this id stands above", "keep one.",
                    related=seen[account.id])  # fmt: skip
        for item in own.sorted():
            report.add(item.rule, item.place, item.what, item.fix, why=item.why, related=item.related)
        if account is not None and not own.failed:
            seen[account.id] = str(node.place)
            yield account


def account_to_json(account: Account) -> dict[str, Any]:
    """What `read_portfolio` reads back as the same account: one line of a `.jsonl` file."""
    profile, placed = account.signup.profile, account.signup.placed
    plain = {"id": account.id, "name": account.name, "as_of": instant_text(account.at), "stage": placed}
    plain |= {name: getattr(profile, name) for name in PROFILE_KEYS if name != "name"}
    plain |= {"signed_up_on": profile.signed_up_on.isoformat(), "csm": account.csm}
    guests = [{"email": who.email, "name": who.name, "roles": list(who.roles)} for who in account.guests]
    contracts = [encode(replace(item, phase="")) for item in account.signup.contracts]
    facts = {name: value for name, value in account.facts.items() if value is not None}
    events = [{"at": instant_text(at), "told": encode(event)} for at, event in account.events]
    lists = {"contacts": [_said(who) for who in guests], "contracts": contracts, "facts": facts, "events": events}
    return _said({**plain, **lists})


def _said(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty: an empty value says nothing."""
    return {name: value for name, value in data.items() if value not in ("", [], {}, 0)}


# --- files ------------------------------------------------------------------------------------------------------------


def _entries(path: Path, report: Report) -> Iterator[tuple[MappingNode, Scalar | None]]:
    """Every account as a mapping, with the file's `as_of`."""
    if path.suffix == ".jsonl":
        yield from ((node, None) for node in read_lines(path, report))
        return
    if path.suffix not in SUFFIXES:
        report.add("file", Place(path.name), "is neither .jsonl nor .yaml", "name a portfolio, such as portfolio.yaml.")
        return
    text = read_text(path, path.name, report)
    root = mapping(parse(text, path.name, report).root, report, "the file", '"accounts:"') if text is not None else None
    if root is None:
        return
    fields = Fields(root, keys("portfolio"), "the portfolio", report)
    if "accounts" not in fields:
        fields.missing("accounts", f"accounts: [{_EXAMPLE}]")
    as_of = fields.scalar("as_of", '"as_of: 2026-03-02T09:00"')
    for item in sequence(fields.get("accounts"), report, '"accounts"', f"- {_EXAMPLE}"):
        node = mapping(item, report, "an account", _EXAMPLE)
        if node is not None:
            yield node, as_of


# --- one account ------------------------------------------------------------------------------------------------------


def _account(
    node: MappingNode, as_of: Scalar | None, lifecycle: Lifecycle, books: Sequence[Playbook], report: Report
) -> Account | None:
    """One account; whether it counts is said by the report."""
    fields = Fields(node, keys("account"), "an account", report)
    stage = _stage(fields, lifecycle)
    zone = fields.zone("zone", (), lifecycle.default_zone)
    at, day = _instants(fields, as_of, zone, stage)
    if at is None or day is None:
        return None
    local = calendar.local(at, zone).replace(tzinfo=None)
    signup = read_customer(fields, datetime.combine(day, time(9)), lifecycle)
    guests = _guests(fields, report)
    contacts = tuple(Contact(f"con-{nth}", who.roles) for nth, who in enumerate(guests, 1))
    facts = read_facts(fields, lifecycle)
    signup = replace(signup, contacts=contacts, contracts=_contracts(fields, report), placed=stage, facts=facts)
    account_id = fields.text("id", '"id: acme"', required=True)
    if len(account_id) > LONGEST_ID:
        report.add("range", fields.place("id"), f"an id is at most {LONGEST_ID} characters long", "shorten it.")
    events = _events(fields, local, zone, contacts, books, lifecycle, report)
    csm = _address(fields, "csm", "mara@example.com")
    return Account(account_id, fields.text("name", '"name: Acme"'), signup, guests, facts, at, csm, events)


def _stage(fields: Fields, lifecycle: Lifecycle) -> str:
    node, journey = fields.scalar("stage", '"stage: adoption"'), fields.get("journey")
    known = lifecycle.stages_of(journey.value if isinstance(journey, Scalar) else STANDARD)
    if node is None or node.value in known:
        return "" if node is None else node.value
    fields.report.add("unknown-stage", node.place, f'no stage is called "{node.value[:60]}"', near(node.value, known))
    return ""


def _instants(fields: Fields, as_of: Scalar | None, zone: str, stage: str) -> tuple[datetime | None, date | None]:
    """As of when the account is written down, and the day of its signup; a new customer's two are one."""
    written = fields.scalar("as_of", '"as_of: 2026-03-02T09:00"') or as_of
    at = _instant(written, zone, fields.report)
    day = fields.day("signed_up_on", "2026-01-12")
    if (written is not None and at is None) or ("signed_up_on" in fields and day is None):
        return None, None
    if at is None and (stage or day is None):
        fields.missing("as_of", '"as_of: 2026-03-02T09:00", the moment at which this was so')
        return None, None
    at_day = None if at is None else calendar.local(at, zone).date()
    day = day or at_day
    if day is not None and not stage and at_day != day:
        at = calendar.wall(day, _MORNING, zone)
    elif day is not None and at_day is not None and day > at_day:
        what, fix = "signed up after the moment at which it stands in a stage", "write an earlier day, or no stage."
        fields.report.add("range", fields.place("signed_up_on"), what, fix)
    return at, day


def _instant(node: Scalar | None, zone: str, report: Report) -> datetime | None:
    """A date and time as an instant; local in `zone` when it names no offset."""
    if node is None:
        return None
    try:
        found = datetime.fromisoformat(node.value)
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        what = f'"{node.value[:40]}" is not a date and time'
        report.add("time", node.place, what, 'write "2026-03-02T09:00", in the customer\'s zone.')
        return None


def _guests(fields: Fields, report: Report) -> tuple[Guest, ...]:
    """The people at the customer, each address once, with all the roles that it was given."""
    found: dict[str, Guest] = {}
    for role in CUSTOMER_ROLES:
        if address := _address(fields, role, f"{role}: ada@acme.example.com"):
            _add(found, Guest(address, "", (role,)))
    example = "{ email: ada@acme.example.com, name: Ada Ek, roles: [champion] }"
    for item in sequence(fields.get("contacts"), report, '"contacts"', f"- {example}"):
        node = mapping(item, report, "a contact", example)
        if node is None:
            continue
        inner = Fields(node, keys("contact"), "a contact", report)
        roles = inner.words("roles", "[champion]")
        for hat in roles:
            if hat.value not in CUSTOMER_ROLES:
                what = f'no role at the customer is called "{hat.value[:60]}"'
                report.add("unknown-role", hat.place, what, near(hat.value, CUSTOMER_ROLES))
        name = inner.text("name", '"name: Ada Ek"')
        _add(found, Guest(_address(inner, "email", example), name, tuple(hat.value for hat in roles)))
    return tuple(found.values())


def _add(found: dict[str, Guest], guest: Guest) -> None:
    """Put a person to the others; two lines with one address are one person, two without are two."""
    key = guest.email or f"without address {len(found)}"
    known = found.get(key, guest)
    found[key] = Guest(guest.email, known.name or guest.name, tuple(dict.fromkeys((*known.roles, *guest.roles))))


def _address(fields: Fields, key: str, example: str) -> str:
    found = fields.text(key, example).lower()
    if found and not _ADDRESS.match(found):
        fields.report.add("value", fields.place(key), "this is not an email address", f"write {example}.")
    return found


def _contracts(fields: Fields, report: Report) -> tuple[Contract, ...]:
    found: dict[str, Contract] = {}
    example = "{ id: main, ends_on: 2026-12-31 }"
    for item in sequence(fields.get("contracts"), report, '"contracts"', f"- {example}"):
        node = mapping(item, report, "a contract", example)
        if node is None:
            continue
        inner = Fields(node, keys("contract"), "a contract", report)
        name = inner.text("id", '"id: main"', required=True)
        contract = read_contract(inner, name)
        if name in found:
            report.add("duplicate-name", node.place, "two contracts have this id", "give each its own.")
        if contract is not None:
            found[name] = contract
    return tuple(found.values())


# --- what happens later -----------------------------------------------------------------------------------------------


def _events(
    fields: Fields,
    local: datetime,
    zone: str,
    contacts: tuple[Contact, ...],
    books: Sequence[Playbook],
    lifecycle: Lifecycle,
    report: Report,
) -> tuple[tuple[datetime, Event], ...]:
    """The account's events in order. Day 0 of an author's line is the date of `as_of`."""
    items = sequence(fields.get("events"), report, '"events"', '- { day: 1, at: "09:30", nps: 9 }')
    told = [item for item in items if isinstance(item, MappingNode) and "told" in item.entries]
    lines = SequenceNode(tuple(item for item in items if item not in told), fields.place("events"))
    found = [
        (at, _of_contact(event, contacts))
        for at, event in read_events(lines, local, zone, list(books), lifecycle, report)
    ]
    found += [event for item in told if (event := _told(item, local.replace(tzinfo=ZoneInfo(zone)), report))]
    return tuple(sorted(found, key=lambda item: item[0]))


def _of_contact(event: Event, contacts: tuple[Contact, ...]) -> Event:
    """An author names people by role; the first contact with the role is meant."""
    match event:
        case ContactLeft(contact=role) | ContactSuppressed(contact=role) | SurveyAnswered(contact=role):
            name = next((item.id for item in contacts if role in item.roles), role)
            return replace(event, contact=name)
        case _:
            return event


def _told(node: MappingNode, start: datetime, report: Report) -> tuple[datetime, Event] | None:
    """An event in the core's own form, as `account_to_json` writes it."""
    fields = Fields(node, keys("told"), "an event", report)
    at = _instant(fields.scalar("at", '"at: 2026-03-02T09:00:00Z"', required=True), "UTC", report)
    if at is not None and at < start:
        report.add("time", fields.place("at"), "this happens before the customer's start", "write a later time.")
    try:
        event: Event = decode_union(Event, plain(node.entries["told"]))
    except FormError:
        report.add("value", fields.place("told"), '"told" is no event of this version', "write the account again.")
        return None
    return None if at is None else (at, event)
