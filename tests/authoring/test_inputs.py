"""Inputs: one playbook, other values; resolved when it is compiled, known to templates by name."""

from typing import Any

import pytest

from authoring.compile import Compiled
from authoring.diagnostics import render_text
from lifecycle.actions import Length, Task
from lifecycle.playbook import Playbook, digest_of

DUNNING = """
playbook: dunning
title: Dunning
owner: csm
priority: 40
trigger: { event: feature.used }
entry: usage.core_features >= inputs.least
inputs:
  grace: { type: length, default: 5 days }
  least: { type: number, default: 3, range: 1-50 }
  who: { type: role, default: csm }
  wording: { type: text, default: Call }
  strict: { type: boolean, default: no }
  at: { type: time, default: "09:30" }
timing: { at: inputs.at }
steps:
  - { id: look, day: 1, slack: { to: inputs.who, template: look } }
  - id: call
    after: { step: look, delay: inputs.grace }
    if: not inputs.strict
    task: { to: inputs.who, title: "{{ inputs.wording }} {{ customer.name }}" }
"""
EMEA = """
playbook: dunning-emea
uses: dunning
title: Dunning in Europe
entry: customer.country in ['DE', 'FR']
inputs: { grace: 10 days, who: cs_manager, least: 7 }
"""


def compiled(judge: Any, emea: str = EMEA, base: str = DUNNING) -> Compiled:
    found: Compiled = judge.compiled({"playbooks/dunning.yaml": base, "playbooks/emea.yaml": emea})
    return found


def books(judge: Any) -> dict[str, Playbook]:
    found = compiled(judge)
    assert not found.diagnostics, render_text(found.diagnostics)
    return {item.name: item for item in found.releases.values() if isinstance(item, Playbook)}


def test_an_input_stands_where_its_value_is_written(judge: Any) -> None:
    book = books(judge)["dunning"]
    look, call = book.steps
    assert (book.at, look.action.to, call.when.delay) == ("09:30", ("csm",), Length(5, "days"))  # type: ignore[union-attr]  # a message
    assert book.inputs == {
        "grace": "5 days", "least": 3, "who": "csm", "wording": "Call", "strict": False, "at": "09:30",
    }  # fmt: skip


def test_a_condition_gets_the_value_and_keeps_the_name_in_its_text(judge: Any) -> None:
    entry = books(judge)["dunning"].entry
    assert entry is not None
    assert entry.text == "usage.core_features >= inputs.least"
    assert entry.tree == (">=", ("get", "usage.core_features"), ("const", 3))


def test_a_file_that_uses_another_is_that_playbook_with_other_values(judge: Any) -> None:
    found = books(judge)
    base, emea = found["dunning"], found["dunning-emea"]
    assert (emea.title, emea.owner, emea.priority, emea.file) == ("Dunning in Europe", "csm", 40, base.file)
    assert emea.steps[1].when.delay == Length(10, "days")
    assert isinstance(emea.steps[1].action, Task)
    assert emea.steps[1].action.to == ("cs_manager",)
    assert emea.inputs == {**base.inputs, "grace": "10 days", "who": "cs_manager", "least": 7}
    assert digest_of(emea) != digest_of(base)


def test_both_entries_must_hold(judge: Any) -> None:
    entry = books(judge)["dunning-emea"].entry
    assert entry is not None
    assert entry.text == "(usage.core_features >= inputs.least) and (customer.country in ['DE', 'FR'])"
    assert entry.tree[0] == "and"


def test_an_entry_of_its_own_is_enough_where_the_other_has_none(judge: Any) -> None:
    base = DUNNING.replace("entry: usage.core_features >= inputs.least\n", "").replace(
        "  least: { type: number, default: 3, range: 1-50 }\n", ""
    )
    found = compiled(judge, EMEA.replace(", least: 7", ""), base)
    assert not found.diagnostics
    book = next(item for item in found.releases.values() if isinstance(item, Playbook) and item.name == "dunning-emea")
    assert book.entry is not None
    assert book.entry.text == "customer.country in ['DE', 'FR']"


WRONG = [
    ("least: 7", "least: 70", "range", "70"),
    ("who: cs_manager", "who: cs_mangr", "unknown-role", "cs_mangr"),
    ("grace: 10 days", "grace: ten days", "length", "ten days"),
    ("grace: 10 days", "graze: 10 days", "unknown-input", "graze"),
    ("inputs: {", "inputs: [{", "yaml", ""),
    ("uses: dunning", "uses: dunning-emea", "unknown-playbook", "dunning-emea"),
    ("uses: dunning", "uses: [dunning]", "value", "["),
    ("title: Dunning in Europe", "trigger: { stage: new }", "unknown-key", "trigger"),
    ("uses: dunning", "uses: dunnin", "unknown-playbook", "dunnin"),
    ("inputs: { grace: 10 days, who: cs_manager, least: 7 }", "inputs: none", "value", "none"),
]


@pytest.mark.parametrize(("old", "new", "rule", "words"), WRONG, ids=[f"{n} {row[2]}" for n, row in enumerate(WRONG)])
def test_a_wrong_value_is_found_in_the_file_that_chose_it(
    judge: Any, old: str, new: str, rule: str, words: str
) -> None:
    found = compiled(judge, EMEA.replace(old, new)).diagnostics
    assert [(item.rule, item.place.file) for item in found] == [(rule, "playbooks/emea.yaml")]
    place = found[0].place
    assert place.source[place.column - 1 : place.column - 1 + place.width] == words or not words


def test_a_mistake_in_the_used_file_is_told_once(judge: Any) -> None:
    found = compiled(judge, base=DUNNING.replace("template: look", "template: lok")).diagnostics
    assert [(item.rule, item.place.file) for item in found] == [("template-missing", "playbooks/dunning.yaml")]


def test_a_used_file_without_such_an_input_has_none_to_choose(judge: Any) -> None:
    found = compiled(judge, base=DUNNING.replace("  grace: { type: length, default: 5 days }", "  grace: 5 days"))
    assert [(item.rule, item.place.file) for item in found.diagnostics] == [("value", "playbooks/dunning.yaml")]


def test_an_input_without_a_default_takes_the_chosen_value(judge: Any) -> None:
    found = compiled(judge, base=DUNNING.replace("type: length, default: 5 days", "type: length"))
    assert [(item.rule, item.place.file) for item in found.diagnostics] == [("missing-key", "playbooks/dunning.yaml")]
