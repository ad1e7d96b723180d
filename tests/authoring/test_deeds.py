"""Steps that send nothing: what may be written, what is found, what they compile to."""

from collections.abc import Callable
from typing import Any

import pytest

from lifecycle.actions import (
    CancelMeeting,
    Document,
    Escalate,
    Length,
    Opportunity,
    Reschedule,
    SetFacts,
    StartPlay,
    StopPlay,
    Webhook,
)
from lifecycle.playbook import Lifecycle, Playbook

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


def test_a_fact_may_get_the_value_of_an_input(judge: Any) -> None:
    head = "playbook: tried\ntitle: Tried\nowner: csm\ntrigger: { stage: onboarding }\n"
    inputs = "inputs: { level: { type: number, default: 3 } }\n"
    step = "steps:\n  - { id: mark, day: 1, set: { usage.core_features: inputs.level } }\n"
    action = action_of(judge, head + inputs + step)
    assert action.facts["usage.core_features"].tree == ("const", 3)


def test_a_date_may_be_written_as_a_text(judge: Any, playbook_of: Wrap) -> None:
    action = action_of(judge, playbook_of("  - { id: mark, day: 1, set: { contract.ends_on: \"'2026-12-31'\" } }\n"))
    assert action.facts["contract.ends_on"].tree == ("const", "2026-12-31")


@pytest.mark.parametrize(
    ("step", "rules"),
    [
        ("set: {}", ["value"]),
        ("set: later", ["value"]),
        ("set: { usage.dau_wu: 1 }", ["unknown-fact"]),
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
        ("document: { template: plan, for: csm, title: x }", ["template-missing"]),
        ("document: { template: plan, for: [csm, champion], title: x }", ["template-missing", "value"]),
        ("document: plan", ["value"]),
        ("document: { template: Plan }", ["missing-key", "missing-key", "name"]),
        ("opportunity: { kind: Seats, title: x }", ["name"]),
        ("opportunity: { kind: seats, title: x, value: plan.name }", ["type"]),
        ("opportunity: { kind: seats, title: x, commission: 101 }", ["range"]),
        ("opportunity: { kind: seats, title: x, owner: champion }", ["wrong-audience"]),
        ("escalate: { title: x, due: soon }", ["length"]),
        ("webhook: crm", ["value"]),
        ("webhook: { to: crm }", ["missing-key"]),
        (
            "webhook: { to: The CRM, event: told, data: { Arr: 1, arr: [1], tier: customer.teir } }",
            ["name", "name", "name", "value", "unknown-name"],
        ),
        ("escalate: { above: founder, title: x }", ["role-unfilled"]),
        ("reschedule: kickoff", ["value"]),
        ("cancel: { reason: x }", ["missing-key"]),
        ("cancel: { invite: it }", ["unknown-step"]),
        ("cancel: { invite: kickof }", ["unknown-step"]),
        ("reschedule: { invite: it, when: tomorrow }", ["unknown-step", "time"]),
        ("reschedule: { invite: it }", ["missing-key", "unknown-step"]),
    ],
)
def test_what_cannot_be_is_found(judge: Any, playbook_of: Wrap, step: str, rules: list[str]) -> None:
    assert judge.rules(playbook_of(f"  - {{ id: it, day: 1, {step} }}\n")) == rules


KICKOFF = (
    "  - id: kickoff\n    day: 1\n"
    '    invite: { to: [champion, csm], template: kickoff, when: "day 3 between 10:00 and 16:00", length: 1 hour }\n'
)


def test_steps_that_change_a_meeting_name_the_step_that_invites(judge: Any, playbook_of: Wrap) -> None:
    move = '  - { id: move, day: 2, reschedule: { invite: kickoff, when: "day 5 between 10:00 and 16:00" } }\n'
    off = "  - { id: off, day: 4, cancel: { invite: kickoff, reason: no need } }\n"
    compiled = judge.compiled({"playbooks/tried.yaml": playbook_of(KICKOFF + move + off)})
    assert compiled.diagnostics == ()
    book = next(item for item in compiled.releases.values() if isinstance(item, Playbook) and item.name == "tried")
    assert [step.action for step in book.steps[1:]] == [
        Reschedule("kickoff", 5, "10:00", "16:00"),
        CancelMeeting("kickoff", "no need"),
    ]
    assert [step.when.shift for step in book.steps] == ["next", "next", ""]


def test_a_meeting_cannot_move_to_a_day_before_its_step(judge: Any, playbook_of: Wrap) -> None:
    move = '  - { id: move, day: 6, reschedule: { invite: kickoff, when: "day 5 between 10:00 and 16:00" } }\n'
    found = judge.playbook(playbook_of(KICKOFF + move))
    assert [(item.rule, item.what) for item in found] == [
        ("invite-day", "the meeting is on day 5, its invitation goes out on day 6")
    ]


def test_a_step_that_invites_nobody_has_no_meeting_to_change(judge: Any, playbook_of: Wrap) -> None:
    (found,) = judge.playbook(playbook_of(KICKOFF + "  - { id: off, day: 1, cancel: { invite: off } }\n"))
    assert (found.what, found.fix) == ('the step "off" invites nobody', 'did you mean "kickoff"?')


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


def test_an_opportunity_has_the_words_of_its_file(judge: Any, playbook_of: Wrap) -> None:
    words = "{ kind: seats, title: More, value: customer.arr * 0.2, commission: 2.5, closes: 30 days }"
    action = action_of(judge, playbook_of(f"  - {{ id: it, day: 1, opportunity: {words} }}\n"))
    assert isinstance(action, Opportunity)
    assert action.value is not None
    assert action.value.tree == ("*", ("get", "customer.arr"), ("const", 0.2))
    assert (action.to, action.opportunity, action.title) == (("csm",), "seats", "More")
    assert (action.commission, action.closes) == (2.5, Length(30, "days"))
    bare = action_of(judge, playbook_of("  - { id: it, day: 1, opportunity: { kind: seats, title: More } }\n"))
    assert bare == Opportunity(("csm",), "seats", "More", Length(60, "days"))


def test_work_for_the_next_person_up_is_above_the_owner_unless_it_says_otherwise(judge: Any, playbook_of: Wrap) -> None:
    text = '  - { id: up, day: 1, escalate: { title: "Look", checklist: [Called] } }\n'
    assert action_of(judge, playbook_of(text)) == Escalate("csm", "Look", checklist=("Called",))


def test_a_document_may_use_every_fact_without_a_guard(judge: Any, playbook_of: Wrap) -> None:
    text = playbook_of(
        '  - { id: plan, day: 1, document: { template: plan, for: csm, title: "{{ usage.dau_wau }}" } }\n'
    )
    good = {"playbooks/tried.yaml": text, "templates/documents/plan.md": "Use: {{ usage.dau_wau }}\n"}
    compiled = judge.compiled(good)
    assert [item for item in compiled.diagnostics if item.severity == "error"] == []
    book = next(item for item in compiled.releases.values() if isinstance(item, Playbook) and item.name == "tried")
    assert book.templates["documents/plan.md"] == "Use: {{ usage.dau_wau }}\n"
    assert book.steps[0].action == Document(("csm",), "plan", "{{ usage.dau_wau }}")
    wrong = judge.compiled({**good, "templates/documents/plan.md": "Use: {{ usage.dau_wu }}\n"})
    assert [item.rule for item in wrong.diagnostics if item.severity == "error"] == ["template-variable"]


def test_a_fact_may_say_who_can_say_it(judge: Any) -> None:
    judge.compiled()
    text = (judge.folder / "playbooks/facts.yaml").read_text(encoding="utf-8")
    text = text.replace("title: The plan }", "title: The plan, owner: csm }")
    compiled = judge.compiled({"playbooks/facts.yaml": text})
    life = next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))
    assert life.facts["plan.name"].owner == "csm"


def test_what_another_system_is_told_are_expressions(judge: Any, playbook_of: Wrap) -> None:
    words = "{ to: crm, event: plan.changed, data: { plan: plan.name, half: customer.arr / 2, sure: true } }"
    action = action_of(judge, playbook_of(f"  - {{ id: it, day: 1, webhook: {words} }}\n"))
    assert isinstance(action, Webhook)
    assert (action.endpoint, action.event, list(action.data)) == ("crm", "plan.changed", ["plan", "half", "sure"])
    bare = action_of(judge, playbook_of("  - { id: it, day: 1, webhook: { to: crm, event: plan.changed } }\n"))
    assert bare == Webhook("crm", "plan.changed", {})
