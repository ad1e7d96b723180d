"""Where a play goes: the ways of a choice and the rounds of a repeat, and which lists of steps stand under a step."""

from authoring.actions import NOTHING, shown
from authoring.deeds import DeedReader
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys
from authoring.grammar_flow import MAX_ROUNDS
from authoring.source import Node, Sequence
from lifecycle.actions import Action, Choose, Expr, Length, Repeat

Branch = tuple[str, Node | None]
"""The name of a branch, as `Step.branch` has it, and its list of steps."""
OWNED = {"wait": ("then", "otherwise"), "repeat": ("do", "then", "otherwise")}
"""The branches that stand beside the action, by its kind; those of a choice stand in it."""
_WAY = "{ if: health.score >= 80, steps: [...] }"
_REPEAT = "{ every: 1 week, until: customer.band == 'green', at_most: 8 }"


class FlowReader(DeedReader):
    """Reads every action. Afterwards `branches` holds those of a choice."""

    branches: tuple[Branch, ...] = ()

    def read(self, kind: str) -> Action:
        """The action under its key; `NOTHING` (with a finding) when it is not what belongs there."""
        match kind:
            case "choose":
                return self._choose()
            case "repeat":
                return self._repeat()
            case _:
                return super().read(kind)

    def under(self, kind: str) -> tuple[Branch, ...]:
        """Every branch of the step, in the order of what comes first; a finding for one that has no business here."""
        for key in ("do", "then", "otherwise"):
            if key in self.fields and kind and key not in OWNED.get(kind, ()):
                owners = "a repeat has rounds" if key == "do" else "a wait and a repeat have branches"
                what = f'"{key}" stands at {_article(kind)}; only {owners}'
                self.report.add("when", self.fields.key(key), what, 'use "if:" on a step of its own.')
        if kind == "repeat" and "do" not in self.fields:
            self.fields.missing("do", '"do:" with a list of steps')
        return (*self.branches, *((name, self.fields.get(name)) for name in OWNED.get(kind, ())))

    def _choose(self) -> Action:
        node = self.fields.get("choose")
        items = sequence(node, self.report, '"choose"', f"- {_WAY}")
        if isinstance(node, Sequence) and not items:
            self.report.add("value", self.fields.key("choose"), '"choose" is an empty list', f"write - {_WAY}.")
        ways: list[Expr] = []
        branches: list[Branch] = []
        for number, item in enumerate(items, 1):
            found = mapping(item, self.report, "a way", _WAY)
            if found is None:
                continue
            way = Fields(found, keys("way"), "a way", self.report)
            if "steps" not in way:
                way.missing("steps", '"steps:" with a list of steps')
            expr = self.condition(way, "if")
            if expr is not None:
                ways.append(expr)
            elif "if" not in way and (number < len(items) or number == 1):
                what = 'a way without "if" is always taken, so no other ever is'
                self.report.add("unreachable-step", found.place, what, 'add "if:", or move it to the end.')
            branches.append((str(len(ways)) if expr else "otherwise", way.get("steps")))
        self.branches = tuple(branches)
        return Choose(tuple(ways), otherwise=any(name == "otherwise" for name, _ in branches))

    def _repeat(self) -> Action:
        node = mapping(self.fields.get("repeat"), self.report, '"repeat"', _REPEAT)
        if node is None:
            return NOTHING
        inner = Fields(node, keys("repeat"), '"repeat"', self.report)
        every = inner.length("every", "1 week", required=True)
        if every is not None and not every.amount:
            self.report.add("range", inner.place("every"), f'"{shown(every)}" is no time', 'write "1 week".')
        for key, example in (("until", "\"until: customer.band == 'green'\""), ("at_most", '"at_most: 8"')):
            if key not in inner:
                inner.missing(key, example)
        until = self.condition(inner, "until") or Expr("false", ("const", False))
        return Repeat(every or Length(1, "weeks"), until, inner.whole("at_most", 1, MAX_ROUNDS, 1))


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
