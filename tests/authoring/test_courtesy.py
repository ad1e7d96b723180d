"""When and how often people may be reached, as it comes out of a lifecycle file and its playbooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authoring.diagnostics import render_text
from authoring.scenario import check, load
from lifecycle.actions import Length
from lifecycle.playbook import Lifecycle, Playbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from authoring.compile import Compiled
    from tests.authoring.conftest import Judge

LIFE = (Path(__file__).parent / "standard/playbooks/lifecycle.yaml").read_text(encoding="utf-8")
POLITE = 'customer_per_day: 2, customer_per_week: 3, blackouts: ["2026-03-05 to 2026-03-08", 2026-12-24]'
STEPS = """
  - { id: first, day: 2, email: { to: champion, template: welcome } }
  - { id: second, day: 3, weekend: same_day, email: { to: champion, template: welcome } }
  - { id: third, day: 12, weekend: previous_business_day, email: { to: champion, template: welcome } }
  - { id: call, day: 3, task: { to: csm, title: Call them } }
"""


@pytest.fixture
def polite(judge: Judge, playbook_of: Callable[[str], str]) -> Compiled:
    life = LIFE.replace("per_day: 1, per_week: 4", f"per_day: 1, per_week: 4, {POLITE}")
    found = judge.compiled({"playbooks/lifecycle.yaml": life, "playbooks/tried.yaml": playbook_of(STEPS)})
    assert render_text(found.diagnostics) == ""
    return found


def test_caps_and_blackouts_are_part_of_the_release(polite: Compiled) -> None:
    rules = next(item.politeness for item in polite.releases.values() if isinstance(item, Lifecycle))
    assert (rules.customer_per_day, rules.customer_per_week) == (2, 3)
    assert rules.blackouts == (("2026-03-05", "2026-03-08"), ("2026-12-24", "2026-12-24"))


def test_a_step_moves_as_it_says_or_as_its_playbook_does(judge: Judge, playbook_of: Callable[[str], str]) -> None:
    text = playbook_of(STEPS).replace("steps:", "timing: { weekend: previous_business_day }\nsteps:")
    compiled = judge.compiled({"playbooks/tried.yaml": text})
    book = next(item for item in compiled.releases.values() if isinstance(item, Playbook) and item.name == "tried")
    shifts = {step.id: step.when.shift for step in book.steps}
    assert shifts == {"first": "previous", "second": "", "third": "previous", "call": ""}


def test_a_scenario_sees_blackouts_and_business_days_before(polite: Compiled) -> None:
    text = """
scenario: polite
playbook: tried
customer: { name: Acme, zone: Europe/Berlin, country: DE, champion: ada@acme.example.com }
start: 2026-03-02T10:00
expect:
  - { day: 2, at: "09:00", email: welcome, to: champion }
  - { day: 3, at: "09:00", task: call, to: csm }
  - { day: 7, at: "09:00", email: welcome, to: champion }
  - { day: 11, at: "09:00", email: welcome, to: champion }
"""
    scene, found = load(text, "scene.yaml", polite)
    assert scene, render_text(found)
    assert render_text(check(scene, polite)) == ""


WORRIES = "incidents: [{ while: playing.hello, below: 60, reason: they have other worries }]"


def test_surveys_and_incidents_are_part_of_the_release(judge: Judge) -> None:
    more = f"{WORRIES}, same_mail: 7 days, surveys: {{ open_for: 7 days, nps: 80 days, csat: 1 week }}"
    life = LIFE.replace("per_day: 1, per_week: 4", f"per_day: 1, per_week: 4, {more}")
    found = judge.compiled({"playbooks/lifecycle.yaml": life})
    assert render_text(found.diagnostics) == ""

    rules = next(item.politeness for item in found.releases.values() if isinstance(item, Lifecycle))
    assert (rules.survey_open, rules.same_mail) == (Length(7, "days"), Length(7, "days"))
    assert rules.surveys == {"nps": Length(80, "days"), "csat": Length(1, "weeks")}
    assert [(item.condition.text, item.below, item.reason) for item in rules.incidents] == [
        ("playing.hello", 60, "they have other worries")
    ]


@pytest.mark.parametrize(
    ("written", "finding"),
    [
        ("incidents: [{ while: playing.nobody, below: 60, reason: x }]", '"playing.nobody"'),
        ("incidents: [{ below: 60, reason: x }]", 'an incident has no "while"'),
        ("incidents: [{ while: playing.hello, reason: x }]", 'an incident has no "below"'),
        ("incidents: [{ while: playing.hello, below: 60 }]", 'an incident has no "reason"'),
        ("incidents: [daily]", "an incident is"),
        ("incidents: daily", '"incidents" is'),
        ("surveys: often", '"surveys" is'),
        ("same_mail: 8 days", '"same_mail" is more than a week'),
        ("surveys: { nps: often }", '"often" is not a length'),
    ],
)
def test_what_is_wrong_with_surveys_and_incidents_is_said(judge: Judge, written: str, finding: str) -> None:
    life = LIFE.replace("per_day: 1, per_week: 4", f"per_day: 1, per_week: 4, {written}")
    assert finding in render_text(judge.compiled({"playbooks/lifecycle.yaml": life}).diagnostics)
