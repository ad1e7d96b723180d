"""Assumed answers: how the people of a simulation behave, as shares and delays, read from a file that says `assume:`.

`authoring/people.py` turns these into events, by a draw that depends on nothing but the seed, the customer and what was
asked; so the same customer has the same luck whatever else is simulated. What is known for certain belongs into the
account's own `events` instead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from authoring.diagnostics import Diagnostic, Report, near
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys
from authoring.happenings import read_event
from authoring.source import Mapping as MappingNode
from authoring.source import parse, read_text
from lifecycle.actions import Unit
from lifecycle.messages import Event, FactsReported, Happened
from lifecycle.playbook import Lifecycle, Playbook
from lifecycle.surveys import FORMS, Form

MAX_DAY = 3650
_SPAN = re.compile(r"([0-9]{1,4})(?: *- *([0-9]{1,4}))? +(business +)?(minute|hour|day|week)s?\Z")
_DAYS = re.compile(r"([0-9]{1,4})(?: *- *([0-9]{1,4}))?\Z")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) *%\Z")
_WHOLE = 100
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Span:
    """A delay between `low` and `high`, both included."""

    low: int
    high: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class Approvals:
    """Shares (0-1) of questions that are approved and rejected; the rest is not answered. `after`: counted from the
    question.
    """

    approved: float = 0.85
    rejected: float = 0.05
    after: Span = Span(1, 6, "business_hours")


@dataclass(frozen=True, slots=True)
class Surveys:
    """Share of surveys that are answered, after how long, and with which score: `(low, high, share)`, shares add up to
    1, scores within a row are equally frequent.
    """

    answered: float = 0.4
    after: Span = Span(2, 96, "hours")
    scores: tuple[tuple[int, int, float], ...] = ((0, 6, 0.15), (7, 8, 0.35), (9, 10, 0.5))


USUAL_SCORES: Mapping[str, tuple[tuple[int, int, float], ...]] = {
    "nps": Surveys().scores,
    "csat": ((1, 2, 0.1), (3, 3, 0.2), (4, 5, 0.7)),
    "ces": ((1, 3, 0.15), (4, 5, 0.35), (6, 7, 0.5)),
    "exit": (),
}
"""By survey, on its own scale; the exit survey has choices, each equally frequent, and no score."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """Share of tasks that are ticked, and after how long."""

    done: float = 0.9
    after: Span = Span(2, 16, "business_hours")


@dataclass(frozen=True, slots=True)
class Meetings:
    """Shares of meetings that were held, to which nobody came, that were declined; nobody says anything of the rest."""

    held: float = 0.8
    no_show: float = 0.07
    declined: float = 0.05


@dataclass(frozen=True, slots=True)
class Emails:
    """Shares of emails that are replied to, and after which the reader unsubscribes."""

    replied: float = 0.02
    unsubscribed: float = 0.002
    after: Span = Span(1, 48, "hours")


@dataclass(frozen=True, slots=True)
class Renewals:
    """Share of contracts that are signed again for a year, and how many days `before` their end. The others end, and
    the customer leaves.
    """

    signed: float = 0.9
    before: tuple[int, int] = (3, 45)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something of the usual course: on one of `days` (both included) after the signup, with a share of customers."""

    event: Event
    days: tuple[int, int]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Answers:
    """How people are assumed to behave. `steps`: approvals of single steps by id. `surveys`: by kind; others are never
    answered. `churn`: share of customers that leave within a year. `renewals`: None leaves ended contracts alone.
    """

    name: str
    approvals: Approvals = Approvals()
    steps: Mapping[str, Approvals] = field(default_factory=dict)
    surveys: Mapping[str, Surveys] = field(default_factory=dict)
    tasks: Tasks = Tasks()
    meetings: Meetings = Meetings()
    emails: Emails = Emails()
    course: tuple[Happening, ...] = ()
    churn: float = 0.08
    renewals: Renewals | None = Renewals()


SILENCE = Answers(
    "nobody answers",
    Approvals(0, 0),
    tasks=Tasks(0),
    meetings=Meetings(0, 0, 0),
    emails=Emails(0, 0),
    churn=0,
    renewals=None,
)
"""Nobody does anything but what an account's own events say."""

_COURSE: tuple[tuple[Event, int, int, float], ...] = (
    (Happened("access.given"), 0, 0, 0.95),
    (Happened("invitations.sent"), 1, 4, 0.9),
    (Happened("api.connected"), 1, 5, 0.85),
    (Happened("data.imported"), 3, 7, 0.8),
    (FactsReported({"users.logged_in_share": 0.85}), 3, 8, 0.7),
    (Happened("integration.live"), 5, 14, 0.8),
    (Happened("insight.named"), 5, 12, 0.75),
    (FactsReported({"usage.core_features": 3}), 8, 14, 0.65),
    (FactsReported({"usage.dau_share": 0.55}), 20, 50, 0.6),
    (Happened("roi.documented"), 70, 170, 0.6),
    (Happened("expansion.sold"), 200, 360, 0.2),
)


def usual(lifecycle: Lifecycle) -> Answers:
    """What is assumed without a file, as in `samples/answers.yaml`; of the course only what the catalogue knows."""
    course = tuple(
        Happening(event, (low, high), share) for event, low, high, share in _COURSE if _known(event, lifecycle)
    )
    return Answers("usual customers", surveys={"nps": Surveys()}, course=course)


def _known(event: Event, lifecycle: Lifecycle) -> bool:
    match event:
        case Happened(name=name):
            return name in lifecycle.events
        case FactsReported(facts=facts):
            return all(name in lifecycle.facts for name in facts)
        case _:  # pragma: no cover - the table above holds no others
            return False


# --- files ------------------------------------------------------------------------------------------------------------


def read_answers(
    path: Path, books: Sequence[Playbook], lifecycle: Lifecycle
) -> tuple[Answers | None, tuple[Diagnostic, ...]]:
    """Read a file of assumptions; what it leaves out is as in `usual`. None when anything is wrong with it."""
    report = Report()
    text = read_text(path, path.name, report)
    root = parse(text, path.name, report).root if text is not None else None
    node = mapping(root, report, "the file", '"assume: usual customers"')
    answers = _Reader(node, books, lifecycle, report).answers() if node else None
    return (None if report.failed else answers), report.sorted()


class _Reader:
    """Reads one file of assumptions."""

    def __init__(self, node: MappingNode, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report) -> None:
        self.fields = Fields(node, keys("answers"), "the assumptions", report)
        self.books, self.lifecycle, self.report = books, lifecycle, report
        self.usual = usual(lifecycle)

    def answers(self) -> Answers:
        name = self.fields.text("assume", '"assume: usual customers"', required=True)
        every, steps = self._approvals()
        found = replace(self.usual, name=name, approvals=every, steps=steps)
        if (surveys := self._inner("surveys", "{ nps: { answered: 40% } }")) is not None:
            found = replace(found, surveys={kind: self._survey(surveys, kind) for kind in surveys.entries})
        if (fields := self._of("tasks", "task_answers", "{ done: 90% }")) is not None:
            found = replace(found, tasks=Tasks(_share(fields, "done", 0.9), _span(fields, "after", found.tasks.after)))
        if (fields := self._of("meetings", "meeting_answers", "{ held: 80% }")) is not None:
            shares = _shares(fields, {"held": 0.8, "no_show": 0.07, "declined": 0.05})
            found = replace(found, meetings=Meetings(**shares))
        if (fields := self._of("emails", "email_answers", "{ replied: 2% }")) is not None:
            shares = _shares(fields, {"replied": 0.02, "unsubscribed": 0.002})
            found = replace(found, emails=Emails(**shares, after=_span(fields, "after", found.emails.after)))
        if (fields := self._of("churn", "churn", "{ a_year: 8% }")) is not None:
            found = replace(found, churn=_share(fields, "a_year", 0.08))
        if (fields := self._of("renewals", "renewals", "{ signed: 90% }")) is not None:
            found = replace(found, renewals=_renewals(fields))
        return replace(found, course=tuple(self._course())) if "course" in self.fields else found

    def _inner(self, key: str, example: str) -> MappingNode | None:
        return mapping(self.fields.get(key), self.report, f'"{key}"', example)

    def _of(self, key: str, shape: str, example: str) -> Fields | None:
        node = self._inner(key, example)
        return Fields(node, keys(shape), f'"{key}"', self.report) if node else None

    def _approvals(self) -> tuple[Approvals, dict[str, Approvals]]:
        fields = self._of("approvals", "approvals", "{ approved: 85% }")
        if fields is None:
            return Approvals(), {}
        every = _approval(fields, Approvals())
        known = {step.id for book in self.books for step in book.steps if step.approval}
        steps: dict[str, Approvals] = {}
        group = mapping(fields.get("steps"), self.report, '"steps"', "{ kickoff: { approved: 0% } }")
        for name, node in group.entries.items() if group else ():
            if name not in known:
                what = f'no step that asks for approval is called "{name[:60]}"'
                self.report.add("unknown-step", node.place, what, near(name, known))
            inner = mapping(node, self.report, f'"{name[:60]}"', "{ approved: 0% }")
            if inner is not None:
                steps[name] = _approval(Fields(inner, keys("step_approvals"), "a step", self.report), every)
        return every, steps

    def _survey(self, group: MappingNode, kind: str) -> Surveys:
        node = mapping(group.entries[kind], self.report, f'"{kind[:60]}"', "{ answered: 40% }")
        if kind not in FORMS:
            self.report.add("value", group.keys[kind].place, f'no survey is called "{kind[:60]}"', near(kind, FORMS))
        if node is None or kind not in FORMS:
            return Surveys()
        known = [key for key in keys("survey_answers") if key != "scores" or FORMS[kind].scale]
        fields = Fields(node, known, "a survey", self.report)
        scores = self._scores(fields, FORMS[kind]) if "scores" in fields else USUAL_SCORES[kind]
        return Surveys(_share(fields, "answered", 0.4), _span(fields, "after", Surveys().after), scores)

    def _scores(self, fields: Fields, form: Form) -> tuple[tuple[int, int, float], ...]:
        group = mapping(fields.get("scores"), self.report, '"scores"', '{ "0-6": 20%, "7-10": 80% }')
        if group is None:
            return ()
        inner = Fields(group, group.entries, '"scores"', self.report)
        rows = []
        for name, node in group.keys.items():
            found = _DAYS.match(name)
            if found is None or not all(form.fits(int(score)) for score in found.groups() if score):
                what = f'"{name[:40]}" is neither a score of this survey nor two'
                self.report.add("range", node.place, what, 'write "9-10".')
            else:
                rows.append((int(found[1]), int(found[2] or found[1]), _share(inner, name, 0)))
        if abs(sum(share for *_, share in rows) - 1) > _ROUNDING:
            self.report.add("range", fields.key("scores"), "the shares do not add up to 100%", "correct one of them.")
        return tuple(rows)

    def _course(self) -> list[Happening]:
        example = "{ day: 1-5, share: 85%, event: api.connected }"
        found = []
        for item in sequence(self.fields.get("course"), self.report, '"course"', f"- {example}"):
            node = mapping(item, self.report, "a line of the course", example)
            if node is None:
                continue
            fields = Fields(node, keys("course"), "a line of the course", self.report)
            days = _days(fields, "day", (0, 0), required=True)
            event = read_event(fields, self.books, self.lifecycle, self.report)
            if event is not None:
                found.append(Happening(event, days, _share(fields, "share", 1)))
        return found


def _approval(fields: Fields, default: Approvals) -> Approvals:
    shares = _shares(fields, {"approved": default.approved, "rejected": default.rejected})
    return Approvals(**shares, after=_span(fields, "after", default.after))


def _renewals(fields: Fields) -> Renewals:
    return Renewals(_share(fields, "signed", 0.9), _days(fields, "before", Renewals().before))


def _shares(fields: Fields, defaults: Mapping[str, float]) -> dict[str, float]:
    """Shares of one whole. One that is not written is its default, or what the others leave."""
    found = {name: _share(fields, name, -1) for name in defaults}
    left = 1 - sum(share for share in found.values() if share >= 0)
    if left < -_ROUNDING:
        what = f"{', '.join(found)} are more than 100% together"
        fields.report.add("range", fields.node.place, what, "lower one of them.")
    return {name: share if share >= 0 else max(0.0, min(left, defaults[name])) for name, share in found.items()}


def _share(fields: Fields, key: str, default: float) -> float:
    """A share such as `85%`, as 0-1."""
    node = fields.scalar(key, "a share such as 85%")
    if node is None:
        return default
    found = _SHARE.match(node.value.strip())
    if found is not None and float(found[1]) <= _WHOLE:
        return float(found[1]) / _WHOLE
    fields.report.add("range", node.place, f'"{node.value[:40]}" is not a share from 0% to 100%', 'write "85%".')
    return default


def _span(fields: Fields, key: str, default: Span) -> Span:
    node = fields.scalar(key, '"1-6 business hours"')
    if node is None:
        return default
    found = _SPAN.match(node.value.strip())
    if found is not None and int(found[1]) <= int(found[2] or found[1]):
        unit = f"{'business_' if found[3] else ''}{found[4]}s"
        for known in _UNITS:
            if unit == known:
                return Span(int(found[1]), int(found[2] or found[1]), known)
    fields.report.add("length", node.place, f'"{node.value[:40]}" is not a delay', 'write "1-6 business hours".')
    return default


_UNITS: tuple[Unit, ...] = ("minutes", "hours", "days", "weeks", "business_hours", "business_days")


def _days(fields: Fields, key: str, default: tuple[int, int], *, required: bool = False) -> tuple[int, int]:
    node = fields.scalar(key, '"day: 1-5"', required=required)
    if node is None:
        return default
    found = _DAYS.match(node.value.strip())
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if low <= high <= MAX_DAY:
        return low, high
    what = f'"{node.value[:40]}" is neither a day nor two days from 0 to {MAX_DAY}'
    fields.report.add("range", node.place, what, 'write "1-5".')
    return default
