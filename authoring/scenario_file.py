"""Reads scenario files: a customer, what happens, and what must come of it. The author's test of a playbook.

`expect` names every email, survey, invite, cancellation, Slack message and task of the playbooks under test, so an
empty list means silence. Questions (`approval`) are checked only where one is named. Days count from the start's date
in the customer's zone. `authoring.scenario` plays and compares.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from authoring.compile import Compiled
from authoring.diagnostics import Diagnostic, Place, Report, near
from authoring.fields import Fields, mapping, sequence
from authoring.happenings import ASIDE, KINDS, read_event
from authoring.namespace import CUSTOMER_ROLES
from authoring.simulate import Library
from authoring.source import Mapping, Node, Scalar, parse
from lifecycle.messages import Event, SignedUp
from lifecycle.model import Contact, Profile, Teammate
from lifecycle.playbook import Email, Invite, Lifecycle, Manifest, Playbook, Release, Slack, Step, Survey, digest_of

SCENARIO_KEYS = ("scenario", "covers", "playbook", "customer", "start", "events", "expect", "never")
PROFILE_KEYS = ("name", "tier", "journey", "touch", "zone", "country", "segment", "arr")
TOUCHES = ("email", "survey", "invite", "cancel", "slack", "task", "approval")
MAX_DAY = 3650
QUIET_AFTER = timedelta(days=60)
"""How long a scenario goes on after its last line, so that what nobody expected is seen."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of `expect` or `never`; `day`, `at` and `to` are empty where the line does not say. `steps`: the ids of
    the steps that send it.
    """

    place: Place
    kind: str
    name: str
    day: int | None = None
    at: str = ""
    to: frozenset[str] = frozenset()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario read and checked. `start`: aware, UTC; `events`: aware, in order; `catalogue`: the manifest of the
    playbooks under test; `expecting`: where the list of expectations stands.
    """

    name: str
    file: str
    covers: tuple[str, ...]
    playbooks: tuple[str, ...]
    catalogue: Manifest
    signup: SignedUp
    start: datetime
    events: tuple[tuple[datetime, Event], ...]
    expect: tuple[Expected, ...]
    never: tuple[Expected, ...]
    expecting: Place

    @property
    def digest(self) -> str:
        """The catalogue's digest."""
        return digest_of(self.catalogue)

    @property
    def until(self) -> datetime:
        """When the scenario ends."""
        days = [item.day for item in self.expect if item.day is not None]
        last = max([self.start, *(at for at, _event in self.events)])
        return max(last, self.start + timedelta(days=max(days, default=0))) + QUIET_AFTER

    def library(self, compiled: Compiled) -> Library:
        """The releases to run it with."""
        releases: dict[str, Release] = {**compiled.releases, self.digest: self.catalogue}
        return Library(releases)


def load(text: str, file: str, compiled: Compiled) -> tuple[Scenario | None, tuple[Diagnostic, ...]]:
    """Read a scenario against compiled releases; None when anything is wrong with it."""
    report = Report()
    source = parse(text, file, report)
    root = mapping(source.root, report, "the file", '"scenario: what happens"')
    scenario = (
        _Reader(Fields(root, SCENARIO_KEYS, "the scenario", report), file, compiled, report).scenario()
        if root
        else None
    )
    return (None if report.failed else scenario), report.sorted()


def read_customer(fields: Fields, start: datetime, lifecycle: Lifecycle) -> SignedUp:
    """A `customer:` mapping as its signup. `start`: naive, the local time of the signup.

    Every role that the mapping names is a contact whose id is the role; every teammate role is one person, in the
    customer's zone.
    """
    zone = fields.zone("zone", (), lifecycle.default_zone)
    plain = Profile(zone, start.date())
    profile = Profile(
        zone,
        start.date(),
        fields.text("tier", "a tier such as pro", default=plain.tier),
        fields.text("journey", "a journey such as standard", default=plain.journey),
        fields.text("touch", "low or high", default=plain.touch),
        fields.text("country", "a country such as DE"),
        fields.text("segment", "a segment"),
        fields.whole("arr", 0, 10**12, 0),
    )
    if "name" not in fields:
        fields.missing("name", '"name: Acme"')
    roles: dict[str, list[str]] = {}
    for role in CUSTOMER_ROLES:
        address = fields.text(role, f'"{role}: ada@acme.example.com"')
        if address:
            roles.setdefault(address.lower(), []).append(role)
    contacts = tuple(Contact(names[0], tuple(names)) for names in roles.values())
    return SignedUp(profile, contacts, {role: Teammate(role, zone) for role in lifecycle.roles})


def read_events(
    node: Node | None, local: datetime, zone: str, books: list[Playbook], lifecycle: Lifecycle, report: Report
) -> Iterator[tuple[datetime, Event]]:
    """A list of events; `local`: the customer's start in its `zone`, whose date is day 0."""
    example = '{ day: 1, at: "09:30", nps: 9 }'
    start = _utc(local, zone)
    for item in sequence(node, report, '"events"', f"- {example}"):
        found = mapping(item, report, "an event", example)
        if found is None:
            continue
        fields = Fields(found, ("day", "at", *KINDS, *ASIDE), "an event", report)
        day = fields.whole("day", 0, MAX_DAY, 0, required=True)
        clock = fields.clock("at", "23:59", required=True)
        at = _utc(datetime.combine(local.date() + timedelta(days=day), time.fromisoformat(clock)), zone)
        event = read_event(fields, books, lifecycle, report)
        if at < start and "day" in fields and "at" in fields:
            report.add("time", found.place, "this happens before the customer's start", "write a later day or time.")
        if event is not None:
            yield at, event


def load_customer(
    text: str, file: str, start: datetime, lifecycle: Lifecycle
) -> tuple[SignedUp | None, tuple[Diagnostic, ...]]:
    """Read a file that holds one customer, as a scenario's `customer:` does. `start`: naive, local."""
    report = Report()
    example = "name: Acme"
    root = mapping(parse(text, file, report).root, report, "the file", f'"{example}"')
    fields = Fields(root, (*PROFILE_KEYS, *CUSTOMER_ROLES), "the customer", report) if root else None
    signup = read_customer(fields, start, lifecycle) if fields else None
    return (None if report.failed else signup), report.sorted()


def load_events(
    text: str, file: str, start: datetime, zone: str, books: list[Playbook], lifecycle: Lifecycle
) -> tuple[tuple[tuple[datetime, Event], ...], tuple[Diagnostic, ...]]:
    """Read a file that holds a list of events, as a scenario's `events:` does. `start`: naive, local in `zone`."""
    report = Report()
    root = parse(text, file, report).root
    found = tuple(read_events(root, start, zone, books, lifecycle, report))
    return (() if report.failed else found), report.sorted()


class _Reader:
    """Reads one scenario."""

    def __init__(self, fields: Fields, file: str, compiled: Compiled, report: Report) -> None:
        self.fields, self.file, self.report = fields, file, report
        self.books = {book.name: book for book in compiled.releases.values() if isinstance(book, Playbook)}
        self.lifecycle = next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))

    def scenario(self) -> Scenario:
        fields = self.fields
        books = self._books()
        local = self._start()
        signup = self._customer(local)
        start = _utc(local, signup.profile.zone)
        names = {book.name: digest_of(book) for book in books}
        return Scenario(
            fields.text("scenario", '"scenario: what happens"', required=True),
            self.file,
            tuple(item.value for item in fields.words("covers", "[B1]")),
            tuple(names),
            Manifest(digest_of(self.lifecycle), dict(sorted(names.items()))),
            signup,
            start,
            tuple(read_events(fields.get("events"), local, signup.profile.zone, books, self.lifecycle, self.report)),
            tuple(self._expected("expect", timed=True)),
            tuple(self._expected("never", timed=False)),
            fields.key("expect"),
        )

    def _books(self) -> list[Playbook]:
        found = []
        for item in self.fields.words("playbook", '"playbook: onboarding-14-day"', required=True):
            if item.value in self.books:
                found.append(self.books[item.value])
            else:
                what = f'no playbook is called "{item.value[:60]}"'
                self.report.add("unknown-playbook", item.place, what, near(item.value, self.books))
        return found

    def _start(self) -> datetime:
        node = self.fields.scalar("start", '"start: 2026-03-02T10:00"', required=True)
        try:
            found = datetime.fromisoformat(node.value) if node else None
        except ValueError:
            found = None
        if found is not None and found.tzinfo is None:
            return found
        if node is not None:
            what = f'"{node.value[:40]}" is not a local date and time'
            self.report.add("time", node.place, what, 'write "2026-03-02T10:00", in the customer\'s zone.')
        return datetime.combine(date(2026, 3, 2), time(10))

    def _customer(self, start: datetime) -> SignedUp:
        example = "{ name: Acme, tier: pro, zone: Europe/Berlin, champion: ada@acme.example.com }"
        if "customer" not in self.fields:
            self.fields.missing("customer", f"customer: {example}")
        node = mapping(self.fields.get("customer"), self.report, '"customer"', example)
        empty = Mapping({}, {}, self.fields.node.place)
        report = self.report if node else Report()
        inner = Fields(node or empty, (*PROFILE_KEYS, *CUSTOMER_ROLES), '"customer"', report)
        return read_customer(inner, start, self.lifecycle)

    def _expected(self, key: str, *, timed: bool) -> Iterator[Expected]:
        if timed and key not in self.fields:
            self.fields.missing(key, '"expect:" with every touch, or "expect: []" for silence')
        example = '{ day: 1, at: "09:00", email: onboarding/welcome, to: champion }'
        for item in sequence(self.fields.get(key), self.report, f'"{key}"', f"- {example}"):
            node = mapping(item, self.report, "an expectation", example)
            if node is None:
                continue
            fields = Fields(node, ("day", "at", "to", *TOUCHES), "an expectation", self.report)
            kinds = [kind for kind in TOUCHES if kind in fields]
            if len(kinds) != 1:
                what = f"an expectation names {len(kinds)} touches"
                self.report.add("one-action", node.place, what, f"keep one of: {', '.join(kinds or TOUCHES)}.")
                continue
            name = fields.scalar(kinds[0], f"{kinds[0]}: ...")
            if name is None:
                continue
            yield Expected(
                name.place,
                kinds[0],
                name.value,
                fields.whole("day", -MAX_DAY, MAX_DAY, 0, required=True) if timed or "day" in fields else None,
                fields.clock("at", required=timed),
                frozenset(item.value for item in fields.words("to", "champion")),
                self._steps(name, kinds[0]),
            )

    def _steps(self, node: Scalar, kind: str) -> tuple[str, ...]:
        """The steps of the playbooks under test that send this; a finding when none does."""
        listed = {item.value for item in self.fields.words("playbook", "a playbook")}
        steps = [step for book in self.books.values() if book.name in listed for step in book.steps]
        found = tuple(step.id for step in steps if _name(step, kind) == node.value)
        if steps and not found:
            what = f'no step sends the {kind} "{node.value[:60]}"'
            fix = near(node.value, {name for step in steps if (name := _name(step, kind))})
            self.report.add("unknown-step", node.place, what, fix)
        return found


def _name(step: Step, kind: str) -> str:
    """What a step is called in expectations of a kind; empty when it never sends that. Any step may raise a task, when
    something stands in its way.
    """
    if kind == "task" or (kind == "approval" and step.approval is not None):
        return step.id
    match step.action:
        case Survey(survey=name) if kind == "survey":
            return name
        case Invite(template=name) if kind in ("invite", "cancel"):
            return name
        case Email(template=name) if kind == "email":
            return name
        case Slack(template=name) if kind == "slack":
            return name
    return ""


def _utc(local: datetime, zone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
