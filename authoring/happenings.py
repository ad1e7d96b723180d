"""The events of a scenario: what people and products do, as authors write it, to the core's own events."""

from collections.abc import Sequence
from typing import Literal

from authoring import ticks
from authoring.catalogue import fact_values
from authoring.diagnostics import Report, near
from authoring.fields import Fields
from authoring.grammar import keys, one_of
from authoring.namespace import CUSTOMER_ROLES
from authoring.source import Scalar
from authoring.ticks import REPLY
from lifecycle.actions import Escalate, Invite, Task
from lifecycle.messages import (
    ApprovalAnswered,
    Churned,
    ContactChanged,
    ContactLeft,
    ContactSuppressed,
    ContractSigned,
    EmailReplied,
    Event,
    FactsReported,
    Happened,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    MilestoneTicked,
    PlayRequested,
    PlayStopRequested,
    Returned,
    StageSet,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Contact, Contract, Value
from lifecycle.playbook import Lifecycle, Playbook, Step
from lifecycle.surveys import FORMS, RETURNS

KINDS = one_of("happening")
ASIDE = tuple(key for key in keys("happening") if key not in (*KINDS, "day", "until_day", "at", "after"))
"""Keys that go with another one; `facts` may also stand alone."""
OUTCOMES: dict[str, Literal["held", "no_show", "declined"]] = {
    "held": "held",
    "no_show": "no_show",
    "declined": "declined",
}
"""What became of a meeting."""
STALE: dict[str, Literal["send", "skip", "retime"]] = {"send": "send", "skip": "skip", "retime": "retime"}
"""What becomes of what fell due during a hold."""


def read_event(fields: Fields, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report) -> Event | None:
    """The one thing that an event line says happened; None (with a finding) when it says none or several."""
    kinds = [kind for kind in KINDS if kind in fields]
    if not kinds and "facts" in fields:
        return FactsReported(read_facts(fields, lifecycle))
    if len(kinds) != 1:
        fix = f"keep one of: {', '.join(kinds)}." if kinds else "add one, such as nps: 9 or event: api.connected."
        what = f"an event says {len(kinds)} things" if kinds else "an event says nothing that happens"
        report.add("one-action", fields.node.place, what, fix)
        return None
    return _Happening(fields, books, lifecycle, report).read(kinds[0])


class _Happening:
    """One event line, whose kind is known."""

    def __init__(self, fields: Fields, books: Sequence[Playbook], lifecycle: Lifecycle, report: Report) -> None:
        self.fields, self.books, self.lifecycle, self.report = fields, books, lifecycle, report

    def read(self, kind: str) -> Event | None:
        fields = self.fields
        node = fields.scalar(kind, f"{kind}: ...")
        if node is None:
            return None
        match kind:
            case "approve" | "reject":
                return self._answer(node, "approve" if kind == "approve" else "reject")
            case "event":
                return self._happened(node)
            case "nps" | "csat" | "ces" | "exit":
                return self._survey(node, kind)
            case "tick" | "untick":
                self._known("unknown-name", "milestone", node, self.lifecycle.milestones)
                return MilestoneTicked(node.value, self._by("csm"), done=kind == "tick")
            case "done" | "reopened":
                return self._task(node, done=kind == "done")
            case "unsubscribed" | "bounced" | "left" | "replied":
                self._known("unknown-role", "role at the customer", node, CUSTOMER_ROLES)
                if kind == "replied":
                    return EmailReplied(node.value)
                return ContactLeft(node.value) if kind == "left" else ContactSuppressed(node.value, kind)
            case "meeting":
                return self._meeting(node)
            case "contract":
                return self._contract(node)
            case "churned":
                return Churned(fields.shortened(node, kind))
            case "returned":
                return Returned()
            case "hold":
                return HoldPlaced(self._by("csm"), fields.shortened(node, kind), self._held_playbook())
            case "lift":
                chosen = fields.choice("stale", STALE, "send")
                return HoldLifted(self._by("csm"), self._held_playbook(), STALE[chosen])
            case "start" | "stop":
                return self._play(node, kind)
            case "stage":
                self._known("unknown-stage", "stage", node, self.lifecycle.stages_of())
                return StageSet(node.value, self._by("csm"), fields.text("reason", "a reason", default="scenario"))
            case _:
                return ContactChanged(Contact(kind, (kind,)))

    def _known(self, rule: str, what: str, node: Scalar, known: object) -> None:
        names = list(known) if isinstance(known, dict | list | tuple) else []
        if node.value not in names:
            self.report.add(rule, node.place, f'no {what} is called "{node.value[:60]}"', near(node.value, names))

    def _by(self, default: str) -> str:
        node = self.fields.scalar("by", "by: csm")
        if node is None:
            return default
        self._known("unknown-role", "role", node, self.lifecycle.roles)
        return node.value

    def _answer(self, node: Scalar, answer: Literal["approve", "reject"]) -> Event | None:
        """The approval of a step, in the first play of the playbook that has it (`play:` names another)."""
        asked = {step.id: (book.name, step.approval.by) for book in self.books for step in book.steps if step.approval}
        if node.value not in asked:
            what = f'no step that asks for approval is called "{node.value[:60]}"'
            self.report.add("unknown-step", node.place, what, near(node.value, asked))
            return None
        name, by = asked[node.value]
        approval = self._named(name, node.value)
        return ApprovalAnswered(approval, self._by(by), answer, f"line {node.place.line}")

    def _meeting(self, node: Scalar) -> Event | None:
        """What became of the meeting of a step, in the first play of its playbook (`play:` names another)."""
        offered = {step.id: book.name for book in self.books for step in book.steps if isinstance(step.action, Invite)}
        if node.value not in offered:
            what = f'no step that invites is called "{node.value[:60]}"'
            self.report.add("unknown-step", node.place, what, near(node.value, offered))
            return None
        meeting = self._named(offered[node.value], node.value)
        outcome = self.fields.choice("outcome", OUTCOMES, "held")
        return MeetingAnswered(meeting, OUTCOMES[outcome], self._by(""))

    def _task(self, node: Scalar, *, done: bool) -> Event | None:
        """The tick of the task of a step, or of a reply, in the first play of its playbook (`play:` names another)."""
        play, nth = self.fields.whole("play", 1, 1000, 1), self.fields.whole("round", 1, 100, 1)
        if node.value == REPLY:
            named = self._held_playbook()
            book = next((item for item in self.books if item.name == (named or item.name)), None)
            if book is None:
                return None
            contact = self.fields.choice("contact", CUSTOMER_ROLES, "champion")
            task = ticks.of_reply(book.name, play, nth, contact, book.owner)
            return TaskTicked(task, self._by(book.owner), done)
        raised = {step.id: book for book in self.books for step in book.steps if self._holders(step)}
        if node.value not in raised:
            what = f'no step that raises a task is called "{node.value[:60]}"'
            self.report.add("unknown-step", node.place, what, near(node.value, raised))
            return None
        book = raised[node.value]
        holders = next(self._holders(step) for step in book.steps if step.id == node.value)
        by = self._by(holders[0])
        to = by if by in holders else holders[0]
        return TaskTicked(ticks.of_step(book.name, play, node.value, nth, to), by, done)

    def _holders(self, step: Step) -> tuple[str, ...]:
        """The roles that get a step's task."""
        match step.action:
            case Task(to=roles):
                return tuple(role for word in roles for role in self._meant(word))
            case Escalate(above=role):
                return tuple(self.lifecycle.roles.get(role, ()))[:1]
            case _:
                return ()

    def _meant(self, word: str) -> tuple[str, ...]:
        """The roles that a word of `to` may mean: all that a fact can say."""
        return self.lifecycle.facts[word].choices if word in self.lifecycle.facts else (word,)

    def _play(self, node: Scalar, kind: str) -> Event:
        """A playbook started by hand, or a play of it stopped, the first unless `play:` names another."""
        self._known("unknown-playbook", "playbook", node, [book.name for book in self.books])
        reason = self.fields.text("reason", "a reason", default="scenario")
        if kind == "start":
            return PlayRequested(node.value, self._by("csm"), reason)
        return PlayStopRequested(f"{node.value}/{self.fields.whole('play', 1, 1000, 1)}", self._by("csm"), reason)

    def _held_playbook(self) -> str:
        """The playbook that a hold is about; empty for the customer's own."""
        node = self.fields.scalar("playbook", "playbook: onboarding-14-day")
        if node is None:
            return ""
        self._known("unknown-playbook", "playbook", node, [book.name for book in self.books])
        return node.value

    def _named(self, playbook: str, step: str) -> str:
        """What an answer calls a step, in the play and round that the line says."""
        play, nth = self.fields.whole("play", 1, 1000, 1), self.fields.whole("round", 1, 100, 1)
        return f"{playbook}/{play}/{step}" + (f"~{nth}" if nth > 1 else "")

    def _contract(self, node: Scalar) -> Event | None:
        """A contract by its id, new or with a new end."""
        contract = read_contract(self.fields, node.value)
        return None if contract is None else ContractSigned(contract)

    def _survey(self, node: Scalar, kind: str) -> SurveyAnswered:
        fields, form = self.fields, FORMS[kind]
        contact, late = fields.choice("contact", CUSTOMER_ROLES, "champion"), fields.flag("late")
        if form.scale is not None:
            return SurveyAnswered(kind, contact, fields.whole_of(node, kind, *form.scale, form.scale[0]), late)
        reason = fields.choice(kind, form.choices["reason"], "other")
        again = fields.choice("would_return", form.choices["would_return"], RETURNS[-1])
        return SurveyAnswered(kind, contact, None, late, {"reason": reason, "would_return": again})

    def _happened(self, node: Scalar) -> Event:
        known = ["customer.signed_up", *self.lifecycle.events]
        self._known("unknown-event", "event", node, known)
        return Happened(node.value, read_facts(self.fields, self.lifecycle))


def read_contract(fields: Fields, name: str) -> Contract | None:
    """The contract of a mapping with its `ends_on`; None when that is not there or no date."""
    starts, ends = fields.day("starts_on", "2026-01-01"), fields.day("ends_on", "2026-12-31", required=True)
    auto = fields.flag("auto_renews") if "auto_renews" in fields else None
    return None if ends is None else Contract(name, ends, starts_on=starts, auto_renews=auto)


def read_facts(fields: Fields, lifecycle: Lifecycle) -> dict[str, Value]:
    """What `facts:` reports, of an event or an account."""
    return {**fact_values(fields, "facts", "{ usage.core_features: 3 }", lifecycle.facts)}
