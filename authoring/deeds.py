"""What a step does besides sending messages, such as moving a meeting or setting facts: nodes to actions."""

import re
from dataclasses import replace

from authoring.actions import NOTHING, ActionReader
from authoring.diagnostics import near
from authoring.expressions import compile_value
from authoring.fields import KEBAB, SNAKE, Fields, mapping
from authoring.grammar import keys
from authoring.namespace import under
from authoring.source import Scalar
from lifecycle.actions import (
    Action,
    CancelMeeting,
    Document,
    Escalate,
    Expr,
    Length,
    Opportunity,
    Reschedule,
    SetFacts,
    StartPlay,
    StopPlay,
    Webhook,
)

THIS = "this"
"""The word for the play itself, where a playbook may be named."""
_EXAMPLES = {
    "reschedule": '{ invite: kickoff, when: "day 5 between 10:00 and 16:00" }',
    "cancel": "{ invite: kickoff }",
    "document": '{ template: success-plan, for: csm, title: "Plan for {{ customer.name }}" }',
    "opportunity": '{ kind: seat_expansion, title: "More seats", owner: csm }',
    "webhook": "{ to: crm, event: renewal.won, data: { arr: customer.arr } }",
    "escalate": '{ above: csm, title: "Look at {{ customer.name }}" }',
}
_WHOLE = 100
_DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")
_WORDS = {"yes": "true", "no": "false"}


class DeedReader(ActionReader):
    """Reads every action: those that send something as `ActionReader` does, the others itself."""

    def read(self, kind: str) -> Action:
        """The action under its key; `NOTHING` (with a finding) when it is not what belongs there."""
        match kind:
            case "set":
                return self._set()
            case "start":
                return StartPlay(self._playbook("start", '"start: other-playbook"'))
            case "stop":
                return self._stop()
            case "reschedule" | "cancel":
                return self._meeting_step(kind)
            case "webhook":
                return self._webhook()
            case "document" | "opportunity" | "escalate":
                return self._record(kind)
            case _:
                return super().read(kind)

    def _meeting_step(self, kind: str) -> Action:
        """A meeting that another step invites to moves, or is taken back."""
        node = mapping(self.fields.get(kind), self.report, f'"{kind}"', _EXAMPLES[kind])
        if node is None:
            return NOTHING
        fields = Fields(node, keys(kind), f'"{kind}"', self.report)
        self.invite = fields.scalar("invite", '"invite: kickoff"', required=True)
        invite = self.invite.value if self.invite else ""
        if kind == "reschedule":
            return Reschedule(invite, *self._meeting(fields))
        return CancelMeeting(invite, fields.text("reason", "a reason"))

    def _webhook(self) -> Action:
        node = mapping(self.fields.get("webhook"), self.report, '"webhook"', _EXAMPLES["webhook"])
        if node is None:
            return NOTHING
        fields = Fields(node, keys("webhook"), '"webhook"', self.report)
        event = fields.scalar("event", '"event: renewal.won"', required=True)
        if event is not None and not _DOTTED.match(event.value):
            what = f'"{event.value[:60]}" is not a name of words joined by dots'
            self.report.add("name", event.place, what, 'write "renewal.won".')
        group = mapping(fields.get("data"), self.report, '"data"', "{ arr: customer.arr }")
        data: dict[str, Expr] = {}
        for name, value in group.entries.items() if group else ():
            found = fields.single(value, name, "customer.arr")
            if group is not None and fields.is_name(group.keys[name], SNAKE) and found is not None:
                data[name] = compile_value(found, self.book.names, self.report, "any")
        return Webhook(fields.name("to", KEBAB, '"to: crm"'), event.value if event else "", data)

    def _record(self, kind: str) -> Action:
        """What is kept or raised here, of a mapping."""
        node = mapping(self.fields.get(kind), self.report, f'"{kind}"', _EXAMPLES[kind])
        if node is None:
            return NOTHING
        fields = Fields(node, keys(kind), f'"{kind}"', self.report)
        title = self._title(fields)
        match kind:
            case "document":
                to = self._people(fields, customers=True, teammates=True, key="for")
                if len(to) > 1:
                    self.report.add("value", fields.place("for"), '"for" names several', "make a step for each.")
                return Document(to, self._template_name(fields), title)
            case "opportunity":
                return self._opportunity(fields, title)
            case _:
                due = fields.length("due", "4 business hours") or Length(1, "business_days")
                return Escalate(self._above(fields), title, due, self._checklist(fields))

    def _above(self, fields: Fields) -> str:
        """The role whose superior is meant; there must be somebody above it."""
        role = self.teammate(fields, "above", self.book.owner)
        chains = self.book.names.chains
        if role in chains and not chains[role]:
            what = f'nobody stands above "{role}"'
            self.report.add(
                "role-unfilled", fields.place("above"), what, "give the role a chain in the lifecycle file."
            )
        return role

    def _opportunity(self, fields: Fields, title: str) -> Opportunity:
        names = self.book.names
        value = fields.scalar("value", "value: customer.arr * 0.2")
        commission = fields.scalar("commission", "commission: 5")
        owner = self.teammate(fields, "owner", self.book.owner)
        percent = None if commission is None else fields.number_of(commission, "commission")
        if commission is not None and percent is not None and not 0 <= percent <= _WHOLE:
            what = f"a commission of {commission.value[:20]} percent"
            self.report.add("range", commission.place, what, "write a number from 0 to 100.")
        return Opportunity(
            (owner,),
            fields.name("kind", SNAKE, '"kind: seat_expansion"'),
            title,
            fields.length("closes", "60 days") or Length(60, "days"),
            None if value is None else compile_value(value, names, self.report, "number"),
            percent,
        )

    def _set(self) -> Action:
        example = "{ account.at_risk: true }"
        node = mapping(self.fields.get("set"), self.report, '"set"', example)
        if node is None:
            return NOTHING
        if not node.entries:
            self.report.add("value", node.place, '"set" names no fact', f"write {example}.")
        facts: dict[str, Expr] = {}
        for name in node.entries:
            found = self.fields.single(node.entries[name], name, example)
            if self._is_fact(node.keys[name]) and found is not None:
                facts[name] = self._value(found, name)
        return SetFacts(facts)

    def _is_fact(self, key: Scalar) -> bool:
        names = self.book.names
        if key.value in names.facts or not names.complete:
            return True
        fix = near(key.value, names.facts)
        self.report.add("unknown-fact", key.place, f'no fact is called "{key.value[:60]}"', fix)
        return False

    def _value(self, node: Scalar, name: str) -> Expr:
        """What a fact becomes, of the fact's own type; `yes` and `no` stand for true and false."""
        names = self.book.names
        kind = names.type_of(name) or "any"
        if kind == "boolean" and node.value.lower() in _WORDS:
            node = replace(node, value=_WORDS[node.value.lower()])
        return compile_value(node, names, self.report, kind, names.choices.get(name, ()))

    def _playbook(self, key: str, example: str) -> str:
        node = self.fields.scalar(key, example)
        if node is None:
            return ""
        names = self.book.names
        if names.type_of(f"playing.{under(node.value)}") is None:
            known = [
                name.removeprefix("playing.").replace("_", "-") for name in names.types if name.startswith("playing.")
            ]
            what = f'no playbook is called "{node.value[:60]}"'
            self.report.add("unknown-playbook", node.place, what, near(node.value, known))
        return node.value

    def _stop(self) -> StopPlay:
        node = self.fields.get("stop")
        this = isinstance(node, Scalar) and node.value == THIS
        return StopPlay("" if this else self._playbook("stop", '"stop: this"'), self.fields.flag("goal"))
