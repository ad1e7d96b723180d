"""The lifecycle file: stages, milestones, renewal phases, bands, roles. With the catalogue of facts it makes one
`Lifecycle`, which every playbook is checked against.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from authoring.catalogue import Catalogue
from authoring.courtesy import compile_business, compile_holidays, compile_incidents, compile_politeness
from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import KEBAB, SNAKE, Fields, mapping, sequence
from authoring.grammar import STAGES, keys
from authoring.health import Draft, bands_of, chosen
from authoring.namespace import Names
from authoring.source import Scalar, Source
from lifecycle.conditions import names_in
from lifecycle.playbook import Lifecycle, Milestone, PhaseSpec, Risk, StageSpec

Chains = dict[str, tuple[str, ...]]
PHASES = keys("renewal")
_DAYS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4})|(\+))?\Z")


def compile_lifecycle(
    source: Source,
    catalogue: Catalogue,
    playbooks: list[str] | None,
    report: Report,
    models: Mapping[str, Draft] = MappingProxyType({}),
) -> Lifecycle | None:
    """Read the lifecycle file against its catalogue; None only when the file is no mapping at all.

    `playbooks`: every playbook's name; None where not all files could be read, then no name is called unknown.
    `models`: all there are; the conditions of the chosen one are still to be checked.
    """
    root = mapping(source.root, report, "the file", '"lifecycle: standard"')
    if root is None:
        return None
    fields = Fields(root, keys("lifecycle"), "the lifecycle", report)
    places = {"": root.place.line}
    name = fields.name("lifecycle", KEBAB, '"lifecycle: standard"')
    roles = _roles(fields, report)
    stages = _stages(fields, roles, places, report)
    milestones = _milestones(fields, roles, places, report)
    dates = compile_holidays(fields, report)
    model = chosen(fields, models, report)
    bare = Lifecycle(
        name,
        fields.text("title", "a title", default=name),
        tuple(spec for spec, _done in stages),
        source.file,
        _phases(fields, report),
        model.bands if model else bands_of(fields, report),
        {key: spec for key, (spec, _when) in milestones.items()},
        catalogue.facts,
        catalogue.events,
        compile_politeness(fields, report),
        compile_business(fields, dates, report),
        dates,
        roles,
        tuple(known_roles(fields, "managers", roles, report)),
        fields.zone("default_zone", (), "UTC"),
        places,
        _notice(fields, report),
        _touch(fields, report),
        model,
        _risks(fields, playbooks, report),
    )
    names = Names.of(bare if playbooks is not None else None, playbooks)
    incidents = tuple(compile_incidents(fields, names, report))
    return replace(
        bare,
        politeness=replace(bare.politeness, incidents=incidents),
        stages=tuple(_with_criterion(spec, done, names, report) for spec, done in stages),
        milestones={key: _with_condition(spec, when, names, report) for key, (spec, when) in milestones.items()},
    )


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
        if found and 0 <= spec.from_day <= (before := found[-1][0]).from_day:
            what = f'"{spec.name}" starts on day {spec.from_day}, not after "{before.name}" on day {before.from_day}'
            report.add("range", node.place, what, "list the stages in the order of their days.")
        places.setdefault(spec.name, node.place.line)
        found.append((spec, done))
    return found


def _stage(fields: Fields, roles: Chains, report: Report) -> tuple[StageSpec, Scalar | None]:
    if "stage" not in fields:
        fields.missing("stage", '"stage: onboarding"')
    first, last = _days(fields, report)
    owner = next(iter(known_roles(fields, "owner", roles, report, required=True)), "")
    spec = StageSpec(fields.choice("stage", STAGES, ""), owner, first, last)
    return spec, fields.scalar("done", "a condition")


def _with_criterion(spec: StageSpec, done: Scalar | None, names: Names, report: Report) -> StageSpec:
    return replace(spec, criterion=compile_expression(done, names, report)) if done else spec


def _days(fields: Fields, report: Report) -> tuple[int, int | None]:
    """`1-14`, `0` or `181+`: first and last day of a stage; the first is -1 after a finding."""
    node = fields.scalar("days", '"days: 1-14"', required=True)
    if node is None:
        return -1, None
    found = _DAYS.match(node.value.strip())
    if found is None or (found[2] and int(found[2]) < int(found[1])):
        report.add("range", node.place, f'"{node.value[:40]}" is not a range of days', 'write "1-14", "0" or "181+".')
        return -1, None
    first = int(found[1])
    return first, None if found[3] else int(found[2] or first)


def _phases(fields: Fields, report: Report) -> tuple[PhaseSpec, ...]:
    node = mapping(fields.get("renewal"), report, '"renewal"', "{ assessment: 120, complete: 0 }")
    if node is None:
        return ()
    inner = Fields(node, PHASES, '"renewal"', report)
    found = [PhaseSpec(name, inner.whole(name, 0, 730, 0)) for name in PHASES if name in inner]
    for before, after in pairwise(found):
        if after.days_before >= before.days_before:
            what = f'"{after.name}" starts no later than "{before.name}"'
            report.add("range", inner.place(after.name), what, f"write a number below {before.days_before}.")
    return tuple(found)


def _notice(fields: Fields, report: Report) -> dict[str, int]:
    node = mapping(fields.get("notice"), report, '"notice"', "{ team: 30, enterprise: 90 }")
    if node is None:
        return {}
    inner = Fields(node, node.entries, '"notice"', report)
    return {tier: inner.whole(tier, 0, 730, 0) for tier in node.entries}


def _touch(fields: Fields, report: Report) -> dict[str, int]:
    node = mapping(fields.get("touch"), report, '"touch"', "{ high: 50000, mid: 10000, low: 0 }")
    if node is None:
        return {}
    inner = Fields(node, node.entries, '"touch"', report)
    return {name: inner.whole(name, 0, 10**12, 0) for name in node.entries}


def _milestones(
    fields: Fields, roles: Chains, places: dict[str, int], report: Report
) -> dict[str, tuple[Milestone, Scalar | None]]:
    """Milestones by name, each with its condition, still unchecked."""
    group = mapping(fields.get("milestones"), report, '"milestones"', "first_value: { title: First value }")
    found: dict[str, tuple[Milestone, Scalar | None]] = {}
    for name, node in group.entries.items() if group else ():
        if group is None or not fields.is_name(group.keys[name], SNAKE):
            continue
        inner = mapping(node, report, f'"{name}"', "{ title: First value, when: value.first_insight }")
        if inner is None:
            continue
        item = Fields(inner, keys("milestone"), f'the milestone "{name}"', report)
        if "when" not in item and "ticked_by" not in item:
            what = f'the milestone "{name}" can never be reached'
            report.add("missing-key", group.keys[name].place, what, 'add "when:" or "ticked_by:".')
        places.setdefault(name, group.keys[name].place.line)
        ticked_by = tuple(known_roles(item, "ticked_by", roles, report))
        spec = Milestone(item.text("title", "a title", default=name), None, ticked_by)
        found[name] = (spec, item.scalar("when", "a condition"))
    return found


def _risks(fields: Fields, playbooks: list[str] | None, report: Report) -> dict[str, Risk]:
    """Risks by name; the playbook that one suggests must be there."""
    example = "competitor: { words: [competitor], play: competitor-mentioned }"
    group = mapping(fields.get("risks"), report, '"risks"', example)
    found: dict[str, Risk] = {}
    for name, node in group.entries.items() if group else ():
        inner = mapping(node, report, f'"{name}"', example)
        if group is None or inner is None or not fields.is_name(group.keys[name], SNAKE):
            continue
        item = Fields(inner, keys("risk"), f'the risk "{name}"', report)
        play = item.scalar("play", '"play: competitor-mentioned"', required=True)
        if play is not None and playbooks is not None and play.value not in playbooks:
            what = f'no playbook is called "{play.value[:60]}"'
            report.add("unknown-playbook", play.place, what, near(play.value, playbooks))
        words = tuple(word.value.lower() for word in item.words("words", "[competitor]", required=True))
        found[name] = Risk(item.text("title", "a title", default=name), words, play.value if play else "")
    return found


def _with_condition(spec: Milestone, node: Scalar | None, names: Names, report: Report) -> Milestone:
    if node is None:
        return spec
    when = compile_expression(node, names, report)
    if any(path.startswith("milestones.") for path in names_in(when.tree)):
        what = "the condition of a milestone asks for a milestone"
        report.add("expression", node.place, what, "write that milestone's own condition.")
    return replace(spec, when=when)


def _roles(fields: Fields, report: Report) -> Chains:
    group = mapping(fields.get("roles"), report, '"roles"', "csm: [cs_manager, founder]")
    if group is None:
        if "roles" not in fields:
            fields.missing("roles", '"roles:" with every role and who stands in for it')
        return {}
    inner = Fields(group, group.entries, '"roles"', report)
    roles: Chains = {}
    for name, node in group.entries.items():
        if not fields.is_name(group.keys[name], SNAKE):
            continue
        chain = () if not getattr(node, "items", True) else inner.words(name, "a list of roles")
        for item in chain:
            if item.value not in group.entries:
                report.add(
                    "unknown-role", item.place, f'no role is called "{item.value[:60]}"', near(item.value, group.keys)
                )
        roles[name] = tuple(item.value for item in chain)
    return roles


def known_roles(fields: Fields, key: str, roles: Chains, report: Report, *, required: bool = False) -> list[str]:
    """The teammate roles under a key; an unknown one is a finding."""
    found = []
    for item in fields.words(key, f'"{key}: csm"', required=required):
        if roles and item.value not in roles:
            report.add("unknown-role", item.place, f'no role is called "{item.value[:60]}"', near(item.value, roles))
        found.append(item.value)
    return found
