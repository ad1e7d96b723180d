"""The lifecycle file: the standard journey, renewal phases, bands, roles. With the catalogue of facts and the other
journeys it makes one `Lifecycle`, which every playbook is checked against.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from authoring.catalogue import Catalogue
from authoring.courtesy import compile_business, compile_holidays, compile_incidents, compile_politeness
from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import KEBAB, SNAKE, Fields, mapping
from authoring.grammar import keys
from authoring.health import Draft, bands_of, chosen
from authoring.journeys import Chains, Journey, known_roles, own_journey, read_journeys
from authoring.namespace import Names
from authoring.programmes import (
    compile_channels,
    compile_programmes,
    compile_risks,
    compile_staffing,
    compile_support,
)
from authoring.source import Source
from lifecycle.actions import Expr
from lifecycle.playbook import STANDARD, Lifecycle, PhaseSpec

PHASES = keys("renewal")


def compile_lifecycle(
    source: Source,
    catalogue: Catalogue,
    playbooks: list[str] | None,
    report: Report,
    models: Mapping[str, Draft] = MappingProxyType({}),
    journeys: Sequence[Source] = (),
) -> Lifecycle | None:
    """Read the lifecycle file against its catalogue; None only when the file is no mapping at all.

    `playbooks`: every playbook's name; None where not all files could be read, then no name is called unknown.
    `models`: all there are; the conditions of the chosen one are still to be checked. `journeys`: the files of the
    other journeys.
    """
    root = mapping(source.root, report, "the file", '"lifecycle: standard"')
    if root is None:
        return None
    fields = Fields(root, keys("lifecycle"), "the lifecycle", report)
    name = fields.name("lifecycle", KEBAB, '"lifecycle: standard"')
    roles = _roles(fields, report)
    standard = own_journey(fields, roles, report)
    others = read_journeys(journeys, standard, roles, report)
    drafts = {STANDARD: standard, **others}
    dates = compile_holidays(fields, report)
    model = chosen(fields, models, report)
    bare = Lifecycle(
        name,
        fields.text("title", "a title", default=name),
        tuple(spec for spec, _done in standard.stages),
        source.file,
        _phases(fields, report),
        model.bands if model else bands_of(fields, report),
        {key: spec for one in drafts.values() for key, (spec, _when) in one.milestones.items()},
        catalogue.facts,
        catalogue.events,
        compile_politeness(fields, report),
        compile_business(fields, dates, report),
        dates,
        roles,
        tuple(known_roles(fields, "managers", roles, report)),
        fields.zone("default_zone", (), "UTC"),
        {"": root.place.line, **standard.places, **_places(others)},
        _notice(fields, report),
        _touch(fields, report),
        model,
        compile_risks(fields, playbooks, report),
        standard.targets,
        {key: one.course() for key, one in others.items()},
        compile_staffing(fields, report),
        compile_programmes(fields, catalogue, report),
    )
    names = Names.of(bare if playbooks is not None else None, playbooks)
    shared = _conditions(fields, names, report)
    names = names.with_conditions(shared)
    incidents = tuple(compile_incidents(fields, names, report))
    return replace(
        bare,
        politeness=replace(bare.politeness, incidents=incidents),
        stages=standard.checked(names, report),
        milestones={key: found for one in drafts.values() for key, found in one.reached(names, report)},
        conditions=shared,
        support=compile_support(fields, report),
        channels=compile_channels(fields, report),
        journeys={key: replace(one.course(), stages=one.checked(names, report)) for key, one in others.items()},
    )


def _conditions(fields: Fields, names: Names, report: Report) -> dict[str, Expr]:
    """Conditions by name, for playbooks to ask for as `conditions.NAME`; one may ask for those that stand above it."""
    found: dict[str, Expr] = {}
    for key, value in fields.entries("conditions", "at_risk: customer.band in ['yellow', 'red']"):
        node = fields.single(value, key.value, "a condition")
        if node is not None:
            found[key.value] = compile_expression(node, names.with_conditions(found), report)
    return found


def _places(others: Mapping[str, Journey]) -> dict[str, int]:
    return {f"{name}/{key}": line for name, one in others.items() for key, line in one.places.items()}


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
