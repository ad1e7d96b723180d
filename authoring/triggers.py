"""What starts a play: the `trigger` of a playbook, one reason or a list of them, and when it may start again."""

import re
from collections.abc import Collection, Iterator
from typing import Literal

from authoring.actions import check_event
from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import Fields, kind_of, mapping
from authoring.grammar import keys, one_of
from authoring.namespace import Names
from authoring.source import Node, Scalar, Sequence
from lifecycle.actions import Expr, Length
from lifecycle.playbook import CONTRACT_END, OUTSIDE_STAGES, PER_CONTRACT, Every, Trigger

EXAMPLE = "{ stage: onboarding }"
BY_HAND = "by_hand"
NEVER = "never"
KINDS = one_of("trigger")
_BELONGS = {"where": ("event",), "for": ("when", "silence"), "before": ("date",), "after": ("date",)}
MAX_AWAY = 730
MAX_DAY = 3650
_EVERY = re.compile(r"([0-9]{1,3}) +(day|week|month|quarter|year)s?\Z")
_UNTIL = re.compile(r"day ([0-9]{1,4})\Z")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_UNITS: dict[str, Literal["days", "weeks", "months"]] = {"day": "days", "week": "weeks"}

Reentry = tuple[Literal["once", "again"], Length | None, str]


class TriggerReader:
    """Reads `trigger` and `reentry` of one playbook."""

    def __init__(self, fields: Fields, names: Names, report: Report) -> None:
        self.fields, self.names, self.report = fields, names, report

    def triggers(self) -> tuple[Trigger, ...]:
        """Every reason to start, in the order written; one that reads as nothing when there is a finding."""
        if "trigger" not in self.fields:
            self.fields.missing("trigger", f'"trigger: {EXAMPLE}"')
            return (Trigger(),)
        node = self.fields.get("trigger")
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self.report.add("value", self.fields.key("trigger"), '"trigger" is an empty list', f"write {EXAMPLE}.")
        return tuple(self._trigger(item) for item in items if item is not None) or (Trigger(),)

    def _trigger(self, node: Node) -> Trigger:
        if isinstance(node, Scalar) and node.value == BY_HAND:
            return Trigger(by_hand=True)
        found = mapping(node, self.report, '"trigger"', f"{EXAMPLE}, or by_hand")
        if found is None:
            return Trigger()
        fields = Fields(found, keys("trigger"), '"trigger"', self.report)
        kinds = [key for key in KINDS if key in fields]
        if len(kinds) != 1:
            place = fields.key(kinds[1]) if kinds else found.place
            what = f"a trigger gives {len(kinds)} reasons" + (f": {', '.join(kinds)}" if kinds else "")
            self.report.add("trigger", place, what, f"keep one of: {', '.join(kinds or KINDS)}.")
        for key, owners in _BELONGS.items():
            if key in fields and kinds and not set(owners).intersection(kinds):
                what = f'"{key}" belongs to "{owners[0]}"'
                fix = 'write the condition as "entry:".' if key == "where" else f'remove "{key}".'
                self.report.add("trigger", fields.key(key), what, fix)
        return self._read(fields, kinds[0] if kinds else "")

    def _read(self, fields: Fields, kind: str) -> Trigger:
        match kind:
            case "stage" | "leaving_stage":
                name = self._known(fields, kind, "stage", (*self.names.stages, *OUTSIDE_STAGES))
                return Trigger(stage=name) if kind == "stage" else Trigger(leaving_stage=name)
            case "band" | "leaving_band":
                name = self._known(fields, kind, "band", self.names.bands)
                return Trigger(band=name) if kind == "band" else Trigger(leaving_band=name)
            case "event":
                return Trigger(event=self._event(fields, "event"), where=self._condition(fields, "where"))
            case "when":
                return Trigger(condition=self._condition(fields, "when"), length=fields.length("for", "7 days"))
            case "silence":
                length = fields.length("for", "14 days", required=True)
                return Trigger(silence=self._event(fields, "silence"), length=length)
            case "date":
                return self._date(fields)
            case "every":
                return Trigger(every=tuple(self._rows(fields)))
            case _:
                return Trigger()

    def _condition(self, fields: Fields, key: str) -> Expr | None:
        node = fields.scalar(key, "a condition such as nps.score <= 6")
        return compile_expression(node, self.names, self.report) if node else None

    def _known(self, fields: Fields, key: str, what: str, choices: Collection[str]) -> str:
        node = fields.scalar(key, f"{key}: ...")
        if node is None:
            return ""
        if self.names.complete and node.value not in choices:
            self.report.add(
                f"unknown-{what}", node.place, f'no {what} is called "{node.value[:60]}"', near(node.value, choices)
            )
        return node.value

    def _event(self, fields: Fields, key: str) -> str:
        node = fields.scalar(key, f"{key}: customer.signed_up")
        if node is None:
            return ""
        check_event(node, self.names, self.report)
        return node.value

    def _date(self, fields: Fields) -> Trigger:
        node = fields.scalar("date", f"date: {CONTRACT_END}")
        name = node.value if node else ""
        dates = [fact for fact, kind in self.names.types.items() if kind == "date"]
        if node and self.names.complete and name not in (CONTRACT_END, *dates):
            what = f'no date is called "{name[:60]}"'
            self.report.add("unknown-name", node.place, what, near(name, [CONTRACT_END, *dates]))
        if "before" in fields and "after" in fields:
            what = 'a date has both "before" and "after"'
            self.report.add("trigger", fields.key("after"), what, "keep one of the two.")
        return Trigger(date=name, days=self._away(fields, "after") - self._away(fields, "before"))

    def _away(self, fields: Fields, key: str) -> int:
        """A length of whole days, 0 when it is not there."""
        length = fields.length(key, "90 days")
        if length is None:
            return 0
        days = length.amount * (7 if length.unit == "weeks" else 1)
        if length.unit not in ("days", "weeks") or days > MAX_AWAY:
            what = f'"{key}" is not a number of days or weeks, {MAX_AWAY} days at most'
            self.report.add("range", fields.place(key), what, f'write "{key}: 90 days".')
        return days

    def _rows(self, fields: Fields) -> Iterator[Every]:
        """One interval, or rows of which the first that applies counts."""
        node = fields.get("every")
        if isinstance(node, Scalar):
            yield self._row(node, None, None)
            return
        example = "[{ every: 1 week, until: day 28 }, { every: 1 month }]"
        if not isinstance(node, Sequence) or not node.items:
            what = f'"every" is {kind_of(node) if node else "empty"}'
            self.report.add("value", fields.key("every"), what, f'write "1 month" or {example}.')
            return
        for item in node.items:
            found = mapping(item, self.report, 'a row of "every"', "{ every: 1 month }")
            if found is None:
                continue
            row = Fields(found, keys("cadence"), 'a row of "every"', self.report)
            every = row.scalar("every", "every: 1 month", required=True)
            until = row.scalar("until", "until: day 28")
            if every is not None:
                yield self._row(every, until, self._condition(row, "if"))

    def _row(self, node: Scalar, until: Scalar | None, condition: Expr | None) -> Every:
        if node.value.strip() == NEVER and condition is not None:
            return Every(0, "days", self._until(until), condition)
        found = _EVERY.match(node.value.strip())
        amount = int(found[1]) if found else 0
        if found is None or not amount:
            what = f'"{node.value[:40]}" is not an interval'
            self.report.add("length", node.place, what, 'write "1 week", "2 weeks", "1 month", "3 months" or "1 year".')
            return Every(1, "months")
        return Every(amount * _MONTHS.get(found[2], 1), _UNITS.get(found[2], "months"), self._until(until), condition)

    def _until(self, node: Scalar | None) -> int | None:
        if node is None:
            return None
        found = _UNTIL.match(node.value.strip())
        if found is None:
            self.report.add("value", node.place, f'"{node.value[:40]}" is not a day', 'write "day 28".')
        return int(found[1]) if found else None

    # --- may it run again ---------------------------------------------------------------------------------------------

    def reentry(self, triggers: tuple[Trigger, ...]) -> Reentry:
        """Whether a play may run again, after how long, and of what there may be several."""
        per = PER_CONTRACT if any(item.date == CONTRACT_END for item in triggers) else ""
        again = bool(per) or any(item.every for item in triggers)
        node = self.fields.get("reentry")
        if node is None:
            return "again" if again else "once", None, per
        if isinstance(node, Scalar):
            if node.value not in ("once", "always"):
                what = f'"{node.value[:60]}" does not say when a play may run again'
                self.report.add("value", node.place, what, 'write "once", "always" or { again_after: 30 days }.')
            return "again" if node.value == "always" else "once", None, per
        return self._again(node, per)

    def _again(self, node: Node, per: str) -> Reentry:
        inner = mapping(node, self.report, '"reentry"', '"once", "always" or { again_after: 30 days }')
        if inner is None:
            return "once", None, per
        fields = Fields(inner, keys("reentry"), '"reentry"', self.report)
        after = fields.length("again_after", "30 days", required="per" not in fields)
        subject = fields.scalar("per", "per: ticket.id")
        if subject is not None and subject.value != PER_CONTRACT and self.names.complete:
            texts = [fact for fact in self.names.facts if self.names.types.get(fact) == "text"]
            if subject.value not in texts:
                what = f'no text fact is called "{subject.value[:60]}"'
                self.report.add("unknown-fact", subject.place, what, near(subject.value, [PER_CONTRACT, *texts]))
        return "again", after, subject.value if subject else per
