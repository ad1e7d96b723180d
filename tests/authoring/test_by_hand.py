"""Scenarios in which people start and stop plays, and portfolios that name them by role."""

from typing import Any

import pytest

from authoring.diagnostics import render_text
from authoring.scenario import check, load

CALL = """
playbook: call
title: A call by hand
owner: csm
trigger: by_hand
timing: { zone: customer, at: "10:00" }
steps:
  - { id: call, day: 1, slack: { to: csm, template: look } }
"""
HEAD = """scenario: by hand
playbook: call
customer: { name: Acme, zone: Europe/Berlin, country: DE, champion: ada@acme.example.com }
start: 2026-03-02T10:00
"""


def found(judge: Any, events: str, expect: str) -> str:
    """What an author reads about a scenario of the playbook `call`."""
    compiled = judge.compiled({"playbooks/call.yaml": CALL})
    assert not compiled.diagnostics, render_text(compiled.diagnostics)
    text = HEAD + f"events: [{events}]\nexpect: [{expect}]\n"
    scenario, wrong = load(text, "by-hand.yaml", compiled)
    return render_text(check(scenario, compiled) if scenario else wrong)


STARTED = '{ day: 0, at: "11:00", start: call, by: csm, reason: they asked }'


@pytest.mark.parametrize(
    ("events", "expect"),
    [
        (STARTED, '{ day: 1, at: "10:00", slack: look, to: csm }'),
        ("", ""),
        (f'{STARTED}, {{ day: 0, at: "12:00", stop: call }}', ""),
        (f'{STARTED}, {{ day: 0, at: "12:00", stop: call, play: 2 }}', '{ day: 1, at: "10:00", slack: look, to: csm }'),
    ],
    ids=["started", "nobody starts it", "stopped", "another one stopped"],
)
def test_a_scenario_starts_and_stops_plays(judge: Any, events: str, expect: str) -> None:
    assert found(judge, events, expect) == ""


def test_a_playbook_that_does_not_exist_is_said(judge: Any) -> None:
    said = found(judge, '{ day: 0, at: "11:00", start: calls }', "")

    assert 'no playbook is called "calls"' in said
    assert 'did you mean "call"' in said


def test_people_of_a_portfolio_are_named_by_role(theatre: Any) -> None:
    events = '[{ day: 0, at: "10:00", start: care, by: csm }, { day: 0, at: "11:00", stop: care, by: csm }]'
    start = theatre.starts(theatre.ACME.replace(" }", f", events: {events} }}"))[0]

    assert [(event.kind, event.by) for _, event in start.events] == [
        ("play_requested", "mara"),
        ("play_stop_requested", "mara"),
    ]
