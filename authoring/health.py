"""Health model files: read first, so that the lifecycle knows their bands, and checked once its names are known.

A score hangs on facts of the catalogue, on what the customer bought, on contracts and milestones; never on what follows
from the score, which would chase itself, nor on whether a fact is known, of which the model itself says what it means.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from authoring.diagnostics import Place, Report, near
from authoring.expressions import compile_expression, compile_value
from authoring.fields import KEBAB, SNAKE, Fields, mapping, sequence
from authoring.grammar import keys
from authoring.grammar_health import LEFT_OUT
from authoring.namespace import Names
from authoring.source import Scalar, Source
from lifecycle.actions import Expr
from lifecycle.conditions import names_in
from lifecycle.health import Component, HealthModel, Metric, Range
from lifecycle.playbook import Lifecycle
from lifecycle.scoring import OWN

BANDS = keys("bands")
_WHOLE = 100
_FOLLOWS = (*OWN, "customer.stage", "customer.band")
_COMPONENT = "{ component: usage, weight: 40, metrics: [...] }"
_METRIC = "{ metric: sessions, good: usage.session_minutes > 5 }"


@dataclass(frozen=True, slots=True)
class Draft:
    """A model whose conditions are not checked yet. `asked`: by the places of component and metric, their nodes by key.
    `place`: of its name.
    """

    model: HealthModel
    asked: Mapping[tuple[int, int], Mapping[str, Scalar]]
    place: Place


def read_models(sources: Collection[Source], report: Report) -> dict[str, Draft]:
    """Every model by name, each once."""
    found: dict[str, Draft] = {}
    for source in sources:
        draft = _read(source, report)
        if draft is None:
            continue
        name = draft.model.name
        if name in found:
            what, first = f'two health models are called "{name}"', str(found[name].place)
            report.add("duplicate-name", draft.place, what, "rename one of them.", related=first)
        found.setdefault(name, draft)
    return found


def _read(source: Source, report: Report) -> Draft | None:
    root = mapping(source.root, report, "the file", '"health_model: points"')
    if root is None:
        return None
    fields = Fields(root, keys("health_model"), "the health model", report)
    name = fields.name("health_model", KEBAB, '"health_model: points"')
    if "bands" not in fields:
        fields.missing("bands", '"bands: { green: 80, yellow: 60, red: 0 }"')
    unknown = _unknown(fields, None)
    asked: dict[tuple[int, int], Mapping[str, Scalar]] = {}
    components = tuple(_components(fields, unknown, asked, report))
    model = HealthModel(
        name,
        fields.text("title", "a title", default=name),
        source.file,
        components,
        bands_of(fields, report),
        tuple(_ranges(fields, report)),
        fields.whole("least_known", 0, _WHOLE, 0),
    )
    return Draft(model, asked, fields.place("health_model"))


def bands_of(fields: Fields, report: Report) -> dict[str, int]:
    """Bands with their lowest scores, the best first."""
    node = mapping(fields.get("bands"), report, '"bands"', "{ green: 80, yellow: 60, red: 40, critical: 0 }")
    if node is None:
        return {}
    inner = Fields(node, BANDS, '"bands"', report)
    found = {name: inner.whole(name, 0, 100, 0) for name in BANDS if name in inner}
    for (better, high), (worse, low) in pairwise(found.items()):
        if low >= high:
            what = f'"{worse}" starts at {low}, not below "{better}" at {high}'
            report.add("range", inner.place(worse), what, f"write a number below {high}.")
    return found


def _ranges(fields: Fields, report: Report) -> Iterator[Range]:
    example = "{ from: 80, title: Healthy, action: Ask for a reference }"
    last = _WHOLE + 1
    for item in sequence(fields.get("ranges"), report, '"ranges"', f"- {example}"):
        node = mapping(item, report, "a range", example)
        if node is None:
            continue
        inner = Fields(node, keys("health_range"), "a range", report)
        low = inner.whole("from", 0, _WHOLE, 0, required=True)
        if low >= last:
            what = f"the range starts at {low}, not below the one before"
            report.add("range", inner.place("from"), what, "list the ranges from the best down.")
        last = low
        yield Range(low, inner.text("title", "a title", required=True), inner.text("action", "what the team does"))


def _components(
    fields: Fields, unknown: int | None, asked: dict[tuple[int, int], Mapping[str, Scalar]], report: Report
) -> Iterator[Component]:
    if "components" not in fields:
        fields.missing("components", f'"components:" with a list such as - {_COMPONENT}')
    total, names = 0, dict[str, Place]()
    for number, item in enumerate(sequence(fields.get("components"), report, '"components"', f"- {_COMPONENT}")):
        node = mapping(item, report, "a component", _COMPONENT)
        if node is None:
            continue
        inner = Fields(node, keys("health_component"), "a component", report)
        name = _named(inner, "component", names, report)
        weight = inner.whole("weight", 1, _WHOLE, 0, required=True)
        total += weight
        metrics = tuple(_metrics(inner, weight, unknown, number, asked, report))
        yield Component(name, inner.text("title", "a title", default=name), weight, metrics)
    if names and total != _WHOLE and not report.failed:
        what = f"the weights of the components add up to {total}"
        report.add("health-weights", fields.key("components"), what, "let them add up to 100.")


def _metrics(
    component: Fields,
    whole: int,
    unknown: int | None,
    number: int,
    asked: dict[tuple[int, int], Mapping[str, Scalar]],
    report: Report,
) -> Iterator[Metric]:
    if "metrics" not in component:
        component.missing("metrics", f'"metrics:" with a list such as - {_METRIC}')
    weights, names = list[int](), dict[str, Place]()
    for item in sequence(component.get("metrics"), report, '"metrics"', f"- {_METRIC}"):
        node = mapping(item, report, "a metric", _METRIC)
        if node is None:
            continue
        fields = Fields(node, keys("health_metric"), "a metric", report)
        name = _named(fields, "metric", names, report)
        weights.append(fields.whole("weight", 1, _WHOLE, 0))
        asked[number, len(weights) - 1] = _asked(fields, report)
        title = fields.text("title", "a title", default=name)
        yield Metric(name, title, weights[-1] or 1, unknown=_unknown(fields, unknown))
    if any(weights) and (sum(weights) != whole or not all(weights)) and not report.failed:
        what = f"the weights of the metrics add up to {sum(weights)}, that of the component is {whole}"
        fix = f"let them add up to {whole}, or leave them all out for equal parts."
        report.add("health-weights", component.key("metrics"), what, fix)


def _named(fields: Fields, key: str, names: dict[str, Place], report: Report) -> str:
    """A name, each once."""
    name = fields.name(key, SNAKE, f'"{key}: its_name"')
    if name in names:
        report.add(
            "duplicate-name", fields.place(key), f'"{name}" is there twice', "rename one.", related=str(names[name])
        )
    names.setdefault(name, fields.place(key))
    return name


def _asked(fields: Fields, report: Report) -> dict[str, Scalar]:
    """The conditions of a metric, by key."""
    found = {
        key: node for key in ("good", "middle", "value") if (node := fields.scalar(key, "a condition")) is not None
    }
    if ("good" in fields) == ("value" in fields):
        what = "a metric has either a condition or a value"
        report.add("missing-key", fields.node.place, what, f'write "good:" or "value:", as in {_METRIC}.')
    elif "middle" in fields and "good" not in fields:
        report.add("unknown-key", fields.key("middle"), 'a metric with "value" has no "middle"', "remove it.")
    return found


def _unknown(fields: Fields, default: int | None) -> int | None:
    node = fields.scalar("unknown", f"{LEFT_OUT} or a number from 0 to 100")
    if node is None:
        return default
    return None if node.value == LEFT_OUT else fields.whole_of(node, "unknown", 0, _WHOLE, 0)


# --- checking ---------------------------------------------------------------------------------------------------------


def chosen(fields: Fields, drafts: Mapping[str, Draft], report: Report) -> HealthModel | None:
    """The model that a lifecycle file names, still unchecked; None where it names none."""
    node = fields.scalar("health", "the name of a health model")
    if node is None:
        return None
    if node.value not in drafts:
        what = f'no health model is called "{node.value[:60]}"'
        report.add("unknown-model", node.place, what, near(node.value, drafts))
        return None
    if "bands" in fields:
        what = "the lifecycle has bands, and its health model has them too"
        report.add("duplicate-key", fields.key("bands"), what, "remove the bands here: those of the model count.")
    return drafts[node.value].model


def checked(draft: Draft, names: Names, lifecycle: Lifecycle | None, report: Report) -> HealthModel:
    """The model with its conditions."""
    components = []
    for number, component in enumerate(draft.model.components):
        metrics = tuple(
            _with_conditions(metric, draft.asked[number, place], names, lifecycle, report)
            for place, metric in enumerate(component.metrics)
        )
        components.append(replace(component, metrics=metrics))
    return replace(draft.model, components=tuple(components))


def _with_conditions(
    metric: Metric, asked: Mapping[str, Scalar], names: Names, lifecycle: Lifecycle | None, report: Report
) -> Metric:
    def expr(key: str) -> Expr | None:
        node = asked.get(key)
        if node is None:
            return None
        number = key == "value"
        found = compile_value(node, names, report, "number") if number else compile_expression(node, names, report)
        _refuse(found.tree, node, lifecycle, report)
        return found

    return replace(metric, good=expr("good"), middle=expr("middle"), value=expr("value"))


def _refuse(tree: Any, node: Scalar, lifecycle: Lifecycle | None, report: Report) -> None:
    """Findings about what a score must not hang on."""
    for name in dict.fromkeys(names_in(tree)):
        milestone = lifecycle.milestones.get(name.removeprefix("milestones.")) if lifecycle else None
        behind = names_in(milestone.when.tree) if milestone is not None and milestone.when is not None else ()
        wrong = next((item for item in (name, *behind) if item in _FOLLOWS or item.startswith("playing.")), None)
        if wrong is not None:
            through = "" if wrong == name else f' through "{name}"'
            what = f'a score cannot hang on "{wrong}"{through}'
            report.add("health-reads", node.place, what, "ask for a fact of the catalogue.")
    for name in _asks_whether_known(tree):
        if lifecycle is not None and name in lifecycle.facts:
            what = f'asks whether "{name}" is known'
            fix = 'remove it: "unknown" says what the metric counts as where a fact is not known.'
            report.add("health-reads", node.place, what, fix)


def _asks_whether_known(tree: Any) -> Iterator[str]:
    if tree[0] in ("known", "unknown"):
        yield from names_in(tree[1])
    elif tree[0] not in ("const", "get"):
        for item in tree[1:]:
            yield from _asks_whether_known(item)
