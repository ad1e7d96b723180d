"""What the people file says of whom somebody looks after: tiers, skills, a full book, absences; and of roles."""

from dataclasses import replace
from datetime import timedelta

from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import Fields, mapping, sequence, span_of
from authoring.grammar import keys
from authoring.namespace import Names
from authoring.source import Node, Scalar
from lifecycle.actions import Expr
from lifecycle.playbook import Lifecycle
from lifecycle.staffing import Away, Cover, Policy, RoleRule, Span

_LONGEST = timedelta(days=366)
_KNOWN = ("tier", "touch", "journey", "segment", "country", "zone", "arr")
"""What is known of a customer that signs up."""
_ROLE = "{ accounts: 20-50 }"


class Covering:
    """Reads the parts of one people file that say who is given which customers."""

    def __init__(self, lifecycle: Lifecycle | None, report: Report) -> None:
        self.lifecycle, self.report = lifecycle, report
        every = Names.of(lifecycle, ())
        types = {name: kind for name, kind in every.types.items() if name.removeprefix("customer.") in _KNOWN}
        self.names = replace(every, types=types, complete=True)

    def policy(self, fields: Fields) -> Policy:
        """The rules of a whole file: `roles` and `skills`."""
        rules, skills = dict[str, RoleRule](), dict[str, Expr]()
        roles = mapping(fields.get("roles"), self.report, '"roles"', f"roles: {{ csm: {_ROLE} }}")
        for role, node in (roles.entries if roles else {}).items():
            self._known_role(roles.keys[role] if roles else None)
            found = mapping(node, self.report, f'"{role}"', _ROLE)
            if found is not None:
                inner = Fields(found, keys("team_role"), "a role", self.report)
                days = inner.whole("first_days", 1, 3650, 0)
                rules[role] = RoleRule(self._condition(inner, "for"), self.accounts(inner), days)
        wanted = mapping(fields.get("skills"), self.report, '"skills"', "{ german: customer.country == 'DE' }")
        for name, node in (wanted.entries if wanted else {}).items():
            condition = fields.single(node, name, "customer.country == 'DE'")
            if condition is not None:
                skills[name] = compile_expression(condition, self.names, self.report)
        return Policy(rules, skills)

    def _known_role(self, node: Scalar | None) -> None:
        if node is not None and self.lifecycle and node.value not in self.lifecycle.roles:
            what = f'no role is called "{node.value[:60]}"'
            self.report.add("unknown-role", node.place, what, near(node.value, self.lifecycle.roles))

    def _condition(self, fields: Fields, key: str) -> Expr | None:
        node = fields.scalar(key, f"{key}: customer.tier != 'self-serve'")
        return None if node is None else compile_expression(node, self.names, self.report)

    def cover(self, fields: Fields, accounts: Span, policy: Policy) -> Cover:
        """Whom a person can look after. `accounts`: their full book, where their `capacity` says it."""
        skills = []
        for item in fields.words("skills", "[german]"):
            if item.value not in policy.skills:
                what = f'no skill is called "{item.value[:60]}"'
                fix = near(item.value, policy.skills) if policy.skills else 'say who needs it under "skills:".'
                self.report.add("unknown-name", item.place, what, fix)
            skills.append(item.value)
        touch = fields.words("touch", "[high]")
        for item in touch:
            if self.lifecycle and self.lifecycle.touch and item.value not in self.lifecycle.touch:
                what = f'no touch model is called "{item.value[:60]}"'
                self.report.add("unknown-name", item.place, what, near(item.value, self.lifecycle.touch))
        return Cover(
            tuple(item.value for item in fields.words("tiers", "[enterprise]")),
            tuple(item.value for item in touch),
            self._condition(fields, "serves"),
            tuple(skills),
            accounts,
            self._absences(fields.get("away")),
            fields.day("leaves", "2026-08-31"),
        )

    def _absences(self, node: Node | None) -> tuple[Away, ...]:
        found = []
        example = "{ from: 2026-07-06, until: 2026-07-24, stand_in: dana }"
        for item in sequence(node, self.report, '"away"', f"- {example}"):
            one = mapping(item, self.report, "an absence", example)
            if one is None:
                continue
            inner = Fields(one, keys("absence"), "an absence", self.report)
            first = inner.day("from", "2026-07-06", required=True)
            last = inner.day("until", "2026-07-24", required=True)
            if first is None or last is None:
                continue
            if not timedelta(0) <= last - first <= _LONGEST:
                what = "an absence ends before it begins, or a year later"
                self.report.add("range", inner.place("until"), what, "write the last day of it, after its first.")
            found.append(Away(first, last, inner.text("stand_in", '"stand_in: dana"')))
        return tuple(found)

    def accounts(self, fields: Fields) -> Span:
        """A full book: `30`, `20-30`, or `100+`."""
        node = fields.scalar("accounts", '"accounts: 20-30"')
        found = span_of(node) if node else None
        if found is None:
            if node is not None:
                what = f'"{node.value[:40]}" is no number of customers'
                self.report.add("value", node.place, what, 'write "30", "20-30" or "100+".')
            return Span()
        least, most = found[0], found[1] or 0
        if node is not None and (least < 1 or 0 < most < least):
            what = "a full book has at least one customer, and its larger number comes last"
            self.report.add("range", node.place, what, 'write "20-30".')
        return Span(least, most)


def known_stand_ins(people: dict[str, Cover], places: dict[str, Node], report: Report) -> None:
    """Let every stand-in be somebody else of the file. `places`: where each person's absences stand."""
    for name, cover in people.items():
        for item in cover.away:
            if item.stand_in and (item.stand_in not in people or item.stand_in == name):
                what = f'nobody else of the team is called "{item.stand_in[:60]}"'
                others = [other for other in people if other != name]
                report.add("unknown-name", places[name].place, what, near(item.stand_in, others))
