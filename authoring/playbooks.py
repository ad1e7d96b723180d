"""One playbook file: its head, its steps, the checks between them, and the templates it carries."""

import re
from collections.abc import Collection
from typing import Literal

from authoring.actions import Book, check_event
from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression, proven
from authoring.fields import KEBAB, Fields, mapping
from authoring.flow import check_steps, known_facts
from authoring.namespace import Names
from authoring.source import Mapping, Scalar, Sequence, Source
from authoring.steps import WEEKENDS, Draft, read_steps
from authoring.templates import SHARED, Library, cards_of, check_files, check_text, needed
from authoring.variables import Variables
from lifecycle.playbook import Expr, Length, Playbook, Trigger

PLAYBOOK_KEYS = (
    *("playbook", "title", "owner", "priority", "trigger", "entry", "exit", "goal", "anchor", "timing", "reentry"),
    "steps",
)
MAX_STEPS = 200
_WINDOW = ("08:00", "18:00")


def compile_playbook_file(source: Source, names: Names, library: Library, report: Report) -> Playbook | None:
    """Read a playbook; None only when the file is no mapping at all. Whether it may be released, the report says."""
    root = mapping(source.root, report, "the file", '"playbook: its-name"')
    if root is None:
        return None
    return _Reader(Fields(root, PLAYBOOK_KEYS, "the playbook", report), source, names, library, report).playbook()


class _Reader:
    """Reads the head of one playbook and puts the parts together."""

    def __init__(self, fields: Fields, source: Source, names: Names, library: Library, report: Report) -> None:
        self.fields, self.source, self.names = fields, source, names
        self.library, self.report = library, report

    def playbook(self) -> Playbook:
        fields = self.fields
        name = fields.name("playbook", KEBAB, '"playbook: its-name"')
        owner = self._owner()
        timing = self._timing()
        trigger = self._trigger()
        conditions = {key: self._condition(key) for key in ("entry", "exit", "goal")}
        shift = timing.choice("weekend", WEEKENDS, WEEKENDS[0]) == WEEKENDS[0]
        book = Book(owner, shift, self.names, self.report, {"": fields.node.place.line})
        drafts = self._steps(book)
        reentry, cooldown = self._reentry()
        anchor: Literal["entry", "signup"] = (
            "signup" if fields.choice("anchor", ("entry", "signup"), "entry") == "signup" else "entry"
        )
        entry = conditions["entry"]
        facts = proven(entry.tree) if entry else frozenset()
        return Playbook(
            name=name,
            title=fields.text("title", f'a title, "title: {name or "Onboarding"}"', required=True),
            owner=owner,
            trigger=trigger,
            steps=tuple(draft.step for draft in drafts),
            file=self.source.file,
            priority=fields.whole("priority", 0, 100, 50),
            entry=entry,
            exit=conditions["exit"],
            goal=conditions["goal"],
            anchor=anchor,
            zone=timing.zone("zone", ("customer",), "customer"),
            at=timing.clock("at", "09:00"),
            window=timing.window("window", _WINDOW),
            reentry=reentry,
            cooldown=cooldown,
            templates=self._templates(drafts, known_facts(drafts, trigger, facts, self.names)),
            places=book.places,
        )

    def _condition(self, key: str) -> Expr | None:
        node = self.fields.scalar(key, "a condition such as customer.journey == 'standard'")
        return compile_expression(node, self.names, self.report) if node else None

    def _owner(self) -> str:
        node = self.fields.scalar("owner", '"owner: csm"', required=True)
        if node is None:
            return ""
        if self.names.roles and node.value not in self.names.roles:
            fix = near(node.value, self.names.roles)
            self.report.add("unknown-role", node.place, f'no role is called "{node.value[:60]}"', fix)
        return node.value

    def _timing(self) -> Fields:
        node = mapping(self.fields.get("timing"), self.report, '"timing"', '{ zone: customer, at: "09:00" }')
        empty = Mapping({}, {}, self.fields.node.place)
        return Fields(node or empty, ("zone", "at", "window", "weekend"), '"timing"', self.report)

    def _trigger(self) -> Trigger:
        if "trigger" not in self.fields:
            self.fields.missing("trigger", '"trigger: { stage: onboarding }"')
            return Trigger()
        node = mapping(self.fields.get("trigger"), self.report, '"trigger"', "{ stage: onboarding }")
        if node is None:
            return Trigger()
        inner = Fields(node, ("stage", "event", "band", "where"), '"trigger"', self.report)
        kinds = [key for key in ("stage", "event", "band") if key in inner]
        if len(kinds) != 1:
            place = inner.key(kinds[1]) if kinds else node.place
            what = f"a trigger has {len(kinds)} of stage, event, band"
            self.report.add("when", place, what, "keep one: stage, event or band.")
        if "where" in inner and "event" not in inner:
            what = '"where" belongs to an event'
            self.report.add("when", inner.key("where"), what, 'write the condition as "entry:".')
        stage, event, band = (inner.scalar(key, f"{key}: ...") for key in ("stage", "event", "band"))
        self._known("unknown-stage", "stage", stage, (*self.names.stages, "churned", "win_back"))
        self._known("unknown-band", "band", band, self.names.bands)
        if event:
            check_event(event, self.names, self.report)
        where = inner.scalar("where", "a condition such as nps.score <= 6")
        return Trigger(
            stage.value if stage else "",
            event.value if event else "",
            band.value if band else "",
            compile_expression(where, self.names, self.report) if where else None,
        )

    def _known(self, rule: str, what: str, node: Scalar | None, choices: Collection[str]) -> None:
        if node and self.names.complete and node.value not in choices:
            self.report.add(rule, node.place, f'no {what} is called "{node.value[:60]}"', near(node.value, choices))

    def _reentry(self) -> tuple[Literal["once", "again"], Length | None]:
        node = self.fields.get("reentry")
        if node is None:
            return "once", None
        if isinstance(node, Scalar):
            if node.value != "once":
                what = f'"{node.value[:60]}" does not say when a play may run again'
                self.report.add("value", node.place, what, 'write "once" or { again_after: 30 days }.')
            return "once", None
        inner = mapping(node, self.report, '"reentry"', '"once" or { again_after: 30 days }')
        if inner is None:
            return "once", None
        again = Fields(inner, ("again_after",), '"reentry"', self.report)
        return "again", again.length("again_after", "30 days", required=True)

    def _steps(self, book: Book) -> list[Draft]:
        if "steps" not in self.fields:
            self.fields.missing("steps", '"steps:" with a list of steps')
        drafts = list(read_steps(self.fields.get("steps"), book))
        if len(drafts) > MAX_STEPS:
            what = f"a playbook has {len(drafts)} steps, more than {MAX_STEPS}"
            self.report.add("too-large", drafts[MAX_STEPS].place, what, "split it into several playbooks.")
            return drafts[:MAX_STEPS]
        steps = self.fields.get("steps")
        if isinstance(steps, Sequence) and not steps.items:
            what = "a playbook without a step does nothing"
            self.report.add("value", self.fields.key("steps"), what, "add a step.")
        check_steps(drafts, self.report)
        return drafts

    def _templates(self, drafts: list[Draft], known: dict[str, frozenset[str]]) -> dict[str, str]:
        """Check what every step sends, and gather the texts that the release carries, by path."""
        roots = {path: None for path in SHARED if path in self.library.texts}
        for draft in drafts:
            step, facts = draft.step, known[draft.step.id]
            files = needed(step, draft.template, draft.action or draft.place, self.library)
            roots.update(dict.fromkeys(files))
            check_files(files, Variables.of(self.names, step.action, facts), self.library)
            card = Variables.of(self.names, step.action, facts, card=True)
            check_files(cards_of(step, self.library), card, self.library)
            for text in draft.texts:
                check_text(text, Variables.of(self.names, step.action, facts), self.report)
        texts = self.library.closure(list(roots))
        return {path: re.sub(r"\r\n?", "\n", texts[path]) for path in sorted(texts)}
