"""The catalogue says how a fact is derived; what it says wrong is told with its place."""

import pytest

from authoring.catalogue import compile_facts
from authoring.diagnostics import Report
from authoring.source import parse
from lifecycle.playbook import Derived

EVENTS = "events:\n  user.logged_in: { title: In }\n  data.grown: { title: Grown }\n"


def _facts(fact: str, more: str = "") -> tuple[dict[str, Derived | None], list[str]]:
    report = Report()
    text = f"facts:\n  usage.found: {fact}\n  usage.actions: {{ type: number, by_day: yes }}\n{more}{EVENTS}"
    found = compile_facts(parse(text, "facts.yaml", report), report)
    return {name: spec.derived for name, spec in found.facts.items()}, [
        f"{item.rule}: {item.what}" for item in report.sorted()
    ]


@pytest.mark.parametrize(
    ("how", "kind", "read"),
    [
        (
            "{ from: user.logged_in, how: count, window: 1 week }",
            "number",
            Derived("user.logged_in", "count", 7),
        ),
        ("{ from: usage.actions, how: sum, window: 30 days }", "number", Derived("usage.actions", "sum", 30)),
        (
            "{ from: usage.actions, how: change, window: 30 days, against: 60 days, at_least: 20 }",
            "number",
            Derived("usage.actions", "change", 30, 60, 20),
        ),
        (
            "{ from: usage.actions, how: mean_change, window: 30 days }",
            "number",
            Derived("usage.actions", "mean_change", 30, 30, 1),
        ),
        (
            "{ from: user.logged_in, how: trend, window: 30 days }",
            "text",
            Derived("user.logged_in", "trend", 30, 30, 0),
        ),
        ("{ from: user.logged_in, how: days_since }", "number", Derived("user.logged_in", "days_since")),
    ],
)
def test_a_derived_fact_is_read(how: str, kind: str, read: Derived) -> None:
    found, findings = _facts(f"{{ type: {kind}, derived: {how} }}")
    assert findings == []
    assert found["usage.found"] == read


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        ("{ type: number, derived: yes }", 'value: "derived" is not a mapping'),
        ("{ type: number, derived: { how: count, window: 7 days } }", 'missing-key: "derived" has no "from"'),
        ("{ type: number, derived: { from: user.logged_in, window: 7 days } }", 'missing-key: "derived" has no "how"'),
        ("{ type: number, derived: { from: user.logged_in, how: count } }", 'missing-key: "derived" has no "window"'),
        (
            "{ type: text, derived: { from: user.logged_in, how: count, window: 7 days } }",
            'type: "count" makes a number, not a text',
        ),
        (
            "{ type: number, derived: { from: user.logged_in, how: trend, window: 7 days } }",
            'type: "trend" makes a text, not a number',
        ),
        (
            "{ type: number, derived: { from: user.logged_in, how: count, window: 7 hours } }",
            'range: "window" is not between a day and 365 days',
        ),
        (
            "{ type: number, derived: { from: user.logged_in, how: count, window: 7 days, against: 7 days } }",
            'value: "against" means nothing with "how: count"',
        ),
        (
            "{ type: number, derived: { from: user.logged_in, how: days_since, window: 7 days } }",
            'value: "window" means nothing with "how: days_since"',
        ),
        (
            "{ type: number, derived: { from: user.loged_in, how: count, window: 7 days } }",
            'unknown-name: no event or fact is called "user.loged_in"',
        ),
        (
            "{ type: number, derived: { from: usage.actions, how: count, window: 7 days } }",
            'value: "count" is not for a number',
        ),
        (
            "{ type: number, derived: { from: user.logged_in, how: sum, window: 7 days } }",
            'value: "sum" is not for an event',
        ),
        (
            "{ type: number, derived: { from: health.fell, how: sum, window: 7 days } }",
            'type: "health.fell" is not a number',
        ),
        ("{ type: text, by_day: yes }", "type: a text is not kept by the day"),
    ],
)
def test_what_cannot_be_derived_is_told(fact: str, says: str) -> None:
    assert _facts(fact)[1] == [says]


def test_a_source_is_one_thing_and_not_derived_itself() -> None:
    twice = "  data.grown: { type: number }\n"
    assert _facts("{ type: number, derived: { from: data.grown, how: change, window: 7 days } }", twice)[1] == [
        'duplicate-name: "data.grown" is an event and a fact'
    ]
    week = "  usage.week: { type: number, derived: { from: user.logged_in, how: count, window: 7 days } }\n"
    assert _facts("{ type: number, derived: { from: usage.week, how: change, window: 7 days } }", week)[1] == [
        'cycle: "usage.week" is derived itself'
    ]
