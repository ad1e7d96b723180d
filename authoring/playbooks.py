"""One playbook file: its head, its steps, the checks between them, and the templates it carries."""

import re
from dataclasses import replace

from authoring.actions import Book
from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression, proven
from authoring.fields import KEBAB, Fields, mapping
from authoring.flow import check_steps, known_facts
from authoring.grammar import WEEKENDS, keys
from authoring.inputs import Input, Variant, declared, filled_in, unused, with_inputs, words_of
from authoring.namespace import Names, offered
from authoring.source import Mapping, Scalar, Sequence, Source
from authoring.steps import Draft, read_steps
from authoring.templates import SHARED, Library, cards_of, check_files, check_text, needed
from authoring.triggers import TriggerReader
from authoring.variables import Variables
from lifecycle.actions import Expr
from lifecycle.playbook import CONTRACT_END, Playbook, Trigger

MAX_STEPS = 1_000
ANCHORS = ("entry", "signup", "date")
_WINDOW = ("08:00", "18:00")


def compile_playbook_file(variant: Variant, names: Names, library: Library, report: Report) -> Playbook | None:
    """Read a playbook; None only when the file is no mapping at all. Whether it may be released, the report says."""
    source = variant.source
    root = mapping(source.root, report, "the file", '"playbook: its-name"')
    if root is None:
        return None
    inputs = declared(root, names, report)
    written = replace(root, entries={key: node for key, node in root.entries.items() if key != "inputs"})
    whole = replace(root, entries=filled_in(written, inputs, report))
    fields = Fields(whole, keys("playbook"), "the playbook", report)
    book = _Reader(fields, source, with_inputs(names, inputs), library, report).playbook(variant.entry)
    _used(inputs, written, book, report)
    return replace(book, inputs={name: item.value for name, item in inputs.items()})


def _used(inputs: dict[str, Input], written: Mapping, book: Playbook, report: Report) -> None:
    """A finding for each input that changes nothing."""
    for name, place in unused(inputs, [*words_of(written), *book.templates.values()]):
        what = f'nothing uses the input "{name}"'
        report.add("unused-input", place, what, f'write "inputs.{name}" where its value stands, or remove it.')


class _Reader:
    """Reads the head of one playbook and puts the parts together."""

    def __init__(self, fields: Fields, source: Source, names: Names, library: Library, report: Report) -> None:
        self.fields, self.source, self.names = fields, source, names
        self.library, self.report = library, report

    def playbook(self, also: Scalar | None = None) -> Playbook:
        """The playbook; `also`: a condition that must hold besides its `entry`."""
        fields = self.fields
        name = fields.name("playbook", KEBAB, '"playbook: its-name"')
        owner = self._owner()
        timing = self._timing()
        reasons = TriggerReader(fields, self.names, self.report)
        triggers = reasons.triggers()
        conditions = {key: self._condition(key) for key in ("entry", "exit", "goal")}
        conditions["entry"] = self._both(conditions["entry"], also)
        shift = WEEKENDS[timing.choice("weekend", WEEKENDS, "next_business_day")]
        book = Book(owner, shift, self.names, self.report, {"": fields.node.place.line})
        drafts = self._steps(book)
        reentry, cooldown, per = reasons.reentry(triggers)
        entry = conditions["entry"]
        facts = proven(entry.tree) if entry else frozenset()
        return Playbook(
            name=name,
            title=fields.text("title", f'a title, "title: {name or "Onboarding"}"', required=True),
            owner=owner,
            triggers=triggers,
            steps=tuple(draft.step for draft in drafts),
            file=self.source.file,
            priority=fields.whole("priority", 0, 100, 50),
            entry=entry,
            exit=conditions["exit"],
            goal=conditions["goal"],
            anchor=self._anchor(triggers),
            zone=timing.zone("zone", ("customer", *self.names.roles), "customer"),
            at=timing.clock("at", "09:00"),
            window=timing.window("window", _WINDOW),
            reentry=reentry,
            cooldown=cooldown,
            per=per,
            templates=self._templates(drafts, known_facts(drafts, triggers, facts, self.names)),
            places=book.places,
        )

    def _condition(self, key: str) -> Expr | None:
        node = self.fields.scalar(key, "a condition such as customer.journey == 'standard'")
        return compile_expression(node, self.names, self.report) if node else None

    def _both(self, entry: Expr | None, also: Scalar | None) -> Expr | None:
        """Both conditions, as far as there are."""
        other = compile_expression(also, self.names, self.report) if also else None
        if entry is None or other is None:
            return entry or other
        return Expr(f"({entry.text}) and ({other.text})", ("and", entry.tree, other.tree))

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
        return Fields(node or empty, keys("timing"), '"timing"', self.report)

    def _anchor(self, triggers: tuple[Trigger, ...]) -> str:
        """What day 0 is; the end of the contract where the play is about one."""
        node = self.fields.get("anchor")
        if isinstance(node, Scalar) and "." in node.value:
            return self._dated(node)
        by_date = all(item.date for item in triggers)
        default = "date" if triggers[0].date == CONTRACT_END and by_date else "entry"
        found = self.fields.choice("anchor", ANCHORS, default)
        if found == "date" and not by_date:
            what = '"anchor: date" needs a date in every trigger'
            self.report.add("trigger", self.fields.place("anchor"), what, 'write "anchor: entry".')
        return found

    def _dated(self, node: Scalar) -> str:
        """A date fact from which the days count."""
        kind = self.names.type_of(node.value)
        if kind is None:
            fix = near(node.value, offered(node.value, self.names.facts))
            self.report.add("unknown-fact", node.place, f'no fact is called "{node.value[:60]}"', fix)
        elif kind not in ("date", "any"):
            what = f'"{node.value[:60]}" is a {kind}, no date'
            self.report.add("type", node.place, what, 'name a fact of the type "date", or write "anchor: entry".')
        return node.value

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
