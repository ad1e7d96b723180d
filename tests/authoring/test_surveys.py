"""Surveys of every kind in playbooks and scenarios."""

from typing import Any

import pytest

from authoring.diagnostics import render_text
from authoring.scenario import check, load

ASKS = """\
playbook: asks
title: Asks
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - { id: easy, day: 1, survey: { kind: ces, to: champion, template: nps } }
  - { id: happy, day: 3, survey: { kind: csat, to: champion, template: nps } }
  - { id: bye, day: 6, survey: { kind: exit, to: champion, template: nps } }
  - id: answer
    wait: { event: csat.answered, by: day 9 }
    then:
      - { id: call, if: csat.score <= 2, task: { to: csm, title: "Call, they said {{ csat.score }}" } }
  - id: left
    wait: { event: exit.answered, by: day 20 }
    then:
      - id: win-back
        if: exit.reason == 'too_expensive' and exit.would_return == 'maybe'
        task: { to: csm, title: "Offer a smaller plan" }
"""
FACTS = """\
  csat.score: { type: number, range: 1-5, title: Satisfied }
  exit.reason: { type: text, title: Why they left }
  exit.would_return: { type: text, title: May they come back }
events:
"""
SCENE = """\
scenario: they answer
playbook: asks
customer: { name: Acme, tier: pro, zone: Europe/Berlin, champion: ada@acme.example.com }
start: 2026-03-02T10:00
events:
"""


@pytest.fixture
def compiled(judge: Any) -> Any:
    judge.compiled()
    text = (judge.folder / "playbooks/facts.yaml").read_text(encoding="utf-8").replace("events:\n", FACTS)
    compiled = judge.compiled({"playbooks/asks.yaml": ASKS, "playbooks/facts.yaml": text})
    assert [item for item in compiled.diagnostics if item.severity == "error"] == []
    return compiled


def played(compiled: Any, lines: str) -> str:
    """What a scenario came to otherwise than it says."""
    scenario, found = load(SCENE + lines, "scene.yaml", compiled)
    assert scenario is not None, render_text(found)
    return render_text(check(scenario, compiled))


def test_each_answer_counts_from_its_own_survey(compiled: Any) -> None:
    lines = """\
  - { csat: 2, after: 1 day }
  - { ces: 6, after: 2 hours }
  - { exit: too_expensive, would_return: maybe, after: 3 hours }
expect:
  - { day: 1, at: "09:00", survey: ces, to: champion }
  - { day: 3, at: "09:00", survey: csat, to: champion }
  - { day: 4, at: "09:00", task: call, to: csm }
  - { day: 7, at: "09:00", survey: exit, to: champion }
  - { day: 7, at: "12:00", task: win-back, to: csm }
"""
    assert played(compiled, lines) == ""


@pytest.mark.parametrize(
    "line",
    [
        "{ day: 4, at: '12:00', csat: 6 }",
        "{ day: 4, at: '12:00', ces: 0 }",
        "{ day: 4, at: '12:00', exit: boredom }",
        "{ day: 4, at: '12:00', exit: other, would_return: perhaps }",
    ],
)
def test_an_answer_that_a_survey_does_not_offer_is_found(compiled: Any, line: str) -> None:
    scenario, found = load(f"{SCENE}  - {line}\nexpect: []\n", "scene.yaml", compiled)
    assert scenario is None
    assert len(found) == 1
