"""One step of a playbook, and the steps of its branches: nodes to `Step`, with what later checks need beside it.

A `Draft` keeps the author's own words for everything that refers elsewhere (other steps, templates), because whether
those exist can only be told once the whole file, and the folder, have been read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from authoring.actions import ACTIONS, NOTHING, Book, shown
from authoring.branches import Branch, FlowReader
from authoring.diagnostics import Place
from authoring.fields import KEBAB, Fields, mapping, sequence
from authoring.grammar import MAX_DAY, WEEKENDS, keys
from authoring.source import Node, Scalar
from lifecycle.actions import Length, When
from lifecycle.playbook import Approval, Rung, Step

TOUCHES = ("email", "survey", "invite", "reschedule")


@dataclass(frozen=True, slots=True)
class Draft:
    """A step with the places of its words. `template`: the words naming its template; `texts`: Jinja2 texts in the
    playbook itself (a task's title). `was`: the words for its earlier id; `since`: those
    for the step from which a wait looks back; `invite`: for that whose meeting it changes.
    """

    step: Step
    place: Place
    needs: tuple[Scalar, ...] = ()
    after: Scalar | None = None
    template: Scalar | None = None
    texts: tuple[Scalar, ...] = ()
    action: Place | None = None
    was: Scalar | None = None
    since: Scalar | None = None
    invite: Scalar | None = None


def read_steps(node: Node | None, book: Book, under: str = "", branch: str = "") -> Iterator[Draft]:
    """Every step in the order written, one that has branches before the steps of these."""
    example = "- { id: welcome, day: 1, email: { ... } }"
    for item in sequence(node, book.report, f'"{branch or "steps"}"', example):
        found = mapping(item, book.report, "a step", example)
        if found is None:
            continue
        fields = Fields(found, keys("step"), "a step", book.report)
        reader = _Reader(fields, book)
        draft = reader.draft(under, branch)
        yield draft
        for name, steps in reader.branches:
            yield from read_steps(steps, book, draft.step.id, name)


class _Reader:
    """Reads the keys of one step."""

    def __init__(self, fields: Fields, book: Book) -> None:
        self.fields, self.book, self.report = fields, book, book.report
        self.actions = FlowReader(fields, book)
        self.branches: tuple[Branch, ...] = ()

    def draft(self, under: str, branch: str) -> Draft:
        fields = self.fields
        name = fields.name("id", KEBAB, '"id: welcome"')
        kind = self._kind()
        action = self.actions.read(kind) if kind else NOTHING
        needs = fields.words("needs", "[another-step]")
        when, after = self._when(kind)
        was = fields.scalar("was", '"was: welcome"')
        step = Step(
            name,
            action,
            when,
            self.actions.condition(fields, "if"),
            tuple(item.value for item in needs),
            under,
            branch,
            self._approval(kind),
            was.value if was and fields.is_name(was, KEBAB) else "",
        )
        self.branches = self.actions.under(kind)
        place = fields.place("id") if "id" in fields else fields.node.place
        if name:
            self.book.places.setdefault(name, fields.node.place.line)
        action_place = fields.key(kind) if kind else None
        return Draft(
            step,
            place,
            needs,
            after,
            self.actions.template,
            tuple(self.actions.texts),
            action_place,
            was,
            self.actions.since,
            self.actions.invite,
        )

    def _kind(self) -> str:
        """The one thing the step does; empty (with a finding) when it is none or several."""
        found = [key for key in ACTIONS if key in self.fields]
        if len(found) == 1:
            return found[0]
        if not found and any(get_close_matches(key, ACTIONS, 1) for key in self.fields.node.keys.keys() - keys("step")):
            return ""  # a misspelt one, which is told
        fix = f"keep one of: {', '.join(found)}." if found else f"add one of: {', '.join(ACTIONS)}."
        place = self.fields.key(found[1]) if found else self.fields.node.place
        what = f"a step does {len(found)} things: {', '.join(found)}" if found else "a step does nothing"
        self.report.add("one-action", place, what, fix)
        return ""

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
        shift = WEEKENDS[weekend] if weekend else self.book.shift if kind in TOUCHES else ""
        day = fields.whole("day", -MAX_DAY, MAX_DAY, 0) if "day" in fields else None
        after, delay = self._after()
        at = fields.clock("at")
        return When(day, at, after.value if after else "", delay, shift, fields.flag("catch_up")), after

    def _after(self) -> tuple[Scalar | None, Length | None]:
        example = "{ step: welcome, delay: 2 days }"
        node = mapping(self.fields.get("after"), self.report, '"after"', example)
        if node is None:
            return None, None
        inner = Fields(node, keys("after"), '"after"', self.report)
        return inner.scalar("step", '"step: welcome"', required=True), inner.length("delay")

    # --- approval -----------------------------------------------------------------------------------------------------

    def _approval(self, kind: str) -> Approval | None:
        if kind in ("wait", "choose", "repeat"):
            if kind != "wait" and "approval" in self.fields:  # at a wait `_when` says so
                what = f'"approval" stands at a {kind}, which sends nothing'
                self.report.add("when", self.fields.key("approval"), what, "put it at the steps of its branches.")
            return None
        example = "{ by: csm, within: 4 business hours }"
        node = mapping(self.fields.get("approval"), self.report, '"approval"', example)
        if node is None:
            return None
        inner = Fields(node, keys("approval"), '"approval"', self.report)
        within = inner.length("within", "4 business hours", required=True)
        remind = inner.length("remind", "2 business hours")
        self._in_time(remind, within, inner.place("remind"))
        return Approval(
            self.actions.teammate(inner, "by", required=True),
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
            inner = Fields(node, keys("rung"), "a rung", self.report)
            after = inner.length("after", "3 business hours", required=True)
            self._in_time(after, within, inner.place("after"))
            yield Rung(after or Length(1, "days"), self.actions.teammate(inner, "to", required=True))

    def _in_time(self, nudge: Length | None, within: Length | None, place: Place) -> None:
        if nudge and within and nudge.unit == within.unit and nudge.amount >= within.amount:
            what = "this comes only when the time to answer is over"
            self.report.add("approval", place, what, f"write less than {shown(within)}.")
