"""Each way to be wrong in a playbook is one finding under its rule, at the right words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STANDARD = Path(__file__).parent / "standard/playbooks"

STEPS = [
    ("day: 1\n    slack: look", "value", "look"),
    ("day: 1\n    slack: { to: csm, template: ../../etc/passwd }", "name", "../../etc/passwd"),
    ("day: 1\n    slack: { to: csm, template: look.txt }", "name", "look.txt"),
    ("day: 1\n    slack: { to: [csm, csm], template: look }", "duplicate-name", "csm"),
    ("day: 1\n    slack: { to: [], template: look }", "value", "to"),
    ("day: 1\n    slack: { to: csm }", "missing-key", "to"),
    ("day: 1\n    slack:", "value", "slack"),
    ("day:\n    slack: { to: csm, template: look }", "value", "day"),
    ("day: 1\n    weekend: never\n    slack: { to: csm, template: look }", "value", "never"),
    ("after: welcome\n    slack: { to: csm, template: look }", "value", "welcome"),
    ("after: { delay: 1 day }\n    slack: { to: csm, template: look }", "missing-key", "delay"),
    ("then: []\n    slack: { to: csm, template: look }", "when", "then"),
    ("approval: csm\n    slack: { to: csm, template: look }", "value", "csm"),
    ("approval: { by: csm }\n    slack: { to: csm, template: look }", "missing-key", "by"),
    ("approval: { by: champion, within: 1 day }\n    slack: { to: csm, template: look }", "wrong-audience", "champion"),
    ("approval: { by: csm, within: 1 day, escalate: [csm] }\n    slack: { to: csm, template: look }", "value", "csm"),
    ("approval: { by: csm, within: 1 day, expired: shout }\n    slack: { to: csm, template: look }", "value", "shout"),
    ("slack: { to: plan.owner, template: look }", "unknown-fact", "plan.owner"),
    ("slack: { to: plan.name, template: look }", "unknown-role", "plan.name"),
    ("task: { title: Call, due: soon }", "length", "soon"),
    ("task: { title: Call, due: day 2 at noon }", "time", "noon"),
    ("survey: { to: champion }", "missing-key", "to"),
    ("survey: { kind: stars, to: champion }", "value", "stars"),
    ("task: { to: csm }", "missing-key", "to"),
    ("task: { title: '{% if %}' }", "template-syntax", "'{% if %}'"),
    ("task: { title: 'Score {{ nps.score }}' }", "template-unguarded", "nps.score"),
    ("task: { title: Call, checklist: once }", "value", "once"),
    ("task: { title: Call, checklist: [[a]] }", "value", "["),
    (f"task: {{ title: {'x' * 2001} }}", "range", "x" * 2001),
    ("invite: { to: csm, template: kickoff, when: tomorrow, length: 1 hour }", "time", "tomorrow"),
    (
        "invite: { to: csm, template: kickoff, when: day 2 between 16:00 and 10:00, length: 1 hour }",
        "time",
        "day 2 between 16:00 and 10:00",
    ),  # one step
    ("invite: { to: csm, template: kickoff, when: day 2 between 10:00 and 25:00, length: 1 hour }", "time", "25:00"),
    ("invite: { to: csm, template: kickoff, when: day 2 between 10:00 and 16:00, length: 2 days }", "range", "2 days"),
    ("invite: { to: csm, template: kickoff, length: 1 hour }", "missing-key", "to"),
    ("invite: { to: csm, template: kickoff, when: day 2 between 10:00 and 16:00 }", "missing-key", "to"),
    ("wait: { by: day 5 }", "missing-key", "by"),
    ("wait: { event: feature.used, by: [day 5] }", "value", "["),
    ("wait: { until: milestones.first_value, event: feature.used, by: day 5 }", "when", "event"),
    ("wait: { event: feature.used, by: day 5 at noon }", "time", "noon"),
    ("wait: { event: feature.used, by: tomorrow }", "length", "tomorrow"),
    ("wait: { event: feature.used, by: day 5 }\n    then: { id: x }", "value", "id"),
    ("if: [a]\n    slack: { to: csm, template: look }", "value", "["),
    ("needs: [try]\n    slack: { to: csm, template: look }", "cycle", "try"),
]


@pytest.mark.parametrize(("step", "rule", "words"), STEPS, ids=[f"{n} {row[1]}" for n, row in enumerate(STEPS)])
def test_a_wrong_step_is_one_finding_at_its_words(
    judge: Any, playbook_of: Callable[[str], str], step: str, rule: str, words: str
) -> None:
    found = judge.playbook(playbook_of(f"  - id: try\n    {step}\n"))
    assert [item.rule for item in found] == [rule]
    place = found[0].place
    assert place.source[place.column - 1 : place.column - 1 + place.width] == words


MEANT = [
    ("if: usage.dau_wau < 50%", "write a share as a number: 0.5 for 50%."),
    ("if: usage.dau_wau < '50'", "write 50 without quotes."),
    ("if: customer.tier == 3", "write '3' in quotes."),
    ("if: access.given == 'yes'", "ask for it alone, or with not before it: it is true or false."),
    ("if: usage.dau_wau == access.given", "compare values of one kind."),
    ("if: customer.tier == pro", "write 'pro' in single quotes, if it is a text; names have a dot."),
    ("if: customer.tier == \u2018pro\u2019", "write straight quotes, as in 'pro'."),
    ("if: usage.dau_wau <", 'write a comparison, such as "nps.score >= 9".'),
    ("day: 2\n    at: \u201c11:30\u201d", 'write "11:30".'),
    ("day: 2\n    at: 8pm", 'write "20:00".'),
    ("day: 2\n    at: 12:30 AM", 'write "00:30".'),
    ("day: 2\n    at: noon", 'write "09:00".'),
    ("approval: { by: csm, within: 12 buisness hours }", 'write "12 business hours".'),
    ("approval: { by: csm, within: 3 working days }", 'write "3 business days".'),
    ("approval: { by: csm, within: 3 busines day }", 'write "3 business days".'),
    ("approval: { by: csm, within: 90 min }", 'write "90 minutes".'),
]


@pytest.mark.parametrize(("written", "fix"), MEANT)
def test_what_to_write_instead_is_what_was_meant(
    judge: Any, playbook_of: Callable[[str], str], written: str, fix: str
) -> None:
    found = judge.playbook(playbook_of(f"  - id: try\n    {written}\n    slack: {{ to: csm, template: look }}\n"))
    assert [item.fix for item in found] == [fix]


HEADS = [
    ("title: Tried", "title: Tried\npriority: 101", "range"),
    ("trigger: { stage: onboarding }", "trigger: onboarding", "value"),
    ("trigger: { stage: onboarding }", "trigger: {}", "trigger"),
    ("trigger: { stage: onboarding }", "trigger: { stage: new, band: red }", "trigger"),
    ("trigger: { stage: onboarding }", "trigger: { stage: new, where: access.given }", "trigger"),
    ("trigger: { stage: onboarding }", "trigger: { event: feature.usd }", "unknown-event"),
    ("anchor: signup", "anchor: birthday", "value"),
    ("anchor: signup", "anchor: plan.day", "unknown-fact"),
    ("anchor: signup", "anchor: plan.name", "type"),
    ("anchor: signup", "reentry: twice", "value"),
    ("anchor: signup", "reentry: [once]", "value"),
    ("anchor: signup", "reentry: { again_after: 2 moons }", "length"),
    ("anchor: signup", "timing: { window: 8 to 18 }", "time"),
    ("anchor: signup", "goal: nps.score", "type"),
]


@pytest.mark.parametrize(("old", "new", "rule"), HEADS, ids=[f"{n} {row[2]}" for n, row in enumerate(HEADS)])
def test_a_wrong_head_is_one_finding(
    judge: Any, playbook_of: Callable[[str], str], old: str, new: str, rule: str
) -> None:
    text = playbook_of("  - id: look\n    day: 1\n    slack: { to: csm, template: look }\n")
    assert judge.rules(text.replace(old, new)) == [rule]


CONDITIONS = [
    ("usage.dau_wau in 'abc'", "type"),
    ("usage.dau_wau == ['a']", "type"),
    ("customer.tier > 'a'", "type"),
    ("contract.ends_on < 'soon'", "type"),
    ("customer.tier and true", "type"),
    ("customer.tier + 1 > 2", "type"),
    ("customer.tier in [['a']]", "expression"),
    ("customer.tier is string", "expression"),
    ("customer.tier == none", "expression"),
    ("customer.tier ~ 'x' == 'y'", "expression"),
    ("customer.tier == 'pro' AND access.given", "expression"),
    ("access.given if access.given else false", "expression"),
    ("usage.dau_wau", "type"),
    ("customer.tier in ['pro', true]", "type"),
    ("+customer.tier > 1", "type"),
    ("customer.band == 'blue'", "unknown-band"),
    ("playing.no_such", "unknown-name"),
    ("milestones.first_valu", "unknown-name"),
    ("usage.dau_wau > 99999999999999999999", "expression"),
    ("customer.tier == 'a\\nb'", "expression"),
    (" and ".join(["access.given"] * 50), "expression"),
]


@pytest.mark.parametrize(("condition", "rule"), CONDITIONS, ids=[f"{n} {row[1]}" for n, row in enumerate(CONDITIONS)])
def test_a_wrong_condition_is_one_finding(
    judge: Any, playbook_of: Callable[[str], str], condition: str, rule: str
) -> None:
    steps = f"  - id: look\n    day: 1\n    if: {condition}\n    slack: {{ to: csm, template: look }}\n"
    assert judge.rules(playbook_of(steps)) == [rule]


def test_two_circles_are_two_findings(judge: Any, playbook_of: Callable[[str], str]) -> None:
    pairs = (("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"))
    steps = "".join(f"  - id: {a}\n    needs: [{b}]\n    slack: {{ to: csm, template: look }}\n" for a, b in pairs)
    assert judge.rules(playbook_of(steps)) == ["cycle", "cycle"]


def test_a_wait_that_needs_a_step_of_its_own_branch_is_a_circle(judge: Any, playbook_of: Callable[[str], str]) -> None:
    steps = (
        "  - id: used\n    needs: [nudge]\n    wait: { event: feature.used, by: day 5 }\n"
        "    otherwise:\n      - id: nudge\n        slack: { to: csm, template: look }\n"
    )
    assert judge.rules(playbook_of(steps)) == ["cycle"]


def test_more_than_a_thousand_steps_are_too_many(judge: Any, playbook_of: Callable[[str], str]) -> None:
    steps = "".join(f"  - id: s{n}\n    slack: {{ to: csm, template: look }}\n" for n in range(1001))
    assert judge.rules(playbook_of(steps)) == ["too-large"]


def test_a_misspelt_deed_is_one_finding(judge: Any, playbook_of: Callable[[str], str]) -> None:
    assert judge.rules(playbook_of("  - id: look\n    taskk: { title: Call }\n")) == ["unknown-key"]
    assert judge.rules(playbook_of("  - id: look\n    day: 1\n    at: '10:00'\n")) == ["one-action"]


PROMISE = """playbook: promise
title: Promise
owner: csm
trigger: { event: feature.used }
anchor: contract.ends_on
exit: customer.stage == 'churned'
steps:
  - { id: before, day: -5, task: { to: plan.owner, title: Look, due: day 0 } }
  - { id: at, task: { to: [csm, plan.owner], title: Keep it, due: "day 0 at 17:00" } }
"""


def test_a_play_may_count_from_a_date_and_work_for_whom_a_fact_names(judge: Any) -> None:
    facts = (STANDARD / "facts.yaml").read_text(encoding="utf-8")
    owner = "  plan.owner: { type: text, choices: [csm, support], title: Owner }\nevents:"
    files = {"playbooks/facts.yaml": facts.replace("events:", owner, 1), "playbooks/promise.yaml": PROMISE}
    compiled = judge.compiled(files)
    assert compiled.diagnostics == ()
    book = next(item for item in compiled.releases.values() if getattr(item, "name", "") == "promise")
    assert book.anchor == "contract.ends_on"
    assert [step.to for step in book.steps] == [("plan.owner",), ("csm", "plan.owner")]
    assert [(step.action.by.day, step.action.by.at) for step in book.steps] == [(0, ""), (0, "17:00")]


def test_without_a_lifecycle_no_fact_is_asked_for(judge: Any) -> None:
    compiled = judge.compiled({"playbooks/promise.yaml": PROMISE}, without=("playbooks/lifecycle.yaml",))
    assert {item.rule for item in compiled.diagnostics} == {"no-lifecycle"}


def test_what_is_wrong_besides_does_not_hide_that_there_is_no_lifecycle(judge: Any) -> None:
    wrong = {"playbooks/promise.yaml": PROMISE.replace("title: Promise", "titel: Promise")}
    found = judge.compiled(wrong, without=("playbooks/lifecycle.yaml",)).diagnostics
    assert {item.rule for item in found} == {"no-lifecycle", "unknown-key", "missing-key"}


def test_a_file_that_cannot_be_read_may_be_the_lifecycle(judge: Any) -> None:
    found = judge.compiled({"playbooks/lifecycle.yaml": "lifecycle: [\n"}).diagnostics
    assert {item.rule for item in found} == {"yaml"}
