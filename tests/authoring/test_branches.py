"""Choices, rounds and look-backs as authors write them: what they compile to, and one finding per mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authoring.coverage import coverage
from authoring.diagnostics import render_text
from authoring.scenario import check, load, play
from lifecycle.actions import Choose, Length, Repeat, Wait
from lifecycle.playbook import Playbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.authoring.conftest import Judge

STEPS = """
  - id: path
    day: 3
    choose:
      - if: milestones.technical_setup
        steps:
          - { id: look, slack: { to: csm, template: look } }
      - steps:
          - { id: also, slack: { to: csm, template: look } }
  - id: weekly
    after: { step: path, delay: 1 day }
    repeat: { every: 1 week, until: milestones.technical_setup, at_most: 4 }
    do:
      - id: heard
        wait: { event: nps.answered, since: entry, by: 3 days }
    then:
      - { id: fine, slack: { to: csm, template: look } }
    otherwise:
      - { id: poor, slack: { to: csm, template: look } }
"""


def test_a_step_knows_the_branch_it_stands_in(judge: Judge, playbook_of: Callable[[str], str]) -> None:
    compiled = judge.compiled({"playbooks/tried.yaml": playbook_of(STEPS)})
    assert compiled.diagnostics == ()
    book = next(item for item in compiled.releases.values() if isinstance(item, Playbook) and item.name == "tried")
    branches = {step.id: (step.under, step.branch) for step in book.steps}
    assert branches == {
        "path": ("", ""),
        "look": ("path", "1"),
        "also": ("path", "otherwise"),
        "weekly": ("", ""),
        "heard": ("weekly", "do"),
        "fine": ("weekly", "then"),
        "poor": ("weekly", "otherwise"),
    }
    actions = {step.id: step.action for step in book.steps}
    assert isinstance(actions["path"], Choose)
    assert actions["path"].otherwise
    assert isinstance(actions["weekly"], Repeat)
    assert (actions["weekly"].every, actions["weekly"].at_most) == (Length(1, "weeks"), 4)
    assert isinstance(actions["heard"], Wait)
    assert actions["heard"].since == "entry"


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("      - if: milestones.technical_setup\n        steps:", "      - steps:", "unreachable-step"),
        ("      - steps:\n          - { id: also", "      - then:\n          - { id: also", "unknown-key"),
        ("      - steps:\n          - { id: also, slack: { to: csm, template: look } }", "      - look", "value"),
        ("every: 1 week, ", "every: 0 days, ", "range"),
        ("every: 1 week, ", "", "missing-key"),
        ("until: milestones.technical_setup, at", "at", "missing-key"),
        (", at_most: 4", "", "missing-key"),
        ("at_most: 4", "at_most: 400", "range"),
        ("repeat: { every: 1 week, until: milestones.technical_setup, at_most: 4 }", "repeat: weekly", "value"),
        ("    do:\n", "    odd:\n", "unknown-key"),
        ("since: entry", "since: entryy", "unknown-step"),
        ("since: entry", "since: look", "ok"),
        ("    day: 3\n", "    day: 3\n    approval: { by: csm, within: 1 day }\n", "when"),
    ],
)
def test_a_mistake_is_found(
    judge: Judge, playbook_of: Callable[[str], str], before: str, after: str, rule: str
) -> None:
    assert STEPS.count(before) == 1
    found = judge.rules(playbook_of(STEPS.replace(before, after)))
    assert rule in (found or ["ok"])


def test_an_empty_choice_is_found(judge: Judge, playbook_of: Callable[[str], str]) -> None:
    assert judge.rules(playbook_of("  - { id: path, choose: [] }\n")) == ["value"]


ROUNDS = """
playbook: rounds
title: Rounds
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - id: weekly
    day: 1
    repeat: { every: 1 week, until: milestones.technical_setup, at_most: 3 }
    do:
      - id: hello
        day: 0
        at: "10:00"
        approval: { by: csm, within: 2 days }
        email: { to: champion, template: welcome }
      - id: heard
        wait: { event: nps.answered, by: day 2 at 12:00 }
        then:
          - id: path
            choose:
              - if: nps.score >= 9
                steps:
                  - { id: great, task: { to: csm, title: Thank them } }
              - steps:
                  - { id: poor, task: { to: csm, title: Call them } }
    then:
      - { id: fine, slack: { to: csm, template: look } }
    otherwise:
      - { id: help, task: { to: csm, title: Help them } }
"""
SCENE = """
scenario: rounds
playbook: rounds
customer: { name: Acme, zone: Europe/Berlin, country: DE, champion: ada@acme.example.com }
start: 2026-03-02T10:00
"""
TWO_ROUNDS = """
events:
  - { approve: hello, after: 1 hour }
  - { day: 3, at: "09:00", nps: 9 }
  - { approve: hello, round: 2, after: 2 hours }
  - { day: 9, at: "09:00", nps: 3 }
  - { day: 11, at: "15:00", event: api.connected }
expect:
  - { day: 1, at: "11:00", email: welcome, to: champion }
  - { day: 3, at: "09:00", task: great, to: csm }
  - { day: 8, at: "12:00", email: welcome, to: champion }
  - { day: 9, at: "09:00", task: poor, to: csm }
  - { day: 11, at: "15:00", slack: look, to: csm }
"""
NOBODY = """
expect:
  - { day: 3, at: "10:00", task: hello, to: csm }
  - { day: 10, at: "10:00", task: hello, to: csm }
  - { day: 17, at: "10:00", task: hello, to: csm }
  - { day: 22, at: "09:00", task: help, to: csm }
"""


@pytest.mark.parametrize("rest", [TWO_ROUNDS, NOBODY], ids=["until it holds", "to the last"])
def test_a_scenario_of_rounds_comes_as_written(judge: Judge, rest: str) -> None:
    compiled = judge.compiled({"playbooks/rounds.yaml": ROUNDS})
    scene, found = load(SCENE + rest, "scene.yaml", compiled)
    assert scene, render_text(found)
    assert render_text(check(scene, compiled)) == ""


def test_coverage_says_which_ways_and_rounds_no_scenario_visits(judge: Judge) -> None:
    compiled = judge.compiled({"playbooks/rounds.yaml": ROUNDS})
    scene, _ = load(SCENE + TWO_ROUNDS, "scene.yaml", compiled)
    assert scene
    books = [item for item in compiled.releases.values() if isinstance(item, Playbook) and item.name == "rounds"]
    (found,) = coverage(books, [play(scene, scene.library(compiled)).decisions])
    said = {f"{item.step} {item.what}" for item in found.unvisited}
    assert {"weekly never comes to its last round", "help never fires"} <= said
    assert not any(line.startswith("path ") for line in said)
