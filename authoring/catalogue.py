"""The catalogue of facts and events (`facts.yaml`): every name a condition may use besides our own."""

import re
from collections.abc import Collection
from collections.abc import Mapping as PyMapping
from dataclasses import dataclass

from authoring.derived import check_sources, read_derived
from authoring.diagnostics import Place, Report, near
from authoring.fields import SNAKE, YES, Fields, mapping
from authoring.grammar import keys
from authoring.namespace import BUILT_IN_EVENTS
from authoring.source import Mapping, Node, Scalar, Source
from lifecycle.conditions import as_date
from lifecycle.facts import problem
from lifecycle.playbook import EventSpec, FactSpec

FactValue = bool | int | float | str
_DOTTED = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+\Z")
_RANGE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)-(-?[0-9]+(?:\.[0-9]+)?)\Z")
_RESERVED = (
    *("customer", "milestones", "playing", "contact", "sender", "owner", "play", "step", "meeting", "links"),
    *("company", "team", "task", "deadline", "inputs", "note", "notes", "score"),
)
_NPS = FactSpec("number", "Latest NPS answer", "points", 0, 10, 1)
_HEALTH = FactSpec("number", "Health score", "points", 0, 100, 1)
_FELL = FactSpec("boolean", "The health score fell by 15 points or more within 30 days")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The facts and events of `facts.yaml`, with those that Stageplay itself sets. `complete`: False when the file does
    not have its facts where they belong; then no name is called unknown.
    """

    facts: dict[str, FactSpec]
    events: dict[str, EventSpec]
    complete: bool = True


def compile_facts(source: Source | None, report: Report) -> Catalogue:
    """Read the catalogue of facts and events; without a file only our own facts are known."""
    facts: dict[str, FactSpec] = {"nps.score": _NPS, "health.score": _HEALTH, "health.fell": _FELL}
    events: dict[str, EventSpec] = {}
    root = mapping(source.root, report, "the file", '"facts:" and "events:"') if source else None
    if root is not None:
        fields = Fields(root, keys("facts"), "the catalogue", report)
        for key, node in _entries(fields, "facts", "usage.dau_wau: { type: number }", report):
            facts[key.value] = _fact(key, node, report)
        for key, node in _entries(fields, "events", "api.connected: { title: ... }", report):
            events[key.value] = _event(key, node, facts, report)
        check_sources(root, facts, events, report)
    return Catalogue(facts, events, source is None or (root is not None and "facts" in root.entries))


def check_owners(source: Source, roles: Collection[str], report: Report) -> None:
    """A finding for each fact whose owner is no role of the lifecycle file."""
    root = source.root if isinstance(source.root, Mapping) else None
    group = root.entries.get("facts") if root else None
    for node in group.entries.values() if isinstance(group, Mapping) else ():
        owner = node.entries.get("owner") if isinstance(node, Mapping) else None
        if isinstance(owner, Scalar) and SNAKE.match(owner.value) and owner.value not in roles:
            what = f'no role is called "{owner.value[:60]}"'
            report.add("unknown-role", owner.place, what, near(owner.value, roles))


def _entries(fields: Fields, key: str, example: str, report: Report) -> list[tuple[Scalar, Mapping]]:
    """The named mappings under a key, each with a well-formed dotted name."""
    group = mapping(fields.get(key), report, f'"{key}"', f'"{example}"')
    if group is None:
        return []
    found = []
    for name, node in group.entries.items():
        place = group.keys[name]
        if not _DOTTED.match(name):
            report.add(
                "name", place.place, f'"{name[:60]}" is not a dotted name', 'write a name such as "usage.logins".'
            )
        elif key == "facts" and name.partition(".")[0] in _RESERVED:
            report.add("name", place.place, f'"{name}" starts with a word of our own', "start it with another word.")
        elif (inner := mapping(node, report, f'"{name}"', "{ title: ... }")) is not None:
            found.append((place, inner))
    return found


def _fact(key: Scalar, node: Mapping, report: Report) -> FactSpec:
    fields = Fields(node, keys("fact"), f'the fact "{key.value}"', report)
    if "type" not in fields:
        fields.missing("type", '"type: number" (or boolean, text, date)')
    fields.flag("shown_only")
    low, high = _range(fields, report)
    resolution = fields.scalar("resolution", "a number such as 0.05")
    kind = fields.choice("type", ("number", "boolean", "text", "date"), "number")
    by_day = fields.flag("by_day")
    if by_day and kind != "number":
        report.add("type", fields.place("by_day"), f"a {kind} is not kept by the day", 'write "type: number".')
    return FactSpec(
        kind,  # type: ignore[arg-type]  # checked against the four words just above
        fields.text("title", "a title"),
        fields.text("unit", "a unit such as users"),
        low,
        high,
        None if resolution is None else fields.number_of(resolution, "resolution"),
        tuple(item.value for item in fields.words("choices", "a list of words")),
        fields.name("owner", SNAKE, '"owner: csm"', required=False),
        read_derived(fields, kind),
        by_day,
    )


def _range(fields: Fields, report: Report) -> tuple[float | None, float | None]:
    node = fields.scalar("range", "a range such as 0-10")
    if node is None:
        return None, None
    found = _RANGE.match(node.value.strip())
    if found is None or float(found[1]) >= float(found[2]):
        report.add("range", node.place, f'"{node.value[:40]}" is not a range from low to high', 'write "0-100".')
        return None, None
    low, high = (float(part) for part in found.groups())
    return (int(low) if low.is_integer() else low), (int(high) if high.is_integer() else high)


def _event(key: Scalar, node: Mapping, facts: dict[str, FactSpec], report: Report) -> EventSpec:
    if key.value in BUILT_IN_EVENTS:
        report.add("duplicate-name", key.place, f'"{key.value}" is an event of our own', "choose another name.")
    fields = Fields(node, keys("event"), f'the event "{key.value}"', report)
    return EventSpec(
        fields.text("title", "a title"), fact_values(fields, "sets", "{ setup.api_connected: true }", facts)
    )


def fact_values(fields: Fields, key: str, example: str, facts: PyMapping[str, FactSpec]) -> dict[str, FactValue]:
    """Values of facts by name, each of its fact's type; what is wrong is left out, with a finding."""
    group = mapping(fields.get(key), fields.report, f'"{key}"', example)
    found: dict[str, FactValue] = {}
    for name, node in group.entries.items() if group else ():
        spec = facts.get(name)
        if spec is None and group is not None:
            place = group.keys[name].place
            fields.report.add("unknown-fact", place, f'no fact is called "{name[:60]}"', near(name, facts))
        elif spec is not None and (value := _value(node, name, spec, fields, fields.report)) is not None:
            _possible(name, value, spec, node.place, fields.report)
            found[name] = value
    return found


def _possible(name: str, value: FactValue, spec: FactSpec, place: Place, report: Report) -> None:
    """Say what no system could report: events that carried it would be refused."""
    wrong = problem(name, value, spec)
    if spec.choices and wrong:
        report.add("value", place, wrong, near(str(value), spec.choices))
    elif wrong:
        report.add("range", place, wrong, "write a value that it can have.")
    elif spec.type == "date" and as_date(value) is None:
        report.add("time", place, f'"{name}" is a date, not "{str(value)[:40]}"', 'write "2026-12-31".')


def _value(node: Node, name: str, spec: FactSpec, fields: Fields, report: Report) -> FactValue | None:
    """A value that a fact of this type can have."""
    single = fields.single(node, name, f"a {spec.type}")
    if single is None:
        return None
    match spec.type, single.kind:
        case "boolean", "bool" | "text" if single.value.lower() in YES:
            return YES[single.value.lower()]
        case "number", "int" | "float":
            return fields.number_of(single, name)
        case (("text" | "date"), "text"):
            return fields.shortened(single, name)
        case _:
            pass
    fix = "write yes or no." if spec.type == "boolean" else f"write a {spec.type}."
    report.add("type", single.place, f'"{name}" is a {spec.type}, not {single.value[:40]!r}', fix)
    return None
