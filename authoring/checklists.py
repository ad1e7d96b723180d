"""The phase checklists: which items a phase has, and which conditions or steps of playbooks show them done."""

import re
from collections.abc import Iterable, Iterator

from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import KEBAB, Fields, mapping, sequence
from authoring.grammar import keys
from authoring.namespace import Names
from authoring.source import Scalar, Source
from lifecycle.checklists import Checklist, Item
from lifecycle.playbook import Playbook

_STEP = re.compile(r"[a-z0-9-]+/[a-z0-9-]+\Z")
_EXAMPLE = "{ item: Welcome, steps: [onboarding-14-day/welcome] }"


def read_checklists(source: Source, names: Names, report: Report) -> tuple[tuple[Checklist, ...], list[Scalar]]:
    """The checklists, and every step that they name, still unchecked."""
    root = mapping(source.root, report, "the file", '"checklists:" with a list of phases')
    fields = Fields(root, keys("checklists"), "the checklists", report) if root else None
    found: dict[str, Checklist] = {}
    steps: list[Scalar] = []
    for node in sequence(fields.get("checklists") if fields else None, report, '"checklists"', "- { phase: onboard }"):
        inner = mapping(node, report, "a checklist", "{ phase: onboard, items: [...] }")
        if inner is None:
            continue
        one = Fields(inner, keys("checklist"), "a checklist", report)
        name = one.name("phase", KEBAB, '"phase: onboard"')
        if name in found:
            what = f'the phase "{name}" is there twice'
            report.add("duplicate-name", one.place("phase"), what, "keep one of the two.")
        items = tuple(_items(one, names, steps, report))
        found.setdefault(name, Checklist(name, one.text("title", "a title", default=name), items))
    return tuple(found.values()), steps


def _items(fields: Fields, names: Names, steps: list[Scalar], report: Report) -> Iterator[Item]:
    if "items" not in fields:
        fields.missing("items", f'"items:" with lines such as {_EXAMPLE}')
    for node in sequence(fields.get("items"), report, '"items"', f"- {_EXAMPLE}"):
        inner = mapping(node, report, "an item", _EXAMPLE)
        if inner is None:
            continue
        item = Fields(inner, keys("checklist_item"), "an item", report)
        if "done" not in item and "steps" not in item:
            what = "nothing says when this is done"
            report.add("missing-key", node.place, what, 'add "done:" with a condition, or "steps:".')
        done, those = item.scalar("done", "a condition"), item.words("steps", "onboarding-14-day/welcome")
        steps += those
        yield Item(
            item.text("item", '"item: Welcome"', required=True),
            compile_expression(done, names, report) if done else None,
            tuple(step.value for step in those),
        )


def check_steps(steps: Iterable[Scalar], books: Iterable[Playbook], report: Report) -> None:
    """A finding for each step that no playbook has."""
    known = {book.name: {step.id for step in book.steps} for book in books}
    for node in steps:
        book, _, step = node.value.partition("/")
        if not _STEP.match(node.value):
            what = f'"{node.value[:60]}" is not a playbook and one of its steps'
            report.add("name", node.place, what, 'write "onboarding-14-day/welcome".')
        elif book not in known:
            report.add("unknown-playbook", node.place, f'no playbook is called "{book[:60]}"', near(book, known))
        elif step not in known[book]:
            what = f'"{book}" has no step "{step[:60]}"'
            report.add("unknown-step", node.place, what, near(step, known[book]))
