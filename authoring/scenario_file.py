"""Reads scenario files: a customer, what happens, and what must come of it. The author's test of a playbook.

Days count from the start's date in the customer's zone. What a line of `expect` may say: `authoring.expected`;
`authoring.scenario` plays and compares.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from authoring import ticks
from authoring.compile import Compiled
from authoring.diagnostics import Diagnostic, Place, Report, near
from authoring.expected import MAX_DAY, Expected, read_expected
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys
from authoring.happenings import ASIDE, KINDS, read_event
from authoring.namespace import CUSTOMER_ROLES
from authoring.simulate import Library
from authoring.source import Mapping, Node, Source, parse
from lifecycle.actions import Length
from lifecycle.commands import AskApproval, Command, RaiseTask, SendSurvey
from lifecycle.messages import ApprovalAnswered, Event, FactsReported, Happened, SignedUp, SurveyAnswered, TaskTicked
from lifecycle.model import Contact, Profile, Teammate
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release, digest_of
from lifecycle.surveys import FORMS

WHEN = ("day", "at", "until_day")
"""The keys of an event that say when it happens."""
PROFILE_KEYS = tuple(key for key in keys("customer") if key not in (*CUSTOMER_ROLES, "vacant"))
DELAYED = ("approve", "reject", "done", *FORMS)
"""Events that answer a question or settle a task, and so may be counted from it."""
QUIET_AFTER = timedelta(days=60)
"""How long a scenario goes on after its last line, so that what nobody expected is seen."""


Answering = ApprovalAnswered | SurveyAnswered | TaskTicked


@dataclass(frozen=True, slots=True)
class Delayed:
    """An answer that comes `delay` after its question was put for the first time. `steps`: those that send the survey
    which it answers.
    """

    place: Place
    event: Answering
    delay: Length
    steps: frozenset[str] = frozenset()

    def answers(self, command: Command) -> bool:
        """Whether a command puts the question, or raises the task."""
        match command:
            case RaiseTask(touch=touch):
                return isinstance(self.event, TaskTicked) and ticks.same(self.event.task, touch)
            case AskApproval(approval=approval, nth=0):
                return isinstance(self.event, ApprovalAnswered) and self.event.approval == approval
            case SendSurvey(to=contact, step=step):
                return isinstance(self.event, SurveyAnswered) and self.event.contact == contact and step in self.steps
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario read and checked. `start`: aware, UTC; `events`: aware, UTC; `answers`: those whose instant only the
    play of the scenario tells (`scenario.resolve`); `ticked`: the tasks that are ticked at a given time; `catalogue`:
    the manifest of the playbooks under test; `expecting`: where the list of expectations stands.
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
    answers: tuple[Delayed, ...] = ()
    ticked: tuple[tuple[Place, datetime, str], ...] = ()

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


def lifecycle_of(compiled: Compiled) -> Lifecycle:
    """The lifecycle that a folder's playbooks were checked against; the folder has compiled."""
    return next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))


def load(text: str, file: str, compiled: Compiled) -> tuple[Scenario | None, tuple[Diagnostic, ...]]:
    """Read a scenario against compiled releases; None when anything is wrong with it."""
    report = Report()
    return _read(parse(text, file, report), compiled, report)


def read(source: Source, compiled: Compiled) -> tuple[Scenario | None, tuple[Diagnostic, ...]]:
    """Read a scenario whose file was parsed already, one of `compiled.scenarios`."""
    return _read(source, compiled, Report())


def mistakes(compiled: Compiled) -> tuple[Diagnostic, ...]:
    """What is wrong with the scenario files of a folder whose playbooks compile."""
    return tuple(item for source in compiled.scenarios for item in read(source, compiled)[1])


def _read(source: Source, compiled: Compiled, report: Report) -> tuple[Scenario | None, tuple[Diagnostic, ...]]:
    root = mapping(source.root, report, "the file", '"scenario: what happens"')
    fields = Fields(root, keys("scenario"), "the scenario", report) if root else None
    scenario = _Reader(fields, source.file, compiled, report).scenario() if fields else None
    return (None if report.failed else scenario), report.sorted()


def read_customer(fields: Fields, start: datetime, lifecycle: Lifecycle) -> SignedUp:
    """A `customer:` mapping as its signup. `start`: naive, the local time of the signup.

    Every role that the mapping names is a contact whose id is the role; every teammate role is one person, in the
    customer's zone.
    """
    zone = fields.zone("zone", (), lifecycle.default_zone)
    plain, arr = Profile(zone, start.date()), fields.whole("arr", 0, 10**12, 0)
    profile = Profile(
        zone,
        start.date(),
        fields.text("tier", "a tier such as pro", default=plain.tier),
        fields.choice("journey", lifecycle.courses, plain.journey),
        fields.text("touch", "low, mid or high", default=lifecycle.touch_for(arr)),
        fields.text("country", "a country such as DE"),
        fields.text("segment", "a segment"),
        arr,
    )
    if "name" not in fields:
        fields.missing("name", '"name: Acme"')
    roles: dict[str, list[str]] = {}
    for role in CUSTOMER_ROLES:
        address = fields.text(role, f'"{role}: ada@acme.example.com"')
        if address:
            roles.setdefault(address.lower(), []).append(role)
    contacts = tuple(Contact(names[0], tuple(names)) for names in roles.values())
    there = dict.fromkeys(lifecycle.roles)
    for item in fields.words("vacant", "[csm]"):
        if item.value not in there:
            what = f'no role is called "{item.value[:60]}"'
            fields.report.add("unknown-role", item.place, what, near(item.value, lifecycle.roles))
        there.pop(item.value, None)
    return SignedUp(profile, contacts, {role: Teammate(role, zone) for role in there})


def read_events(
    node: Node | None, local: datetime, zone: str, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report
) -> Iterator[tuple[datetime, Event]]:
    """A list of events; `local`: the customer's start in its `zone`, whose date is day 0."""
    for fields in _lines(node, (*WHEN, "after", *KINDS, *ASIDE), report):
        if "after" in fields:
            what, fix = '"after" stands in scenarios only', 'write "day" and "at", or let assumed answers do it.'
            report.add("when", fields.key("after"), what, fix)
        else:
            yield from _read_timed(fields, local, zone, books, lifecycle, report)


def _lines(node: Node | None, keys: Collection[str], report: Report) -> Iterator[Fields]:
    example = '{ day: 1, at: "09:30", nps: 9 }'
    for item in sequence(node, report, '"events"', f"- {example}"):
        found = mapping(item, report, "an event", example)
        if found is not None:
            yield Fields(found, keys, "an event", report)


def _read_timed(
    fields: Fields, local: datetime, zone: str, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report
) -> Iterator[tuple[datetime, Event]]:
    """What a line with `day` and `at` says happens: once, or with `until_day` on each day up to that one."""
    day = fields.whole("day", 0, MAX_DAY, 0, required=True)
    last = fields.whole("until_day", day, MAX_DAY, day)
    clock = fields.clock("at", "23:59", required=True)
    event = read_event(fields, books, lifecycle, report)
    times = [
        _utc(datetime.combine(local.date() + timedelta(days=number), time.fromisoformat(clock)), zone)
        for number in range(day, last + 1)
    ]
    if times[0] < _utc(local, zone) and "day" in fields and "at" in fields:
        report.add("time", fields.node.place, "this happens before the customer's start", "write a later day or time.")
    if "until_day" in fields and event is not None and not isinstance(event, Happened | FactsReported):
        what = '"until_day" is for what products report, day by day'
        report.add("when", fields.key("until_day"), what, "write a line for each day.")
    if event is not None:
        yield from ((at, event) for at in times)


def _read_delayed(fields: Fields, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report) -> Delayed | None:
    """An answer with `after`: so long after its question, wherever that falls."""
    delay = fields.length("after", "26 hours")
    event = read_event(fields, books, lifecycle, report)
    if any(key in fields for key in WHEN):
        what = 'a line with "after" has a day or time, too'
        report.add("when", fields.key("after"), what, 'keep "day" and "at", or keep "after".')
    elif event is not None and not isinstance(event, Answering):
        what = f'"after" counts from a question, and this answers none; {", ".join(DELAYED)} do'
        report.add("when", fields.key("after"), what, 'write "day" and "at".')
    elif delay is not None and isinstance(event, Answering):
        wanted = event.survey if isinstance(event, SurveyAnswered) else None
        sent = {step.id for book in books for step in book.steps if getattr(step.action, "survey", None) == wanted}
        return Delayed(fields.key("after"), event, delay, frozenset(sent))
    return None


def load_customer(
    text: str, file: str, start: datetime, lifecycle: Lifecycle
) -> tuple[SignedUp | None, tuple[Diagnostic, ...]]:
    """Read a file that holds one customer, as a scenario's `customer:` does. `start`: naive, local."""
    report = Report()
    example = "name: Acme"
    root = mapping(parse(text, file, report).root, report, "the file", f'"{example}"')
    fields = Fields(root, keys("customer"), "the customer", report) if root else None
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
        self.lifecycle = lifecycle_of(compiled)

    def scenario(self) -> Scenario:
        fields = self.fields
        books = self._books()
        local = self._start()
        signup = self._customer(local)
        start = _utc(local, signup.profile.zone)
        names = {book.name: digest_of(book) for book in books}
        events, answers, ticked = self._events(local, signup.profile.zone, books)
        return Scenario(
            fields.text("scenario", '"scenario: what happens"', required=True),
            self.file,
            tuple(item.value for item in fields.words("covers", "[B1]")),
            tuple(names),
            Manifest(digest_of(self.lifecycle), dict(sorted(names.items()))),
            signup,
            start,
            events,
            self._expected("expect", books),
            self._expected("never", books),
            fields.key("expect"),
            answers,
            ticked,
        )

    def _events(
        self, local: datetime, zone: str, books: Sequence[Playbook]
    ) -> tuple[tuple[tuple[datetime, Event], ...], tuple[Delayed, ...], tuple[tuple[Place, datetime, str], ...]]:
        """What happens at a given time, and what so long after its question; of the former the ticks of tasks."""
        events, answers, ticked = [], [], []
        for fields in _lines(self.fields.get("events"), keys("happening"), self.report):
            if "after" in fields:
                answers.append(_read_delayed(fields, books, self.lifecycle, self.report))
            else:
                found = list(_read_timed(fields, local, zone, books, self.lifecycle, self.report))
                events += found
                ticked += [(fields.node.place, at, event.task) for at, event in found if isinstance(event, TaskTicked)]
        return tuple(events), tuple(item for item in answers if item), tuple(ticked)

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
        inner = Fields(node or empty, keys("customer"), '"customer"', report)
        return read_customer(inner, start, self.lifecycle)

    def _expected(self, key: str, books: Sequence[Playbook]) -> tuple[Expected, ...]:
        if key == "expect" and key not in self.fields:
            self.fields.missing(key, '"expect:" with every touch, or "expect: []" for silence')
        return tuple(read_expected(self.fields.get(key), key, books, self.lifecycle, self.report))


def _utc(local: datetime, zone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
