"""Journeys: stages with their day windows and criteria, milestones, and the days by which these are wanted.

The standard journey stands in the lifecycle file, each other in a file of its own, which says only what it has besides:
roles, facts, politeness and the rest are one for the whole company, and so is the name of a milestone.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import KEBAB, Fields, mapping, sequence, span_of
from authoring.grammar import STAGES, keys
from authoring.namespace import Names
from authoring.source import Scalar, Source
from lifecycle.conditions import names_in
from lifecycle.playbook import STANDARD, Course, Milestone, StageSpec, Target

Chains = dict[str, tuple[str, ...]]
_BY = re.compile(r"day +([0-9]{1,4})\Z")


@dataclass(slots=True)
class Journey:
    """A journey as it is read; `stages` and `milestones` with their conditions, which are still to be checked.
    `places`: lines of what it names.
    """

    title: str = ""
    file: str = ""
    stages: list[tuple[StageSpec, Scalar | None]] = field(default_factory=list)
    milestones: dict[str, tuple[Milestone, Scalar | None]] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    places: dict[str, int] = field(default_factory=dict)

    def course(self) -> Course:
        """Its compiled form, with stages whose criteria are still missing."""
        return Course(
            self.title, tuple(spec for spec, _done in self.stages), self.targets, tuple(self.milestones), self.file
        )

    def checked(self, names: Names, report: Report) -> tuple[StageSpec, ...]:
        """Its stages with their criteria."""
        return tuple(_with_criterion(spec, done, names, report) for spec, done in self.stages)

    def reached(self, names: Names, report: Report) -> Iterator[tuple[str, Milestone]]:
        """Its milestones with their conditions."""
        for key, (spec, when) in self.milestones.items():
            yield key, _with_condition(spec, when, names, report)


def own_journey(fields: Fields, roles: Chains, report: Report) -> Journey:
    """The journey of the lifecycle file."""
    found = Journey()
    found.stages = _stages(fields, roles, found.places, report)
    _read_milestones(found, fields, "milestone", (), roles, report)
    return found


def read_journeys(sources: Sequence[Source], standard: Journey, roles: Chains, report: Report) -> dict[str, Journey]:
    """The journeys of files of their own, by name."""
    found: dict[str, Journey] = {}
    declared = dict.fromkeys(standard.milestones, "the lifecycle file")
    for source in sources:
        root = mapping(source.root, report, "the file", '"journey: self-serve"')
        if root is None:
            continue
        fields = Fields(root, keys("journey"), "the journey", report)
        name = fields.name("journey", KEBAB, '"journey: self-serve"')
        if name == STANDARD or name in found:
            first = found[name].file if name in found else "the lifecycle file"
            what = f'the journey "{name}" is there already'
            report.add("duplicate-name", fields.place("journey"), what, "rename one of them.", related=first)
            continue
        one = Journey(fields.text("title", "a title", default=name), source.file, places={"": root.place.line})
        one.stages = _stages(fields, roles, one.places, report)
        _read_milestones(one, fields, "journey_milestone", standard.milestones, roles, report)
        for key in one.milestones:
            if key in declared:
                what = f'the milestone "{key}" is declared already'
                fix = "declare it in the lifecycle file, and here only say by when."
                report.add("duplicate-name", fields.place("milestones"), what, fix, related=declared[key])
            declared.setdefault(key, source.file)
        found[name] = one
    return found


def _stages(
    fields: Fields, roles: Chains, places: dict[str, int], report: Report
) -> list[tuple[StageSpec, Scalar | None]]:
    """The stages in order, each with the condition that ends it, still unchecked."""
    if "stages" not in fields:
        fields.missing("stages", '"stages:" with a list of stages')
    example = "{ stage: new, owner: csm, days: 0 }"
    found: list[tuple[StageSpec, Scalar | None]] = []
    for item in sequence(fields.get("stages"), report, '"stages"', f"- {example}"):
        node = mapping(item, report, "a stage", example)
        if node is None:
            continue
        spec, done = _stage(Fields(node, keys("stage"), "a stage", report), roles, report)
        if spec.name in places and spec.name:
            report.add("duplicate-name", node.place, f'the stage "{spec.name}" is there twice', "keep one of the two.")
        if found and not _later(spec, before := found[-1][0]):
            what = f'"{spec.name}" starts on day {spec.from_day}, not after "{before.name}" on day {before.from_day}'
            report.add("range", node.place, what, "list the stages in the order of their days.")
        places.setdefault(spec.name, node.place.line)
        found.append((spec, done))
    return found


def _later(spec: StageSpec, before: StageSpec) -> bool:
    """Whether a stage begins after the one before, or with it where that one has no end."""
    if spec.from_day < 0 or spec.from_day > before.from_day:
        return True
    return before.to_day is None and spec.from_day == before.from_day


def _stage(fields: Fields, roles: Chains, report: Report) -> tuple[StageSpec, Scalar | None]:
    if "stage" not in fields:
        fields.missing("stage", '"stage: onboarding"')
    first, last = _days(fields, report)
    owner, *others = known_roles(fields, "owner", roles, report, required=True) or [""]
    spec = StageSpec(fields.choice("stage", STAGES, ""), owner, first, last, None, tuple(others))
    return spec, fields.scalar("done", "a condition")


def _with_criterion(spec: StageSpec, done: Scalar | None, names: Names, report: Report) -> StageSpec:
    return replace(spec, criterion=compile_expression(done, names, report)) if done else spec


def _days(fields: Fields, report: Report) -> tuple[int, int | None]:
    """`1-14`, `0` or `181+`: first and last day of a stage; the first is -1 after a finding."""
    node = fields.scalar("days", '"days: 1-14"', required=True)
    if node is None:
        return -1, None
    found = span_of(node)
    if found is None or (found[1] is not None and found[1] < found[0]):
        report.add("range", node.place, f'"{node.value[:40]}" is not a range of days', 'write "1-14", "0" or "181+".')
        return -1, None
    return found


def _read_milestones(
    into: Journey, fields: Fields, shape: str, known: Collection[str], roles: Chains, report: Report
) -> None:
    """Milestones by name, each with its condition, and by when they are wanted. `known`: those that the lifecycle file
    declares, of which a journey says only the latter.
    """
    targets = []
    for key, node in fields.entries("milestones", "first_value: { title: First value }"):
        name = key.value
        inner = mapping(node, report, f'"{name}"', "{ title: First value, when: value.first_insight }")
        if inner is None:
            continue
        item = Fields(inner, keys(shape), f'the milestone "{name}"', report)
        if name in known:
            _only_when(item, name, report)
        else:
            _declare(into, item, name, key, roles, report)
        into.places.setdefault(name, key.place.line)
        target = _target(item, name, roles, report, required=name in known)
        targets += [target] if target else []
    into.targets = tuple(targets)


def _declare(into: Journey, item: Fields, name: str, key: Scalar, roles: Chains, report: Report) -> None:
    if "when" not in item and "ticked_by" not in item:
        what = f'the milestone "{name}" can never be reached'
        report.add("missing-key", key.place, what, 'add "when:" or "ticked_by:".')
    ticked_by = tuple(known_roles(item, "ticked_by", roles, report))
    spec = Milestone(item.text("title", "a title", default=name), None, ticked_by)
    into.milestones[name] = (spec, item.scalar("when", "a condition"))


def _only_when(item: Fields, name: str, report: Report) -> None:
    for key in ("title", "when", "ticked_by"):
        if key in item:
            what = f'the lifecycle file says already what "{name}" is'
            report.add("duplicate-name", item.key(key), what, f'take "{key}" out; "owner" and "by" are enough here.')


def _target(item: Fields, name: str, roles: Chains, report: Report, *, required: bool) -> Target | None:
    """By when a milestone is wanted, who answers for it, and how many customers should reach it."""
    owner = next(iter(known_roles(item, "owner", roles, report)), "")
    share = item.whole("share", 1, 100, 0)
    node = item.scalar("by", '"by: day 30"', required=required or bool(owner or share))
    if node is None:
        return None
    found = _BY.match(node.value.strip())
    if found is None:
        report.add("range", node.place, f'"{node.value[:40]}" is not a day of the journey', 'write "day 30".')
        return None
    return Target(name, int(found[1]), owner, share)


def _with_condition(spec: Milestone, node: Scalar | None, names: Names, report: Report) -> Milestone:
    if node is None:
        return spec
    when = compile_expression(node, names, report)
    if any(path.startswith("milestones.") for path in names_in(when.tree)):
        what = "the condition of a milestone asks for a milestone"
        report.add("expression", node.place, what, "write that milestone's own condition.")
    return replace(spec, when=when)


def known_roles(fields: Fields, key: str, roles: Chains, report: Report, *, required: bool = False) -> list[str]:
    """The teammate roles under a key; an unknown one is a finding."""
    found = []
    for item in fields.words(key, f'"{key}: csm"', required=required):
        if roles and item.value not in roles:
            report.add("unknown-role", item.place, f'no role is called "{item.value[:60]}"', near(item.value, roles))
        found.append(item.value)
    return found
