"""Ticks of tasks in scenarios: of which task a line speaks, and what comes of it."""

from dataclasses import replace
from typing import Any

import pytest

from authoring import ticks
from authoring.diagnostics import render_text
from authoring.futures import play_all
from authoring.scenario import load, run
from lifecycle.messages import TaskTicked

BOOK = """\
playbook: tried
title: Tried
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - { id: hello, day: 1, email: { to: champion, template: welcome } }
  - { id: call, day: 2, task: { to: [csm, cs_manager], title: "Call" } }
  - { id: up, day: 2, escalate: { above: csm, title: "Look" } }
  - { id: more, day: 6, email: { to: champion, template: welcome } }
  - { id: end, day: 30, slack: { to: csm, template: look } }
"""
SCENE = """\
scenario: ticks
playbook: tried
customer: { name: Acme, tier: pro, zone: Europe/Berlin, champion: ada@acme.example.com }
start: 2026-03-02T10:00
events:
  - EVENT
expect: []
"""


def heard(judge: Any, *events: str) -> tuple[list[str], list[str]]:
    """What the trace says of ticks, and the findings, but for what is not expected."""
    compiled = judge.compiled({"playbooks/tried.yaml": BOOK})
    text = SCENE.replace("EVENT", "\n  - ".join(events))
    scenario, found = load(text, "scene.yaml", compiled)
    if scenario is None:
        return [], [item.rule for item in found]
    played = run(scenario, scenario.library(compiled))
    said = [
        f"{item.step} {item.reason}"
        for item in played.simulation.decisions
        if item.what == "task" and " by " in item.reason
    ]
    return said, [item.what for item in played.findings if "is not expected" not in item.what]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ('{ day: 3, at: "10:00", done: call }', "call done by csm"),
        ('{ day: 3, at: "10:00", done: call, by: cs_manager }', "call done by cs_manager"),
        ('{ day: 3, at: "10:00", done: call, by: support }', "call done by support"),
        ('{ day: 3, at: "10:00", reopened: call }', "call reopened by csm"),
        ('{ day: 3, at: "10:00", done: up }', "up done by cs_manager"),
        ("{ done: call, after: 4 business hours }", "call done by csm"),
    ],
)
def test_a_line_ticks_the_task_of_a_step(judge: Any, event: str, said: str) -> None:
    assert heard(judge, event) == ([said], [])


def test_the_tick_of_a_reply_lets_the_mails_go_on(judge: Any) -> None:
    reply = '{ day: 2, at: "12:00", replied: champion }'
    compiled = judge.compiled({"playbooks/tried.yaml": BOOK})
    ticked = f"{reply}\n  - {{ done: reply, after: 8 business hours }}"
    for events, days in ((reply, []), (ticked, [6])):
        scenario, found = load(SCENE.replace("EVENT", events), "scene.yaml", compiled)
        assert scenario is not None, render_text(found)
        issued = run(scenario, scenario.library(compiled)).simulation.issued
        mails = [item for item in issued if (item.command.kind, item.command.step) == ("send_email", "more")]
        assert [(item.at - scenario.start).days for item in mails] == days


@pytest.mark.parametrize(
    ("event", "finding"),
    [
        ('{ day: 1, at: "10:00", done: call }', "this ticks a task that was not raised by then"),
        ('{ day: 3, at: "10:00", done: call, play: 2 }', "this ticks a task that was not raised by then"),
        ('{ day: 3, at: "10:00", done: reply }', "this ticks a task that was not raised by then"),
        ("{ done: reply, after: 1 hour }", "this answers a question that was never put"),
    ],
)
def test_a_tick_of_no_task_is_a_finding(judge: Any, event: str, finding: str) -> None:
    assert heard(judge, event)[1] == [finding]


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        ('{ day: 3, at: "10:00", done: hello }', "unknown-step"),
        ('{ day: 3, at: "10:00", done: reply, playbook: tride }', "unknown-playbook"),
        ('{ day: 3, at: "10:00", done: reply, contact: boss }', "value"),
    ],
)
def test_a_task_that_cannot_be_is_a_finding_at_its_words(judge: Any, event: str, rule: str) -> None:
    assert heard(judge, event)[1] == [rule]


def test_a_tick_is_told_of_the_people_that_a_customer_has() -> None:
    mine = ticks.of_reply("tried", 1, 2, "champion", "csm")
    tick = ticks.called(TaskTicked(mine, "csm"), "acme", {"csm": "mara"}, {"champion": "con-1"})
    assert tick == TaskTicked("acme/tried/1/reply/2/task-replied-con-1/mara", "mara")
    assert ticks.same(ticks.of_step("tried", 1, "call", 1, "csm"), "acme/tried/1/call/1/task/csm")
    assert not ticks.same(ticks.of_step("tried", 1, "call", 2, "csm"), "acme/tried/1/call/1/task/csm")


def test_a_portfolio_may_say_that_a_task_is_done(theatre: Any) -> None:
    line = theatre.ACME.replace(" }", ', events: [{ day: 7, at: "10:00", done: call }] }')
    world = theatre.world()
    (life,) = play_all(replace(world, decisions=True), theatre.starts(line), keep=1).lives
    assert [(item.step, item.reason) for item in life.decisions if item.reason.startswith("done by")] == [
        ("call", "done by mara")
    ]
