"""How a fact of the catalogue follows from what came day by day: `derived` of `facts.yaml`. Part of
`authoring.catalogue`.
"""

from collections.abc import Mapping as PyMapping

from authoring.diagnostics import Report, near
from authoring.fields import Fields
from authoring.grammar import keys
from authoring.source import Mapping, Scalar
from lifecycle.playbook import Derived, EventSpec, FactSpec
from lifecycle.windows import COMPARED, HOW

_LONGEST = 365
_IN_DAYS = {"days": 1, "weeks": 7}


def read_derived(fields: Fields, kind: str) -> Derived | None:
    """The `derived` of a fact of some type; None where it has none, or it cannot be read."""
    node = fields.get("derived")
    if not isinstance(node, Mapping):
        if node is not None:
            fields.scalar("derived", "{ from: user.logged_in, how: count, window: 7 days }")
            fields.report.add("value", node.place, '"derived" is not a mapping', "write { from: ..., how: count }.")
        return None
    inner = Fields(node, keys("derived"), '"derived"', fields.report)
    source = inner.text("from", '"from: user.logged_in"', required=True)
    how = inner.choice("how", HOW, "count")
    if "how" not in inner:
        inner.missing("how", '"how: count"')
    wanted = "text" if how == "trend" else "number"
    if kind != wanted:
        fields.report.add(
            "type", inner.place("how"), f'"{how}" makes a {wanted}, not a {kind}', f"write type: {wanted}."
        )
    days = 0 if how == "days_since" else _days(inner, "window", 0, required=True)
    compared = how in COMPARED
    for key in ("window",) * (how == "days_since") + ("against", "at_least") * (not compared):
        if key in inner:
            fields.report.add("value", inner.key(key), f'"{key}" means nothing with "how: {how}"', "take it out.")
    least = inner.scalar("at_least", "a number such as 20")
    return Derived(
        source,
        how,  # type: ignore[arg-type]  # one of `HOW`, which are the words of the type
        days,
        _days(inner, "against", days) if compared else 0,
        int(how in ("change", "mean_change")) if least is None else inner.number_of(least, "at_least"),
    )


def _days(fields: Fields, key: str, default: int, *, required: bool = False) -> int:
    """A length of whole days."""
    length = fields.length(key, "30 days", required=required)
    if length is None:
        return default
    days = length.amount * _IN_DAYS.get(length.unit, 0)
    if not 1 <= days <= _LONGEST:
        what = f'"{key}" is not between a day and {_LONGEST} days'
        fields.report.add("range", fields.place(key), what, 'write whole days, such as "30 days".')
    return days


def check_sources(
    root: Mapping, facts: PyMapping[str, FactSpec], events: PyMapping[str, EventSpec], report: Report
) -> None:
    """A finding for each fact that is derived from what it cannot be derived from."""
    group = root.entries.get("facts")
    for name, node in group.entries.items() if isinstance(group, Mapping) else ():
        inner = node.entries.get("derived") if isinstance(node, Mapping) else None
        source = inner.entries.get("from") if isinstance(inner, Mapping) else None
        spec = facts[name].derived if name in facts else None
        if isinstance(source, Scalar) and spec is not None and spec.source:
            _check(source, spec, facts, events, report)


def _check(
    node: Scalar, spec: Derived, facts: PyMapping[str, FactSpec], events: PyMapping[str, EventSpec], report: Report
) -> None:
    fact, event = facts.get(spec.source), spec.source in events
    measured = fact is not None and fact.type == "number"
    if fact is None and not event:
        what = f'no event or fact is called "{spec.source[:60]}"'
        report.add("unknown-name", node.place, what, near(spec.source, [*events, *facts]))
    elif measured and event:
        what, fix = f'"{spec.source}" is an event and a fact', "give one of them another name."
        report.add("duplicate-name", node.place, what, fix)
    elif fact is not None and fact.derived is not None:
        what, fix = f'"{spec.source}" is derived itself', f'write "from: {fact.derived.source}".'
        report.add("cycle", node.place, what, fix)
    elif not event and not measured:
        report.add("type", node.place, f'"{spec.source}" is not a number', "write an event, or a number.")
    elif (spec.how == "count" and not event) or (spec.how in ("sum", "mean_change") and event):
        better = "count" if event else "sum"
        what = f'"{spec.how}" is not for {"an event" if event else "a number"}'
        report.add("value", node.place, what, f'write "how: {better}".')
