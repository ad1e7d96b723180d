"""What the core remembers of one customer fits the budget, with one play as long as the shipped onboarding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lifecycle.actions import Length, When
from lifecycle.jsonform import canonical
from lifecycle.messages import ApprovalAnswered, FactsReported
from lifecycle.model import Value, state_to_json
from lifecycle.playbook import Playbook, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given


def twenty_steps(given: Given) -> Playbook:
    """As long as the shipped onboarding: mails, prompts, tasks, approvals, waits."""
    return given.book(
        given.email("welcome"),
        given.task("success-plan", When(day=1)),
        given.task("slack-channel", When(day=1)),
        given.invite("kickoff", When(day=1, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.task("kickoff-notes", When(day=3, at="17:00")),
        given.email("setup-guide", When(day=3)),
        given.task("setup-tasks", When(day=3)),
        given.wait("technical-setup", When(day=5, at="17:00"), given.get("setup.api")),
        given.slack("setup-blocked", under="technical-setup", branch="otherwise"),
        given.task("setup-unblock", under="technical-setup", branch="otherwise"),
        given.invite("training", When(day=4, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.wait("team-onboarded", When(day=7), given.get("setup.done")),
        given.slack("team-behind", under="team-onboarded", branch="otherwise"),
        given.email("first-insight", When(day=8)),
        given.slack("watch-adoption", When(day=9)),
        given.wait("full-adoption", When(day=14), given.compare("usage.share", ">", 0.5)),
        given.slack("adoption-behind", under="full-adoption", branch="otherwise"),
        given.invite("graduation", When(day=9, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.survey("nps", When(day=14)),
        given.task("call", When(day=15)),
        name="onboarding-14-day",
        trigger=Trigger(stage="onboarding"),
    )


def test_the_state_with_one_play_of_twenty_steps_stays_within_2_kb(given: Given) -> None:
    story = given(twenty_steps(given), customer="cus_01hzx5k8m3")
    largest = 0
    for day in range(1, 16):
        today = f"2026-03-{2 + day:02}"
        known: dict[str, Value] = {
            "setup.api": day > 2,
            "setup.done": False,
            "usage.share": day / 50,
            "health.score": 70 + day,
        }
        story.when(FactsReported(known), at=f"{today} 12:00")
        for name in ("kickoff", "training", "graduation"):
            answer = ApprovalAnswered(f"onboarding-14-day/1/{name}", "mara", "approve", f"press-01hzx5k8m3-{name}")
            story.when(answer, at=f"{today} 12:30")
        kept = replace(story.state, records=())
        largest = max(largest, len(canonical(state_to_json(kept)).encode()))
    assert 1024 < largest <= 2048, largest
