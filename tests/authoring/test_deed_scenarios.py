"""Steps that send nothing, played: scenarios see what comes of them, and portfolios with them can be simulated."""

from typing import Any

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


def test_a_portfolio_can_be_played_with_them(theatre: Any) -> None:
    others = ("id: more", "id: enough", "id: brief")  # of another playbook, and of a template that is not there
    lines = [line for line in CARE.replace("risky", "care").splitlines() if not any(name in line for name in others)]
    future = play_all(theatre.world(care="\n".join(lines) + "\n"), theatre.starts(), keep=1)
    (life,) = future.lives
    assert life.started["care"] == 1
    kinds = {touch.kind for touch in life.touches}
    assert kinds >= {"task", "webhook", "opportunity"}
