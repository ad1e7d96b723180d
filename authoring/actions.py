"""What a step does and for whom: the six actions, and the roles that each may name."""

import re
from dataclasses import dataclass, field
from typing import Literal

from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys, one_of
from authoring.namespace import CUSTOMER_ROLES, Names, offered
from authoring.source import Scalar
from lifecycle.actions import Action, Email, Expr, Invite, Length, Shift, Slack, Survey, Task, Wait, When

ACTIONS = one_of("step")
ENTRY = "entry"
"""The word for the start of a play, where a step may be named."""
SURVEYS: tuple[Literal["nps", "csat", "ces", "exit"], ...] = ("nps", "csat", "ces", "exit")
_TEMPLATE = re.compile(r"[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*\Z")
_BY = re.compile(r"day +(-?[0-9]{1,4})(?: +at +(\S+))?\Z")
_MEETING = re.compile(r"day +(-?[0-9]{1,4}) +between +(\S+) +and +(\S+)\Z")
_OFFER = re.compile(r"(-?[0-9]{1,4})")
NOTHING = Slack((), "")
"""Stands for the action of a step that names none; its playbook is never released."""

_EXAMPLES = {
    "email": "{ to: champion, template: onboarding/welcome }",
    "slack": "{ to: csm, template: onboarding/nudge }",
    "invite": '{ to: champion, template: kickoff, when: "day 2 between 10:00 and 16:00", length: 60 minutes }',
    "survey": "{ kind: nps, to: champion, template: nps }",
    "task": '{ to: csm, title: "Call them" }',
    "wait": "{ until: milestones.first_value, by: day 7 }",
}


@dataclass(slots=True)
class Book:
    """What a step may refer to while it is read: the playbook's owner and default shift, names, the findings."""

    owner: str
    shift: Shift
    names: Names
    report: Report
    places: dict[str, int] = field(default_factory=dict)


class ActionReader:
    """Reads the action of one step. Afterwards `template` holds the words naming its template, `texts` the Jinja2 texts
    that stand in the playbook itself.
    """

    def __init__(self, fields: Fields, book: Book) -> None:
        self.fields, self.book, self.report = fields, book, book.report
        self.template: Scalar | None = None
        self.texts: list[Scalar] = []
        self.since: Scalar | None = None
        self.invite: Scalar | None = None

    # --- who ----------------------------------------------------------------------------------------------------------

    @property
    def _sender(self) -> str:
        """Who writes and invites when the author does not say: the CSM, or the owner where no such role exists."""
        roles = self.book.names.roles
        return "csm" if "csm" in roles or not roles else self.book.owner

    def teammate(self, fields: Fields, key: str, default: str = "", *, required: bool = False) -> str:
        """The teammate role under a key."""
        node = fields.scalar(key, f'"{key}: csm"', required=required)
        return default if node is None else self._role(node, customers=False, teammates=True)

    def _people(
        self, fields: Fields, *, customers: bool, teammates: bool, required: bool = True, key: str = "to"
    ) -> tuple[str, ...]:
        example = f'"{key}: champion"' if customers else f'"{key}: csm"'
        found = [
            self._role(item, customers=customers, teammates=teammates)
            for item in fields.words(key, example, required=required)
        ]
        return tuple(dict.fromkeys(found))

    def _role(self, node: Scalar, *, customers: bool, teammates: bool) -> str:
        """A role that may stand here; `owner` is the playbook's owner."""
        name, roles = node.value, self.book.names.roles
        if name == "owner" and teammates:
            return self.book.owner
        if "." in name and teammates:
            return self._told(node)
        allowed = [*(CUSTOMER_ROLES if customers else ()), *(roles if teammates else ())]
        if name in allowed or (teammates and not roles and name not in CUSTOMER_ROLES):
            return name
        if name in CUSTOMER_ROLES or name in roles or name == "owner":
            side = "a role at the customer" if name in CUSTOMER_ROLES else "a teammate"
            self.report.add("wrong-audience", node.place, f'"{name}" is {side}', near("", allowed))
        else:
            self.report.add("unknown-role", node.place, f'no role is called "{name[:60]}"', near(name, allowed))
        return name

    def _told(self, node: Scalar) -> str:
        """A fact that says who it is: a text that can only be teammate roles."""
        names = self.book.names
        choices, kind = names.choices.get(node.value, ()), names.type_of(node.value)
        if kind is None:
            fix = near(node.value, offered(node.value, names.facts))
            self.report.add("unknown-fact", node.place, f'no fact is called "{node.value[:60]}"', fix)
        elif names.complete and not (choices and set(choices) <= set(names.roles)):
            what = f'"{node.value[:60]}" can be something else than a role'
            self.report.add("unknown-role", node.place, what, "give the fact roles as its choices, and no others.")
        return node.value

    # --- what ---------------------------------------------------------------------------------------------------------

    def read(self, kind: str) -> Action:
        """The action under its key; `NOTHING` (with a finding) when it is no mapping."""
        node = mapping(self.fields.get(kind), self.report, f'"{kind}"', _EXAMPLES[kind])
        if node is None:
            return NOTHING
        fields = Fields(node, keys(kind), f'"{kind}"', self.report)
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
        return Email(to, self._template_name(fields), self.teammate(fields, "from", self._sender))

    def _slack(self, fields: Fields) -> Slack:
        return Slack(self._people(fields, customers=False, teammates=True), self._template_name(fields))

    def _survey(self, fields: Fields) -> Survey:
        if "kind" not in fields:
            fields.missing("kind", '"kind: nps"')
        word = fields.choice("kind", SURVEYS, "nps")
        kind = next(name for name in SURVEYS if name == word)
        to = self._people(fields, customers=True, teammates=False)
        return Survey(kind, to, self._template_name(fields, kind), self.teammate(fields, "from", self._sender))

    def _task(self, fields: Fields) -> Task:
        to = self._people(fields, customers=False, teammates=True, required=False) or (self.book.owner,)
        title = self._title(fields)
        node = fields.scalar("due", '"due: 2 business days"')
        by = self._on_day(fields, node) if node else None
        due = fields.length_of(node, "2 business days") if node and by is None else None
        return Task(to, title, due or Length(1, "business_days"), self._checklist(fields), by)

    def _on_day(self, fields: Fields, node: Scalar) -> When | None:
        """`day 5` or `day 5 at 17:00`; None for what is something else."""
        found = _BY.match(node.value.strip())
        if found is None:
            return None
        at = fields.clock_of(found[2], node.at(found.start(2), len(found[2]))) if found[2] else ""
        return When(day=int(found[1]), at=at)

    def _title(self, fields: Fields) -> str:
        """A title, which is a template text of its own."""
        title = fields.scalar("title", '"title: Call {{ customer.name }}"', required=True)
        self.texts = [title] if title else []
        return fields.shortened(title, "title") if title else ""

    def _checklist(self, fields: Fields) -> tuple[str, ...]:
        items = sequence(fields.get("checklist"), self.report, '"checklist"', '["Called them"]')
        lines = [fields.single(item, "checklist", "a line of text") for item in items]
        return tuple(fields.shortened(line, "checklist") for line in lines if line is not None)

    def _invite(self, fields: Fields) -> Invite:
        to = self._people(fields, customers=True, teammates=True)
        day, start, end = self._meeting(fields)
        minutes = self._minutes(fields, start, end)
        template = self._template_name(fields)
        return Invite(to, template, day, start, end, minutes, self.teammate(fields, "organizer", self._sender))

    def _meeting(self, fields: Fields) -> tuple[int, str, str]:
        """Its day, not before that of the step, and its hours."""
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
        due, day = self.fields.get("day"), int(found[1])
        if isinstance(due, Scalar) and _OFFER.fullmatch(due.value) and day < int(due.value) and start:
            what = f"the meeting is on day {day}, its invitation goes out on day {due.value}"
            self.report.add("invite-day", node.place, what, f'write "day {due.value}" or a later day.')
        return day, start, end

    def _minutes(self, fields: Fields, start: str, end: str) -> int:
        length = fields.length("length", "60 minutes", required=True)
        if length is None:
            return 60
        minutes = length.amount * {"minutes": 1, "hours": 60}.get(length.unit, 0)
        room = _minute(end) - _minute(start) if start and start < end else 24 * 60
        if not 5 <= minutes <= max(room, 5):  # noqa: PLR2004  # nobody meets for less than five minutes
            what = f"a meeting of {shown(length)} does not fit"
            self.report.add(
                "range", fields.place("length"), what, 'write a length such as "30 minutes", or longer hours.'
            )
        return minutes

    def _wait(self, fields: Fields) -> Wait:
        until, event = self.condition(fields, "until"), fields.scalar("event", '"event: nps.answered"')
        if until and event:
            self.report.add("when", fields.key("event"), 'a wait has both "until" and "event"', "keep one of the two.")
        if "until" not in fields and "event" not in fields:
            fields.missing("until", '"until: milestones.first_value" or "event: nps.answered"')
        if event:
            check_event(event, self.book.names, self.report)
        return Wait(self._by(fields), until, event.value if event else "", self._since(fields))

    def _since(self, fields: Fields) -> str:
        """The step, or `entry`, from which a wait for an event looks back."""
        node = fields.scalar("since", '"since: kickoff"')
        if node is None:
            return ""
        if "event" not in fields:
            what = '"since" says which events count, and this wait is for none'
            self.report.add("when", fields.key("since"), what, 'remove it, or wait for an "event".')
        self.since = None if node.value == ENTRY else node
        return node.value

    def _by(self, fields: Fields) -> When:
        """`day 5`, `day 5 at 17:00`, or a length from the moment the wait opened."""
        node = fields.scalar("by", "by: day 5")
        if node is None:
            if "by" not in fields:
                self.report.add("wait-by", fields.node.place, 'a wait has no "by"', 'add "by: day 5".')
            return When(day=0)
        found = self._on_day(fields, node)
        if found:
            return found
        if node.kind == "int":
            what = f'"{node.value}" is not a deadline'
            self.report.add("wait-by", node.place, what, f'write "day {node.value}" or "{node.value} days".')
            return When(day=0)
        return When(delay=fields.length_of(node, "day 5"))

    def condition(self, fields: Fields, key: str) -> Expr | None:
        """The checked condition under a key."""
        node = fields.scalar(key, "a condition such as customer.tier == 'pro'")
        return compile_expression(node, self.book.names, self.report) if node else None


def check_event(node: Scalar, names: Names, report: Report) -> None:
    """Record a finding when no event has this name."""
    if names.complete and node.value not in names.events:
        fix = near(node.value, names.events)
        report.add("unknown-event", node.place, f'no event is called "{node.value[:60]}"', fix)


def so_many(number: int, one: str) -> str:
    """So many of something, for people: `1 customer`, `2,000 customers`."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def shown(length: Length) -> str:
    unit = length.unit.replace("_", " ")
    return f"{length.amount} {unit.removesuffix('s') if length.amount == 1 else unit}"


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
