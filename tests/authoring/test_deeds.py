"""Steps that send nothing: what may be written, what is found, what they compile to."""

from collections.abc import Callable
from typing import Any

import pytest

from lifecycle.actions import SetFacts, StartPlay, StopPlay
from lifecycle.playbook import Playbook

Wrap = Callable[[str], str]


def action_of(judge: Any, text: str) -> Any:
    """The action of the only step of a playbook in which nothing is wrong."""
    compiled = judge.compiled({"playbooks/tried.yaml": text})
    errors = [item for item in compiled.diagnostics if item.severity == "error"]
    assert errors == []
    book = next(item for item in compiled.releases.values() if isinstance(item, Playbook) and item.name == "tried")
    return book.steps[0].action


def test_values_of_facts_become_trees(judge: Any, playbook_of: Wrap) -> None:
    facts = "{ setup.api_connected: yes, usage.dau_wau: 1 - usage.dau_wau, plan.name: \"'paid'\" }"
    action = action_of(judge, playbook_of(f"  - {{ id: mark, day: 1, set: {facts} }}\n"))
    assert isinstance(action, SetFacts)
    assert {name: expr.tree for name, expr in action.facts.items()} == {
        "setup.api_connected": ("const", True),
        "usage.dau_wau": ("-", ("const", 1), ("get", "usage.dau_wau")),
        "plan.name": ("const", "paid"),
    }


def test_a_date_may_be_written_as_a_text(judge: Any, playbook_of: Wrap) -> None:
    action = action_of(judge, playbook_of("  - { id: mark, day: 1, set: { contract.ends_on: \"'2026-12-31'\" } }\n"))
    assert action.facts["contract.ends_on"].tree == ("const", "2026-12-31")


@pytest.mark.parametrize(
    ("step", "rules"),
    [
        ("set: {}", ["value"]),
        ("set: later", ["value"]),
        ("set: { usage.dau_wau: }", ["value"]),
        ("set: { usage.dau_wau: [1] }", ["value"]),
        ("set: { usage.dau_wau: '[1, 2]' }", ["type"]),
        ("set: { usage.dau_wau: 'yes and no' }", ["type", "unknown-name", "unknown-name"]),
        ("set: { usage.dau_wau: \"'much'\" }", ["type"]),
        ("set: { usage.dau_wau: 0.5 > 0.2 }", ["type"]),
        ("set: { contract.ends_on: \"'soon'\" }", ["type"]),
        ("set: { plan.name: \"'gold'\" }", ["value"]),
        ("start: [hello]", ["value"]),
        ("start: helo", ["unknown-playbook"]),
        ("stop: helo", ["unknown-playbook"]),
        ("stop: this, goal: perhaps", ["value"]),
        ("stop: this, set: { usage.dau_wau: 1 }", ["one-action"]),
    ],
)
def test_what_cannot_be_is_found(judge: Any, playbook_of: Wrap, step: str, rules: list[str]) -> None:
    assert judge.rules(playbook_of(f"  - {{ id: it, day: 1, {step} }}\n")) == rules


def test_without_a_lifecycle_no_name_is_called_unknown(judge: Any, playbook_of: Wrap) -> None:
    text = playbook_of("  - { id: it, day: 1, set: { odd.fact: 1 } }\n  - { id: on, day: 1, start: other }\n")
    found = judge.compiled({"playbooks/tried.yaml": text, "playbooks/facts.yaml": "facts: [\n"}).diagnostics
    assert [item.rule for item in found] == ["yaml"]


@pytest.mark.parametrize(
    ("step", "action"),
    [
        ("start: hello", StartPlay("hello")),
        ("stop: hello", StopPlay("hello")),
        ("stop: this", StopPlay()),
        ("stop: this, goal: yes", StopPlay("", goal=True)),
    ],
)
def test_plays_are_started_and_stopped_by_name(judge: Any, playbook_of: Wrap, step: str, action: Any) -> None:
    assert action_of(judge, playbook_of(f"  - {{ id: it, day: 1, {step} }}\n")) == action
