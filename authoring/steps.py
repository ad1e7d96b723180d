"""One step of a playbook, and the steps of its branches: nodes to `Step`, with what later checks need beside it.

A `Draft` keeps the author's own words for everything that refers elsewhere (other steps, templates), because whether
those exist can only be told once the whole file, and the folder, have been read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from authoring.diagnostics import Place, Report, near
from authoring.expressions import compile_expression
from authoring.fields import KEBAB, Fields, mapping, sequence
from authoring.namespace import CUSTOMER_ROLES, Names
from authoring.source import Node, Scalar
from lifecycle.playbook import (
    Action,
    Approval,
    Email,
    Expr,
    Invite,
    Length,
    Rung,
    Slack,
    Step,
    Survey,
    Task,
    Wait,
    When,
)

ACTIONS = ("email", "slack", "invite", "survey", "task", "wait")
TOUCHES = ("email", "survey", "invite")
STEP_KEYS = (
    *("id", "day", "at", "after", "if", "needs", "catch_up", "weekend", "approval"),
    *ACTIONS,
    *("then", "otherwise"),
)
WEEKENDS = ("next_business_day", "same_day")
SURVEYS = ("nps",)
MAX_DAY = 3650
_TEMPLATE = re.compile(r"[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*\Z")
_BY = re.compile(r"day +(-?[0-9]{1,4})(?: +at +(\S+))?\Z")
_MEETING = re.compile(r"day +(-?[0-9]{1,4}) +between +(\S+) +and +(\S+)\Z")
_DUMMY = Slack((), "")
_OFFER = re.compile(r"(-?[0-9]{1,4})")


_KEYS = {
    "email": ("to", "template", "from"),
    "slack": ("to", "template"),
    "invite": ("to", "template", "when", "length", "organizer"),
    "survey": ("kind", "to", "template", "from"),
    "task": ("to", "title", "due", "checklist"),
    "wait": ("until", "event", "by"),
}
_EXAMPLES = {
    "email": "{ to: champion, template: onboarding/welcome }",
    "slack": "{ to: csm, template: onboarding/nudge }",
    "invite": '{ to: champion, template: kickoff, when: "day 2 between 10:00 and 16:00", length: 60 minutes }',
    "survey": "{ kind: nps, to: champion, template: nps }",
    "task": '{ to: csm, title: "Call them" }',
    "wait": "{ until: milestones.first_value, by: day 7 }",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A step with the places of its words. `template`: the words naming its template; `texts`: Jinja2 texts in the
    playbook itself (a task's title).
    """

    step: Step
    place: Place
    needs: tuple[Scalar, ...] = ()
    after: Scalar | None = None
    template: Scalar | None = None
    texts: tuple[Scalar, ...] = ()
    action: Place | None = None


@dataclass(slots=True)
class Book:
    """What a step may refer to while it is read: the playbook's owner and default shift, names, the findings."""

    owner: str
    shift: bool
    names: Names
    report: Report
    places: dict[str, int] = field(default_factory=dict)


def read_steps(
    node: Node | None, book: Book, under: str = "", branch: Literal["", "then", "otherwise"] = ""
) -> Iterator[Draft]:
    """Every step in the order written, a wait before the steps of its branches."""
    example = "- { id: welcome, day: 1, email: { ... } }"
    for item in sequence(node, book.report, f'"{branch or "steps"}"', example):
        found = mapping(item, book.report, "a step", example)
        if found is None:
            continue
        fields = Fields(found, STEP_KEYS, "a step", book.report)
        draft = _Reader(fields, book).draft(under, branch)
        yield draft
        if isinstance(draft.step.action, Wait):
            yield from read_steps(fields.get("then"), book, draft.step.id, "then")
            yield from read_steps(fields.get("otherwise"), book, draft.step.id, "otherwise")


class _Reader:
    """Reads the keys of one step."""

    def __init__(self, fields: Fields, book: Book) -> None:
        self.fields, self.book, self.report = fields, book, book.report
        self.template: Scalar | None = None
        self.texts: list[Scalar] = []

    def draft(self, under: str, branch: Literal["", "then", "otherwise"]) -> Draft:
        fields = self.fields
        name = fields.name("id", KEBAB, '"id: welcome"')
        kind = self._kind()
        action = self._action(kind) if kind else _DUMMY
        needs = fields.words("needs", "[another-step]")
        when, after = self._when(kind)
        step = Step(
            name,
            action,
            when,
            self._condition(fields, "if"),
            tuple(item.value for item in needs),
            under,
            branch,
            self._approval(kind),
        )
        self._branches(kind)
        place = fields.place("id") if "id" in fields else fields.node.place
        if name:
            self.book.places.setdefault(name, fields.node.place.line)
        action_place = fields.key(kind) if kind else None
        return Draft(step, place, needs, after, self.template, tuple(self.texts), action_place)

    def _kind(self) -> str:
        """The one thing the step does; empty (with a finding) when it is none or several."""
        found = [key for key in ACTIONS if key in self.fields]
        if len(found) == 1:
            return found[0]
        fix = f"keep one of: {', '.join(found)}." if found else f"add one of: {', '.join(ACTIONS)}."
        place = self.fields.key(found[1]) if found else self.fields.node.place
        what = f"a step does {len(found)} things: {', '.join(found)}" if found else "a step does nothing"
        self.report.add("one-action", place, what, fix)
        return ""

    def _branches(self, kind: str) -> None:
        for key in ("then", "otherwise"):
            if key in self.fields and kind and kind != "wait":
                what = f'"{key}" stands at {_article(kind)}; only a wait has branches'
                self.report.add("when", self.fields.key(key), what, 'use "if:" on a step of its own.')

    def _condition(self, fields: Fields, key: str) -> Expr | None:
        node = fields.scalar(key, "a condition such as customer.tier == 'pro'")
        return compile_expression(node, self.book.names, self.report) if node else None

    # --- when ---------------------------------------------------------------------------------------------------------

    def _when(self, kind: str) -> tuple[When, Scalar | None]:
        fields = self.fields
        if kind == "wait":
            for key in ("day", "at", "after", "catch_up", "weekend", "approval"):
                if key in fields:
                    what = f'"{key}" stands at a wait, which opens at once'
                    self.report.add(
                        "when", fields.key(key), what, 'say the deadline with "by:", the order with "needs:".'
                    )
            return When(), None
        if "day" in fields and "after" in fields:
            self.report.add("when", fields.key("after"), 'a step has both "day" and "after"', "keep one of the two.")
        if "at" in fields and "day" not in fields:
            self.report.add("when", fields.key("at"), '"at" needs a "day"', 'add "day: 1".')
        weekend = fields.choice("weekend", WEEKENDS, "")
        shift = weekend == "next_business_day" if weekend else self.book.shift and kind in TOUCHES
        day = fields.whole("day", -MAX_DAY, MAX_DAY, 0) if "day" in fields else None
        after, delay = self._after()
        at = fields.clock("at")
        return When(day, at, after.value if after else "", delay, shift, fields.flag("catch_up")), after

    def _after(self) -> tuple[Scalar | None, Length | None]:
        example = "{ step: welcome, delay: 2 days }"
        node = mapping(self.fields.get("after"), self.report, '"after"', example)
        if node is None:
            return None, None
        inner = Fields(node, ("step", "delay"), '"after"', self.report)
        return inner.scalar("step", '"step: welcome"', required=True), inner.length("delay")

    # --- approval -----------------------------------------------------------------------------------------------------

    def _approval(self, kind: str) -> Approval | None:
        if kind == "wait":
            return None
        example = "{ by: csm, within: 4 business hours }"
        node = mapping(self.fields.get("approval"), self.report, '"approval"', example)
        if node is None:
            return None
        inner = Fields(node, ("by", "ahead", "within", "remind", "escalate", "expired"), '"approval"', self.report)
        within = inner.length("within", "4 business hours", required=True)
        remind = inner.length("remind", "2 business hours")
        self._in_time(remind, within, inner.place("remind"))
        return Approval(
            self._teammate(inner, "by", required=True),
            within or Length(1, "days"),
            inner.length("ahead", "1 day"),
            remind,
            tuple(self._rungs(inner, within)),
            "proceed" if inner.choice("expired", ("skip", "proceed"), "skip") == "proceed" else "skip",
        )

    def _rungs(self, fields: Fields, within: Length | None) -> Iterator[Rung]:
        example = "- { after: 3 business hours, to: cs_manager }"
        for item in sequence(fields.get("escalate"), self.report, '"escalate"', example):
            node = mapping(item, self.report, "a rung", "{ after: 3 business hours, to: cs_manager }")
            if node is None:
                continue
            inner = Fields(node, ("after", "to"), "a rung", self.report)
            after = inner.length("after", "3 business hours", required=True)
            self._in_time(after, within, inner.place("after"))
            yield Rung(after or Length(1, "days"), self._teammate(inner, "to", required=True))

    def _in_time(self, nudge: Length | None, within: Length | None, place: Place) -> None:
        if nudge and within and nudge.unit == within.unit and nudge.amount >= within.amount:
            what = "this comes only when the time to answer is over"
            self.report.add("approval", place, what, f"write less than {_shown(within)}.")

    # --- who ----------------------------------------------------------------------------------------------------------

    def _teammate(self, fields: Fields, key: str, default: str = "", *, required: bool = False) -> str:
        node = fields.scalar(key, f'"{key}: csm"', required=required)
        return default if node is None else self._role(node, customers=False, teammates=True)

    def _people(self, fields: Fields, *, customers: bool, teammates: bool, required: bool = True) -> tuple[str, ...]:
        example = '"to: champion"' if customers else '"to: csm"'
        found = [
            self._role(item, customers=customers, teammates=teammates)
            for item in fields.words("to", example, required=required)
        ]
        return tuple(dict.fromkeys(found))

    def _role(self, node: Scalar, *, customers: bool, teammates: bool) -> str:
        """A role that may stand here; `owner` is the playbook's owner."""
        name, roles = node.value, self.book.names.roles
        if name == "owner" and teammates:
            return self.book.owner
        offered = [*(CUSTOMER_ROLES if customers else ()), *(roles if teammates else ())]
        if name in offered or (teammates and not roles and name not in CUSTOMER_ROLES):
            return name
        if name in CUSTOMER_ROLES or name in roles or name == "owner":
            side = "a role at the customer" if name in CUSTOMER_ROLES else "a teammate"
            self.report.add("wrong-audience", node.place, f'"{name}" is {side}', near("", offered))
        else:
            self.report.add("unknown-role", node.place, f'no role is called "{name[:60]}"', near(name, offered))
        return name

    # --- what ---------------------------------------------------------------------------------------------------------

    def _action(self, kind: str) -> Action:
        node = mapping(self.fields.get(kind), self.report, f'"{kind}"', _EXAMPLES[kind])
        if node is None:
            return _DUMMY
        fields = Fields(node, _KEYS[kind], f'"{kind}"', self.report)
        match kind:
            case "email":
                return self._email(fields)
            case "slack":
                return self._slack(fields)
            case "invite":
                return self._invite(fields)
            case "survey":
                return self._survey(fields)
            case "task":
                return self._task(fields)
            case _:
                return self._wait(fields)

    def _template_name(self, fields: Fields, default: str = "") -> str:
        node = fields.scalar("template", '"template: onboarding/welcome"', required=not default)
        if node is None:
            return default
        if not _TEMPLATE.match(node.value):
            what = f'"{node.value[:60]}" is not the name of a template'
            better = re.sub(r"\.(txt|mjml|html)\Z", "", node.value.lower())
            fix = f'write "{better}".' if _TEMPLATE.match(better) else 'write a name such as "onboarding/welcome".'
            self.report.add("name", node.place, what, fix)
            return default
        self.template = node
        return node.value

    def _email(self, fields: Fields) -> Email:
        to = self._people(fields, customers=True, teammates=False)
        return Email(to, self._template_name(fields), self._teammate(fields, "from", "csm"))

    def _slack(self, fields: Fields) -> Slack:
        return Slack(self._people(fields, customers=False, teammates=True), self._template_name(fields))

    def _survey(self, fields: Fields) -> Survey:
        if "kind" not in fields:
            fields.missing("kind", '"kind: nps"')
        fields.choice("kind", SURVEYS, "nps")
        to = self._people(fields, customers=True, teammates=False)
        return Survey("nps", to, self._template_name(fields, "nps"), self._teammate(fields, "from", "csm"))

    def _task(self, fields: Fields) -> Task:
        to = self._people(fields, customers=False, teammates=True, required=False) or (self.book.owner,)
        title = fields.scalar("title", '"title: Call {{ customer.name }}"', required=True)
        lines = [
            line
            for item in sequence(fields.get("checklist"), self.report, '"checklist"', '["Called them"]')
            if (line := fields.single(item, "checklist", "a line of text")) is not None
        ]
        self.texts = [title] if title else []
        return Task(
            to,
            fields.shortened(title, "title") if title else "",
            fields.length("due", "2 business days") or Length(1, "business_days"),
            tuple(fields.shortened(line, "checklist") for line in lines),
        )

    def _invite(self, fields: Fields) -> Invite:
        to = self._people(fields, customers=True, teammates=True)
        day, start, end = self._meeting(fields)
        minutes = self._minutes(fields, start, end)
        template = self._template_name(fields)
        due = self.fields.get("day")
        if isinstance(due, Scalar) and _OFFER.fullmatch(due.value) and day < int(due.value) and start:
            what = f"the meeting is on day {day}, its invitation goes out on day {due.value}"
            self.report.add("invite-day", fields.place("when"), what, f'write "day {due.value}" or a later day.')
        return Invite(to, template, day, start, end, minutes, self._teammate(fields, "organizer", "csm"))

    def _meeting(self, fields: Fields) -> tuple[int, str, str]:
        example = '"day 2 between 10:00 and 16:00"'
        node = fields.scalar("when", f"when: {example}", required=True)
        if node is None:
            return 0, "", ""
        found = _MEETING.match(node.value.strip())
        if found is None:
            what = f'"{node.value[:60]}" does not say a day and two times'
            self.report.add("time", node.place, what, f"write {example}.")
            return 0, "", ""
        start, end = (fields.clock_of(found[n], node.at(found.start(n), len(found[n]))) for n in (2, 3))
        if start and end and start >= end:
            self.report.add("time", node.place, "the meeting's hours end before they start", f"write {example}.")
        return int(found[1]), start, end

    def _minutes(self, fields: Fields, start: str, end: str) -> int:
        length = fields.length("length", "60 minutes", required=True)
        if length is None:
            return 60
        minutes = length.amount * {"minutes": 1, "hours": 60}.get(length.unit, 0)
        room = _minute(end) - _minute(start) if start and end else 24 * 60
        if not 5 <= minutes <= max(room, 5):  # noqa: PLR2004  # nobody meets for less than five minutes
            what = f"a meeting of {_shown(length)} does not fit"
            self.report.add(
                "range", fields.place("length"), what, 'write a length such as "30 minutes", or longer hours.'
            )
        return minutes

    def _wait(self, fields: Fields) -> Wait:
        until, event = self._condition(fields, "until"), fields.scalar("event", '"event: nps.answered"')
        if until and event:
            self.report.add("when", fields.key("event"), 'a wait has both "until" and "event"', "keep one of the two.")
        if "until" not in fields and "event" not in fields:
            fields.missing("until", '"until: milestones.first_value" or "event: nps.answered"')
        if event:
            check_event(event, self.book.names, self.report)
        return Wait(self._by(fields), until, event.value if event else "")

    def _by(self, fields: Fields) -> When:
        """`day 5`, `day 5 at 17:00`, or a length from the moment the wait opened."""
        node = fields.scalar("by", "by: day 5")
        if node is None:
            if "by" not in fields:
                self.report.add("wait-by", fields.node.place, 'a wait has no "by"', 'add "by: day 5".')
            return When(day=0)
        found = _BY.match(node.value.strip())
        if found:
            at = fields.clock_of(found[2], node.at(found.start(2), len(found[2]))) if found[2] else ""
            return When(day=int(found[1]), at=at)
        if node.kind == "int":
            what = f'"{node.value}" is not a deadline'
            self.report.add("wait-by", node.place, what, f'write "day {node.value}" or "{node.value} days".')
            return When(day=0)
        return When(delay=fields.length_of(node, "day 5"))


def check_event(node: Scalar, names: Names, report: Report) -> None:
    """Record a finding when no event has this name."""
    if names.complete and node.value not in names.events:
        fix = near(node.value, names.events)
        report.add("unknown-event", node.place, f'no event is called "{node.value[:60]}"', fix)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _shown(length: Length) -> str:
    unit = length.unit.replace("_", " ")
    return f"{length.amount} {unit.removesuffix('s') if length.amount == 1 else unit}"


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
