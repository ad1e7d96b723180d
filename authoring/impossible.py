"""What can never happen in a playbook: nobody enters, everybody leaves at once, a step that no play reaches.

These are errors, because the author meant something else; `authoring.lint` has what may be meant and should be looked
at. Nothing is called impossible that could happen: see `authoring.possible`.
"""

from collections.abc import Iterator
from typing import Any

from authoring.diagnostics import Place, Report
from authoring.grammar_files import MAX_DAY
from authoring.possible import negated, possible
from authoring.source import Mapping, Node, Sequence, Source
from lifecycle.actions import Expr, Wait
from lifecycle.conditions import names_in
from lifecycle.playbook import Lifecycle, Playbook, Step, Trigger


def check(book: Playbook, source: Source, lifecycle: Lifecycle, report: Report) -> None:
    """A finding for each part of a playbook that can never happen."""
    places = Places(source)
    _check_entry(book, lifecycle, places, report)
    by_id = {step.id: step for step in book.steps}
    for step in book.steps:
        if reason := _unreachable(step, book, by_id.get(step.under)):
            what, fix, key = reason
            report.add("unreachable-step", places.step(step.id, key), f'"{step.id}" {what}', fix)


class Places:
    """Where things stand in a playbook's file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._steps = dict(_steps_of(source.root))

    def head(self, *keys: str) -> Place:
        """The value under a key of the head, or under keys of mappings in it; of the deepest that is there."""
        return _place(self.source.root, keys, self.source.head)

    def item(self, key: str, number: int) -> Place:
        """One item of a list under a key of the head, or the value itself where it is no list."""
        node = self.source.root.entries.get(key) if isinstance(self.source.root, Mapping) else None
        return node.items[number].place if isinstance(node, Sequence) else self.head(key)

    def step(self, name: str, *keys: str) -> Place:
        """The value under keys of a step; its `id` where they are not there."""
        node = self._steps.get(name)
        found = _place(node, ("id",), self.source.head)
        return _place(node, keys, found) if keys and _has(node, keys[0]) else found


def _steps_of(node: Node | None) -> Iterator[tuple[str, Mapping]]:
    """Every step of a file, at any depth, by its id."""
    match node:
        case Mapping(entries=entries):
            name = getattr(entries.get("id"), "value", "")
            if name:
                yield name, node
            for value in entries.values():
                yield from _steps_of(value)
        case Sequence(items=items):
            for item in items:
                yield from _steps_of(item)
        case _:
            pass


def _has(node: Node | None, key: str) -> bool:
    return isinstance(node, Mapping) and key in node.entries


def _place(node: Node | None, keys: tuple[str, ...], found: Place) -> Place:
    for key in keys:
        if not isinstance(node, Mapping) or key not in node.entries:
            return found
        node = node.entries[key]
        found = node.place
    return found


# --- entry ------------------------------------------------------------------------------------------------------------


def _check_entry(book: Playbook, lifecycle: Lifecycle, places: Places, report: Report) -> None:
    conditions: dict[str, Expr | None] = {"entry": book.entry, "exit": book.exit, "goal": book.goal}
    for number, trigger in enumerate(book.triggers):
        given = list(at_start(trigger, lifecycle))
        if not possible(*given):
            _told(report, places.item("trigger", number), "the trigger contradicts itself")
        elif book.entry and not possible(*given, book.entry.tree):
            what = f'"entry" is never met when {said(trigger)}'
            report.add("nobody-enters", places.head("entry"), what, 'change "entry" or the trigger.')
        else:
            entered = [*given, *([book.entry.tree] if book.entry else [])]
            for key in ("exit", "goal"):
                end = conditions[key]
                if end and not possible(*entered, negated(end.tree)) and _sure(end, entered):
                    _told(report, places.head(key), f'"{key}" is met as soon as a play starts')


def _told(report: Report, place: Place, what: str) -> None:
    report.add("nobody-enters", place, what, "change one of the two conditions.")


def _sure(end: Expr, entered: list[Any]) -> bool:
    """Whether all names of a condition are known from the start, so that it is met and not unknown."""
    known = {name for tree in entered for name in names_in(tree)}
    return set(names_in(end.tree)) <= known


def at_start(trigger: Trigger, lifecycle: Lifecycle) -> Iterator[Any]:
    """What surely holds at the moment when a trigger starts a play."""
    for name, value in (("customer.stage", trigger.stage), ("customer.band", trigger.band)):
        if value:
            yield ("==", ("get", name), ("const", value))
    for name, value in (("customer.stage", trigger.leaving_stage), ("customer.band", trigger.leaving_band)):
        if value:
            yield ("!=", ("get", name), ("const", value))
    spec = lifecycle.events.get(trigger.event)
    for name, told in spec.sets.items() if spec else ():
        yield ("==", ("get", name), ("const", told))
    for expr in (trigger.where, trigger.condition):
        if expr is not None:
            yield expr.tree


def said(trigger: Trigger) -> str:
    """A trigger in words."""
    for what, value in (
        (f'the stage "{trigger.stage}" begins', trigger.stage),
        (f'the stage "{trigger.leaving_stage}" ends', trigger.leaving_stage),
        (f'the band becomes "{trigger.band}"', trigger.band),
        (f'the band is no longer "{trigger.leaving_band}"', trigger.leaving_band),
        (f'"{trigger.event}" happens', trigger.event),
        (f"{trigger.condition.text if trigger.condition else ''} becomes true", trigger.condition),
    ):
        if value:
            return what
    return "it starts"


# --- steps ------------------------------------------------------------------------------------------------------------


def _unreachable(step: Step, book: Playbook, parent: Step | None) -> tuple[str, str, str] | None:
    """Why no play ever does a step: what, fix and the key that says so."""
    if step.condition and not possible(step.condition.tree):
        return "has a condition that contradicts itself", "change the condition.", "if"
    if step.condition and book.exit and not possible(step.condition.tree, negated(book.exit.tree)):
        return 'can happen only when "exit" has ended the play', 'change "if" or "exit".', "if"
    if step.when.day is None or step.when.catch_up:
        return None
    if not step.under and step.when.day < (first := _first_day(book)):
        what = f"is due on day {step.when.day}, before the play starts on day {first} at the earliest"
        return what, f'write "day: {first}" or later, or "catch_up: yes".', "day"
    if parent is None or step.branch != "otherwise" or not isinstance(parent.action, Wait):
        return None
    opens = parent.action.by.day
    if opens is not None and step.when.day < opens:
        what = f'is due on day {step.when.day}, but "otherwise" opens on day {opens}'
        return what, f'write "day: {opens}" or later, or no day at all.', "day"
    return None


def _first_day(book: Playbook) -> int:
    """The earliest day, counted from the anchor, on which a play can start; of a date that anybody may say, any."""
    if "." in book.anchor:
        return -MAX_DAY
    return min(trigger.days for trigger in book.triggers) if book.anchor == "date" else 0
