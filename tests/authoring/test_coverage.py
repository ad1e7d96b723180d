"""What no scenario visits is said by line; a set of scenarios that visits everything reaches 100 percent."""

from typing import Any

import pytest

from authoring.compile import Compiled
from authoring.coverage import Coverage, coverage
from authoring.scenario import load, run
from lifecycle.playbook import Playbook

BOOK = """\
playbook: tried
title: Tried
owner: csm
trigger: { stage: onboarding }
anchor: signup
entry: customer.tier == 'pro'
exit: customer.stage == 'churned'
goal: milestones.first_value
steps:
  - id: look
    day: 1
    if: usage.core_features is undefined
    approval:
      by: csm
      within: 8 business hours
      remind: 2 business hours
      escalate: [{ after: 3 business hours, to: cs_manager }, { after: 4 business hours, to: cs_manager }]
    slack: { to: csm, template: look }
  - id: score
    wait: { event: nps.answered, by: day 9 }
    otherwise:
      - id: again
        task: { to: csm, title: "Ask again" }
"""
EVERYTHING = [
    "the playbook never starts",
    "the playbook never turns a customer away: entry is always met",
    "the playbook is never left by its exit",
    "the playbook never reaches its goal",
    "look never meets its if",
    "look always meets its if",
    "look is never approved",
    "look is never rejected",
    "look never expires unanswered",
    "look never reminds its csm",
    "look never escalates to cs_manager",
    "look never escalates to cs_manager",
    "look never fires",
    "score is never met in time",
    "score never runs out of time",
    "again never fires",
]
LIVES = {
    "approved and answered": '{ approve: look, after: 1 hour }, { day: 2, at: "12:00", nps: 9 }',
    "rejected and left": '{ reject: look, after: 1 hour }, { day: 2, at: "12:00", churned: money }',
    "silence": "",
    "goal": '{ day: 0, at: "12:00", tick: first_value }',
    "not wanted": '{ day: 0, at: "12:00", facts: { usage.core_features: 3 } }',
    "somebody else": "tier",
}


@pytest.fixture
def compiled(judge: Any) -> Compiled:
    found: Compiled = judge.compiled({"playbooks/tried.yaml": BOOK})
    assert not found.diagnostics
    return found


def covered(compiled: Compiled, lives: list[str]) -> Coverage:
    """How much of the tried playbook these lives visit."""
    traces = []
    for name in lives:
        events, tier = ("", "team") if LIVES[name] == "tier" else (LIVES[name], "pro")
        text = (
            f"scenario: {name}\nplaybook: tried\nstart: 2026-03-02T10:00\nexpect: []\nevents: [{events}]\n"
            f"customer: {{ name: Acme, tier: {tier}, zone: Europe/Berlin, champion: ada@acme.example.com }}\n"
        )
        found, wrong = load(text, "life.yaml", compiled)
        assert found, wrong
        traces.append(run(found, found.library(compiled)).simulation.decisions)
    books = [book for book in compiled.releases.values() if isinstance(book, Playbook) and book.name == "tried"]
    (one,) = coverage(books, traces)
    return one


def said(found: Coverage) -> list[str]:
    return [f"{item.step or 'the playbook'} {item.what}" for item in found.unvisited]


def test_without_scenarios_everything_is_unvisited_and_listed_by_line(compiled: Compiled) -> None:
    found = covered(compiled, [])
    assert (found.percent, found.visited, found.points) == (0, 0, len(EVERYTHING))
    assert said(found) == EVERYTHING
    assert str(found.unvisited[4]) == "playbooks/tried.yaml:10: look never meets its if"


def test_lives_that_visit_everything_reach_100_percent(compiled: Compiled) -> None:
    found = covered(compiled, list(LIVES))
    assert (said(found), found.percent) == ([], 100)


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("approved and answered", ["look is never approved", "look never fires", "score is never met in time"]),
        ("rejected and left", ["the playbook is never left by its exit", "look is never rejected"]),
        (
            "silence",
            [
                "look never expires unanswered",
                "look never reminds its csm",
                *["look never escalates to cs_manager"] * 2,
            ],
        ),
        ("goal", ["the playbook never reaches its goal"]),
        ("not wanted", ["look always meets its if"]),
        ("somebody else", ["the playbook never turns a customer away: entry is always met"]),
    ],
)
def test_what_only_one_life_visits_is_missing_without_it(compiled: Compiled, left_out: str, missing: list[str]) -> None:
    found = covered(compiled, [name for name in LIVES if name != left_out])
    assert said(found) == missing
    assert found.percent < 100


def test_a_playbook_without_entry_exit_and_goal_owes_none(judge: Any) -> None:
    compiled = judge.compiled()
    (hello,) = coverage([book for book in compiled.releases.values() if isinstance(book, Playbook)], [])
    assert said(hello)[0] == "the playbook never starts"
    assert not [what for what in said(hello) if "exit" in what or "goal" in what or "entry" in what]


def test_an_exit_that_is_no_leaving_is_taken_only_by_its_own_condition(judge: Any) -> None:
    compiled = judge.compiled({"playbooks/tried.yaml": BOOK.replace("customer.stage == 'churned'", "nps.score == 1")})
    assert "the playbook is never left by its exit" in said(covered(compiled, list(LIVES)))


STARTS = """\
playbook: tried
title: Tried
owner: csm
trigger:
  - { stage: onboarding }
  - { event: nps.answered, where: nps.score <= 6 }
  - { when: usage.dau_wau < 0.5 }
  - by_hand
reentry: always
steps:
  - { id: look, task: { to: csm, title: "Look" } }
"""
REASONS = {
    "the playbook is never started when the customer enters the stage onboarding": "",
    "the playbook is never started when the event nps.answered comes with nps.score <= 6": "{ day: 3, nps: 2 }",
    "the playbook is never started when usage.dau_wau < 0.5 becomes true": "{ day: 3, facts: { usage.dau_wau: 0.2 } }",
    "the playbook is never started when somebody starts it by hand": "{ day: 3, start: tried }",
}


@pytest.mark.parametrize(("reason", "event"), REASONS.items(), ids=[*range(len(REASONS))])
def test_of_several_triggers_each_must_start_it(judge: Any, reason: str, event: str) -> None:
    compiled = judge.compiled({"playbooks/tried.yaml": STARTS})
    text = (
        f"scenario: x\nplaybook: tried\nstart: 2026-03-02T10:00\nexpect: []\nevents: [{event}]\n"
        "customer: { name: Acme, tier: pro, zone: Europe/Berlin, champion: ada@acme.example.com }\n"
    )
    found, wrong = load(text.replace("day: 3,", 'day: 3, at: "10:00",'), "life.yaml", compiled)
    assert found, wrong
    played = run(found, found.library(compiled)).simulation
    books = [book for book in compiled.releases.values() if isinstance(book, Playbook) and book.name == "tried"]
    (one,) = coverage(books, [played.decisions], played.begun)
    always = next(iter(REASONS))  # every customer of a scenario signs up, and so enters it
    assert said(one) == [other for other in REASONS if other not in (reason, always)]
    assert (one.points, one.visited) == (6, 6 - len(said(one)))
