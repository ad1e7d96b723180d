"""The people file: who works here, where, and in which roles. It is not a release; the store keeps it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from authoring.covering import Covering, known_stand_ins
from authoring.diagnostics import Place, Report, near
from authoring.fields import KEBAB, Fields, mapping, sequence
from authoring.grammar import keys
from authoring.grammar_team import LONGEST_URL, MEETING_URL
from authoring.source import Node, Source
from lifecycle.playbook import Lifecycle
from lifecycle.staffing import ANYBODY, NO_POLICY, Cover, Policy, Span

_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+\Z")
_MOST = 1000
_SLACK = re.compile(r"[UW][A-Z0-9]{2,20}\Z")
_MEETING_URL = re.compile(MEETING_URL + r"\Z")
_EXAMPLE = "{ id: mara, name: Mara, email: mara@example.com, roles: [csm] }"


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a person can take on a day, for warnings of a forecast; 0: nobody said. How many customers they can look
    after stands in their `Cover`.
    """

    tasks_a_day: int = 0
    approvals_a_day: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """A teammate. `id`: ours, kebab-case; `slack`: member id, empty where there is none; `zone`: IANA. `cover`: whom
    they look after. `meeting_url`: their personal meeting room, https, empty where there is none.
    """

    id: str
    name: str
    email: str
    slack: str
    zone: str
    roles: tuple[str, ...]
    capacity: Capacity = Capacity()
    cover: Cover = ANYBODY
    meeting_url: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """All teammates in the order of the file. `policy`: what counts for everybody. `places`: where each person stands
    in the file, by id.
    """

    people: tuple[Person, ...]
    policy: Policy = NO_POLICY
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)


def compile_team(source: Source, lifecycle: Lifecycle | None, report: Report) -> Team | None:
    """Read the people; every role of the lifecycle must reach one of them along its chain."""
    root = mapping(source.root, report, "the file", '"people:" with a list')
    if root is None:
        return None
    fields = Fields(root, keys("team"), "the team", report)
    if "people" not in fields:
        fields.missing("people", f"people: [{_EXAMPLE}]")
    roles = lifecycle.roles if lifecycle else {}
    covering = Covering(lifecycle, report)
    policy = covering.policy(fields)
    people, absences, places = [], dict[str, Node](), dict[str, Place]()
    seen: dict[str, str] = {}
    for item in sequence(fields.get("people"), report, '"people"', f"- {_EXAMPLE}"):
        node = mapping(item, report, "a person", _EXAMPLE)
        if node is not None:
            inner = Fields(node, keys("person"), "a person", report)
            people.append(_person(inner, lifecycle, seen, covering, policy))
            absences[people[-1].id] = inner.get("away") or node
            places[people[-1].id] = inner.place("id")
    known_stand_ins({person.id: person.cover for person in people}, absences, report)
    held = {role for person in people for role in person.roles}
    for role, chain in roles.items():
        if people and held.isdisjoint((role, *chain)):
            what = f'nobody has the role "{role}", nor any that stands in for it'
            report.add("role-unfilled", fields.key("people"), what, f"give a person the role, such as roles: [{role}].")
    return Team(tuple(people), policy, places)


def _person(
    fields: Fields, lifecycle: Lifecycle | None, seen: dict[str, str], covering: Covering, policy: Policy
) -> Person:
    report = covering.report
    name = fields.name("id", KEBAB, '"id: mara"')
    email = fields.text("email", '"email: mara@example.com"', required=True).lower()
    if email and not _ADDRESS.match(email):
        report.add("value", fields.place("email"), "this is not an email address", 'write "mara@example.com".')
    slack = fields.text("slack", '"slack: U0MARA"')
    if slack and not _SLACK.match(slack):
        report.add("value", fields.place("slack"), "this is not a Slack member id", 'write one such as "U0MARA".')
    for key, value in (("id", name), ("email", email), ("slack", slack)):
        if value and f"{key}:{value}" in seen:
            what = f"two people have the same {key}"
            report.add("duplicate-name", fields.place(key), what, "correct one.", related=seen[f"{key}:{value}"])
        seen.setdefault(f"{key}:{value}", str(fields.place(key)))
    roles = []
    for item in fields.words("roles", "[csm]", required=True):
        if lifecycle and item.value not in lifecycle.roles:
            fix = near(item.value, lifecycle.roles)
            report.add("unknown-role", item.place, f'no role is called "{item.value[:60]}"', fix)
        roles.append(item.value)
    full = fields.text("name", '"name: Mara Lindqvist"', required=True)
    zone = fields.zone("zone", (), lifecycle.default_zone if lifecycle else "UTC")
    capacity, accounts = _capacity(fields, covering)
    cover = covering.cover(fields, accounts, policy)
    return Person(name, full, email, slack, zone, tuple(roles), capacity, cover, _room(fields, report))


def _room(fields: Fields, report: Report) -> str:
    """The meeting room; a link that mails or calendars would cut short is none."""
    url = fields.text("meeting_url", '"meeting_url: https://meet.example.com/mara"')
    if not url or (_MEETING_URL.match(url) and len(url) <= LONGEST_URL):
        return url
    what = "this is not the https URL of a meeting room"
    fix = 'write one such as "https://meet.example.com/mara", with what is not a plain letter percent-encoded.'
    report.add("value", fields.place("meeting_url"), what, fix)
    return ""


def _capacity(fields: Fields, covering: Covering) -> tuple[Capacity, Span]:
    node = mapping(fields.get("capacity"), covering.report, '"capacity"', "{ accounts: 20-30, tasks_a_day: 8 }")
    if node is None:
        return Capacity(), Span()
    inner = Fields(node, keys("capacity"), '"capacity"', covering.report)
    capacity = Capacity(inner.whole("tasks_a_day", 1, _MOST, 0), inner.whole("approvals_a_day", 1, _MOST, 0))
    return capacity, covering.accounts(inner)
