"""What a scenario expects: one line for each thing that people get, or that must never come.

Every email, survey, invite, moved or cancelled meeting, Slack message and task of the playbooks under test is to be
named; questions and moves of stage, band and renewal phase are checked only where a line names one. When a step of a
new kind reaches people: its word goes into `TOUCHES`, its name into `name_of`, its command into `scenario.touches_of`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from authoring.diagnostics import Place, Report, near
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys, one_of
from authoring.namespace import CUSTOMER_ROLES
from authoring.particulars import NOTHING_SAID, OVERDUE, Particulars, read_particulars
from authoring.source import Node, Scalar
from authoring.ticks import REPLY
from lifecycle.actions import Document, Email, Invite, Opportunity, Reschedule, Slack, Survey, Webhook
from lifecycle.playbook import Lifecycle, Playbook, Step

MOVES = ("stage", "band", "phase")
"""Where the customer stands; the trace has them, and nobody gets anything."""
ASKED_FOR = ("approval", "document", "opportunity", "webhook", OVERDUE, *MOVES)
"""Checked only where a line names one."""
TOUCHES = one_of("expectation")
MAX_DAY = 3650
_EXAMPLE = '{ day: 1, at: "09:00", email: onboarding/welcome, to: champion }'


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of `expect` or `never`; `day`, `at` and `to` are empty where the line does not say. `steps`: the ids of
    the steps that send it. `said`: what else the line says of it.
    """

    place: Place
    kind: str
    name: str
    day: int | None = None
    at: str = ""
    to: frozenset[str] = frozenset()
    steps: tuple[str, ...] = ()
    said: Particulars = NOTHING_SAID


def read_expected(
    node: Node | None, key: str, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report
) -> Iterator[Expected]:
    """The lines of `expect` (which need day and time) or `never`."""
    timed = key == "expect"
    for item in sequence(node, report, f'"{key}"', f"- {_EXAMPLE}"):
        line = mapping(item, report, "an expectation", _EXAMPLE)
        if line is None:
            continue
        fields = Fields(line, keys("expectation"), "an expectation", report)
        kinds = [kind for kind in TOUCHES if kind in fields]
        if len(kinds) != 1:
            what = f"an expectation names {len(kinds)} touches"
            report.add("one-action", line.place, what, f"keep one of: {', '.join(kinds or TOUCHES)}.")
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
            _to(fields, kinds[0], lifecycle, report),
            _steps(name, kinds[0], books, lifecycle, report),
            read_particulars(fields, kinds[0], report),
        )


def _to(fields: Fields, kind: str, lifecycle: Lifecycle, report: Report) -> frozenset[str]:
    """Who gets it. A role that nobody has would make a line of `never` one that always holds."""
    said, sender = fields.words("to", "champion"), fields.get("from")
    roles = (*CUSTOMER_ROLES, *lifecycle.roles)
    for node in (*said, *([sender] if isinstance(sender, Scalar) else [])):
        if kind != "webhook" and node.value not in roles:
            report.add("unknown-role", node.place, f'no role is called "{node.value[:60]}"', near(node.value, roles))
    return frozenset(item.value for item in said)


def _steps(node: Scalar, kind: str, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report) -> tuple[str, ...]:
    """The steps of the playbooks under test that send this; a finding when nothing ever does."""
    if kind in (*MOVES, OVERDUE):
        _known_place(node, kind, lifecycle, report)
        return ()
    if (kind, node.value) == ("task", REPLY):
        return (REPLY,)
    steps = [step for book in books for step in book.steps]
    found = tuple(step.id for step in steps if name_of(step, kind) == node.value)
    if kind == "reschedule":
        found = tuple(move.id for move in steps if isinstance(move.action, Reschedule) and move.action.invite in found)
    if steps and not found:
        what = f'no step sends the {kind} "{node.value[:60]}"'
        fix = near(node.value, {name for step in steps if (name := name_of(step, kind))})
        report.add("unknown-step", node.place, what, fix)
    return found


def _known_place(node: Scalar, kind: str, lifecycle: Lifecycle, report: Report) -> None:
    places: dict[str, Collection[str]] = {
        "stage": lifecycle.stages_of(),
        "overdue": (*lifecycle.stages_of(), *lifecycle.milestones),
        "band": tuple(lifecycle.bands),
        "phase": tuple(spec.name for spec in lifecycle.phases),
    }
    if node.value not in places[kind]:
        what = f'no {kind} is called "{node.value[:60]}"'
        rule = "unknown-band" if kind == "band" else "unknown-stage"
        report.add(rule, node.place, what, near(node.value, places[kind]))


def name_of(step: Step, kind: str) -> str:
    """What a step is called in expectations of a kind; empty when it never sends that. Any step may raise a task, when
    something stands in its way.
    """
    if kind == "task" or (kind == "approval" and step.approval is not None):
        return step.id
    match step.action:
        case Survey(survey=name) if kind == "survey":
            return name
        case Invite(template=name) if kind in ("invite", "reschedule", "cancel"):
            return name
        case Email(template=name) if kind == "email":
            return name
        case Slack(template=name) if kind == "slack":
            return name
        case Document(template=name) if kind == "document":
            return name
        case Opportunity(opportunity=name) if kind == "opportunity":
            return name
        case Webhook(event=name) if kind == "webhook":
            return name
    return ""
