"""Steps that send nothing, played: scenarios see what comes of them, and portfolios with them can be simulated."""

from dataclasses import replace
from typing import Any

from authoring.answers import SILENCE, Meetings
from authoring.diagnostics import render_text
from authoring.futures import play_all
from authoring.scenario import check, load

CARE = """\
playbook: risky
title: Risky
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - { id: mark, day: 1, set: { plan.name: "'paid'" } }
  - { id: more, day: 2, start: rescue }
  - { id: brief, day: 2, document: { template: brief, for: csm, title: "Brief" } }
  - { id: sell, day: 2, opportunity: { kind: seats, title: "Seats", value: customer.arr * 0.1 } }
  - { id: tell, day: 2, webhook: { to: crm, event: plan.sold, data: { plan: plan.name } } }
  - { id: up, day: 3, at: "10:00", escalate: { above: csm, title: "Look at {{ customer.name }}" } }
  - { id: enough, day: 4, stop: rescue }
"""
RESCUE = """\
playbook: rescue
title: Rescue
owner: csm
trigger: by_hand
entry: plan.name == 'paid'
steps:
  - { id: call, task: { to: csm, title: "Call" } }
  - { id: again, day: 1, at: "11:00", task: { to: csm, title: "Call again" } }
  - { id: never, day: 9, task: { to: csm, title: "Never" } }
"""
SCENE = """\
scenario: one thing leads to another
playbook: [risky, rescue]
customer: { name: Acme, tier: pro, zone: Europe/Berlin, arr: 1000, champion: ada@acme.example.com }
start: 2026-03-02T10:00
events: []
expect:
  - { day: 2, at: "09:00", task: call, to: csm }
  - { day: 3, at: "10:00", task: up, to: cs_manager }
  - { day: 3, at: "11:00", task: again, to: csm }
"""


def test_a_scenario_sees_what_comes_of_steps_that_send_nothing(judge: Any) -> None:
    files = {"playbooks/risky.yaml": CARE, "playbooks/rescue.yaml": RESCUE, "templates/documents/brief.md": "Brief\n"}
    compiled = judge.compiled(files)
    assert [item for item in compiled.diagnostics if item.severity == "error"] == []
    scenario, found = load(SCENE, "scene.yaml", compiled)
    assert scenario is not None, render_text(found)
    assert render_text(check(scenario, compiled)) == ""


MEETING = """\
playbook: meeting
title: Meeting
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - id: kickoff
    day: 1
    invite: { to: [champion, csm], template: kickoff, when: "day 3 between 10:00 and 16:00", length: 60 minutes }
  - { id: move, day: 2, reschedule: { invite: kickoff, when: "day 10 between 10:00 and 16:00" } }
  - { id: off, day: 9, if: nps.score < 7, cancel: { invite: kickoff } }
"""
CALLED_OFF = """\
scenario: the kickoff moves and is called off
playbook: meeting
customer: { name: Acme, tier: pro, zone: Europe/Berlin, champion: ada@acme.example.com }
start: 2026-03-02T10:00
events:
  - { day: 8, at: "10:00", nps: 3 }
expect:
  - { day: 1, at: "09:00", invite: kickoff, to: [champion, csm] }
  - { day: 2, at: "09:00", reschedule: kickoff, to: [champion, csm] }
  - { day: 9, at: "09:00", cancel: kickoff, to: [champion, csm] }
"""


def test_a_scenario_sees_a_meeting_move_and_taken_back(judge: Any) -> None:
    compiled = judge.compiled({"playbooks/meeting.yaml": MEETING})
    scenario, found = load(CALLED_OFF, "scene.yaml", compiled)
    assert scenario is not None, render_text(found)
    assert render_text(check(scenario, compiled)) == ""


def test_a_move_that_did_not_come_is_explained_by_its_step(judge: Any) -> None:
    compiled = judge.compiled(
        {"playbooks/meeting.yaml": MEETING.replace("    invite:", "    if: nps.score > 9\n    invite:")}
    )
    scenario, _ = load(CALLED_OFF, "scene.yaml", compiled)
    assert scenario is not None
    (moved,) = (item for item in check(scenario, compiled) if item.what.startswith("this did not happen: reschedule"))
    assert "the trace says of move, day 2 at 09:00: skipped, kickoff has not gone out" in moved.why


def test_a_meeting_that_moves_is_on_one_day_of_its_organizer_and_answered_once(theatre: Any) -> None:
    answers = replace(SILENCE, meetings=Meetings(held=1))
    world = theatre.world(answers, care=MEETING.replace("playbook: meeting", "playbook: care"))
    future = play_all(replace(world, decisions=True), theatre.starts(), keep=1)
    (life,) = future.lives
    mine = [touch for touch in life.touches if touch.playbook == "care"]
    assert [(touch.kind, touch.step, touch.on.day) for touch in mine] == [
        ("invite", "kickoff", 3),
        ("reschedule", "move", 4),
        ("meeting", "move", 12),
    ]
    held = [item.at.day for item in life.decisions if item.what == "meeting"]
    assert held == [12]


def test_a_portfolio_can_be_played_with_them(theatre: Any) -> None:
    others = ("id: more", "id: enough", "id: brief")  # of another playbook, and of a template that is not there
    lines = [line for line in CARE.replace("risky", "care").splitlines() if not any(name in line for name in others)]
    future = play_all(theatre.world(care="\n".join(lines) + "\n"), theatre.starts(), keep=1)
    (life,) = future.lives
    assert life.started["care"] == 1
    kinds = {touch.kind for touch in life.touches}
    assert kinds >= {"task", "webhook", "opportunity"}
