"""Assumed answers: what a file may say, and that luck depends on nothing but the seed, the customer and the matter."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import settings
from authoring.answers import (
    SILENCE,
    USUAL_SCORES,
    Answers,
    Approvals,
    Emails,
    Happening,
    Meetings,
    Renewals,
    Span,
    Surveys,
    Tasks,
    read_answers,
    usual,
)
from authoring.compile import compile_folder
from authoring.diagnostics import render_text
from authoring.futures import play_all
from authoring.lives import Life, live
from lifecycle.messages import FactsReported, Happened
from lifecycle.playbook import Lifecycle, Playbook

SURE = Approvals(1, 0, Span(1, 1, "business_hours"))


def read(theatre: Any, tmp_path: Path, text: str) -> tuple[Answers | None, str]:
    path = tmp_path / "answers.yaml"
    path.write_text(text, encoding="utf-8")
    answers, said = read_answers(path, theatre.books, theatre.lifecycle)
    return answers, render_text(said)


def got(life: Life) -> list[tuple[str, str]]:
    return [(f"{touch.at:%d %H:%M}", f"{touch.kind} {touch.step} {touch.to}") for touch in life.touches]


def test_the_shipped_file_says_what_is_assumed_without_one() -> None:
    compiled = compile_folder(settings.HERE / "playbooks", settings.HERE / "templates")
    lifecycle = next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))
    books = [item for item in compiled.releases.values() if isinstance(item, Playbook)]
    answers, said = read_answers(settings.HERE / "samples/answers.yaml", books, lifecycle)

    assert not said
    assert answers == usual(lifecycle)
    assert len(usual(lifecycle).course) == 11


def test_what_a_file_leaves_out_is_as_usual(theatre: Any, tmp_path: Path) -> None:
    assert read(theatre, tmp_path, "assume: others\n")[0] == replace(usual(theatre.lifecycle), name="others")
    assert [item.event for item in usual(theatre.lifecycle).course] == [
        Happened("api.connected"),
        FactsReported({"usage.core_features": 3}),
    ]


def test_a_file_may_say_everything(theatre: Any, tmp_path: Path) -> None:
    answers, said = read(
        theatre,
        tmp_path,
        """
assume: careful people
approvals: { approved: 50%, after: 26 hours, steps: { kickoff: { rejected: 100%, approved: 0% } } }
surveys: { nps: { answered: 100%, after: 1 day, scores: { "9": 25%, "10": 75% } } }
tasks: { done: 12.5% }
meetings: { held: 100% }
emails: { unsubscribed: 1%, after: 30 minutes }
course: [{ day: 2-3, share: 50%, event: api.connected }, { day: 4, facts: { usage.core_features: 2 } }]
churn: { a_year: 0% }
renewals: { signed: 100%, before: 10 }
""",
    )

    assert not said
    assert answers == Answers(
        "careful people",
        Approvals(0.5, 0.05, Span(26, 26, "hours")),
        {"kickoff": Approvals(0, 1, Span(26, 26, "hours"))},
        {"nps": Surveys(1, Span(1, 1, "days"), ((9, 9, 0.25), (10, 10, 0.75)))},
        Tasks(0.125),
        Meetings(1, 0, 0),
        Emails(0.02, 0.01, Span(30, 30, "minutes")),
        (
            Happening(Happened("api.connected"), (2, 3), 0.5),
            Happening(FactsReported({"usage.core_features": 2}), (4, 4), 1),
        ),
        0,
        Renewals(1, (10, 10)),
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("tasks: { done: 90 }", '"90" is not a share'),
        ("tasks: { done: 101% }", '"101%" is not a share'),
        ("tasks: { after: soon }", '"soon" is not a delay'),
        ("tasks: { after: 6-2 hours }", '"6-2 hours" is not a delay'),
        ("tasks: { after: 6 business weeks }", '"6 business weeks" is not a delay'),
        ("tasks: often", '"tasks" is "often", not a mapping'),
        ("meetings: { held: 80%, no_show: 30% }", "more than 100% together"),
        ("approvals: { steps: { kickof: { approved: 0% } } }", 'no step that asks for approval is called "kickof"'),
        ("approvals: { steps: { kickoff: never } }", '"kickoff" is "never"'),
        ("surveys: { nps: often }", '"nps" is "often"'),
        ("surveys: { nps: { scores: good } }", '"scores" is "good"'),
        ('surveys: { nps: { scores: { "good": 100% } } }', '"good" is neither a score of this survey nor two'),
        ('surveys: { nps: { scores: { "9-10": 90% } } }', "do not add up to 100%"),
        ('surveys: { csat: { scores: { "9-10": 100% } } }', '"9-10" is neither a score of this survey nor two'),
        ('surveys: { exit: { scores: { "9": 100% } } }', 'has no key "scores"'),
        ("surveys: { npz: { answered: 40% } }", 'no survey is called "npz"'),
        ("course: [{ event: api.connected }]", 'no "day"'),
        ("course: [{ day: 5-2, event: api.connected }]", '"5-2" is neither a day nor two days'),
        ("course: [{ day: 1 }]", "says nothing that happens"),
        ("course: [later]", "a line of the course is"),
        ("luck: good", 'has no key "luck"'),
    ],
)
def test_what_is_wrong_with_a_file_is_said(theatre: Any, tmp_path: Path, line: str, what: str) -> None:
    answers, said = read(theatre, tmp_path, f"assume: x\n{line}\n")

    assert answers is None
    assert what in said


def test_a_file_that_is_not_there_is_a_finding(theatre: Any, tmp_path: Path) -> None:
    answers, said = read_answers(tmp_path / "none.yaml", theatre.books, theatre.lifecycle)

    assert answers is None
    assert "cannot be read" in said[0].what


def test_nobody_answers_in_silence(theatre: Any) -> None:
    (start,) = theatre.starts()

    assert got(live(theatre.world(), start)) == [
        ("03 09:00", "email welcome champion"),
        ("04 09:00", "slack look mara"),
        ("04 10:00", "email tip champion"),
        ("04 10:00", "approval kickoff mara"),
        ("04 12:00", "approval kickoff ruth"),
        ("05 10:00", "task kickoff mara"),
        ("06 10:00", "survey ask champion"),
        ("07 18:00", "task call mara"),
        ("17 00:00", "task onboarding mara"),
    ]


def test_an_approval_is_answered_after_business_hours_and_the_meeting_told_when_it_ends(theatre: Any) -> None:
    (start,) = theatre.starts()
    world = theatre.world(replace(SILENCE, approvals=SURE, meetings=Meetings(1, 0, 0)))
    life = live(replace(world, decisions=True), start)

    assert ("04 11:00", "invite kickoff champion") in got(life)
    assert ("05 10:00", "meeting kickoff mara") in got(life)
    assert [f"{item.at:%d %H:%M}" for item in life.decisions if item.what == "meeting"] == ["05 15:00"]


@pytest.mark.parametrize("outcome", [Meetings(0, 1, 0), Meetings(0, 0, 1)])
def test_a_meeting_that_came_to_nothing_becomes_work(theatre: Any, outcome: Meetings) -> None:
    (start,) = theatre.starts()
    world = theatre.world(replace(SILENCE, approvals=SURE, meetings=outcome))

    assert "task kickoff mara" in [what for _, what in got(live(world, start))]


def test_a_rejected_step_is_not_sent_and_one_step_may_have_answers_of_its_own(theatre: Any) -> None:
    (start,) = theatre.starts()
    answers = replace(SILENCE, approvals=SURE, steps={"kickoff": Approvals(0, 1, Span(0, 0, "minutes"))})

    assert "kickoff" not in {touch.step for touch in live(theatre.world(answers), start).touches if not touch.inside}


@pytest.mark.parametrize(("scores", "expected"), [(((3, 3, 1.0),), 3), (((0, 0, 0.0), (7, 7, 1.0)), 7)])
def test_a_survey_is_answered_with_a_drawn_score(theatre: Any, scores: Any, expected: int) -> None:
    (start,) = theatre.starts()
    answers = replace(SILENCE, surveys={"nps": Surveys(1, Span(1, 1, "hours"), scores)})
    world = replace(theatre.world(answers, care=theatre_care_with_answer()), decisions=True)
    met = [item.reason for item in live(world, start).decisions if item.step == "answered" and item.verdict == "fired"]

    assert any("nps.answered" in reason for reason in met), met
    touched = [touch.step for touch in live(world, start).touches]
    assert ("unhappy" in touched) == (expected == 3)


def test_an_exit_survey_is_answered_with_one_of_its_reasons(theatre: Any) -> None:
    (start,) = theatre.starts()
    care = theatre_care_with_answer().replace("if: nps.score <= 6, ", "")
    care = care.replace("kind: nps,", "kind: exit, template: nps,").replace("nps.answered", "exit.answered")
    answers = replace(SILENCE, surveys={"exit": Surveys(1, Span(1, 1, "hours"), USUAL_SCORES["exit"])})

    assert "unhappy" in [touch.step for touch in live(theatre.world(answers, care=care), start).touches]


def theatre_care_with_answer() -> str:
    return """
playbook: care
title: Care
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - { id: ask, day: 4, survey: { kind: nps, to: champion } }
  - id: answered
    wait: { event: nps.answered, by: day 20 }
    then:
      - { id: unhappy, if: nps.score <= 6, task: { to: csm, title: Call } }
"""


def test_shares_that_leave_something_over_leave_it_unanswered(theatre: Any) -> None:
    (start,) = theatre.starts()
    answers = replace(SILENCE, surveys={"nps": Surveys(1, Span(1, 1, "hours"), ((3, 3, 0.0),))})

    assert live(theatre.world(answers), start).touches == live(theatre.world(), start).touches


def test_a_reply_pauses_the_mails_and_an_unsubscription_ends_them(theatre: Any) -> None:
    (start,) = theatre.starts()
    replied = live(theatre.world(replace(SILENCE, emails=Emails(1, 0, Span(1, 1, "hours")))), start)
    gone = live(theatre.world(replace(SILENCE, emails=Emails(0, 1, Span(1, 1, "hours")))), start)

    assert ("03 10:00", "task reply mara") in got(replied)
    assert [touch.step for touch in gone.touches if touch.kind in ("email", "survey")] == ["welcome"]


def test_a_ticked_task_lets_the_mails_go_on(theatre: Any) -> None:
    (start,) = theatre.starts()
    answers = replace(SILENCE, emails=Emails(1, 0, Span(1, 1, "hours")))
    ticked = replace(answers, tasks=Tasks(1, Span(1, 1, "business_hours")))

    assert len(live(theatre.world(ticked), start).touches) > len(live(theatre.world(answers), start).touches)


def test_the_course_happens_on_a_drawn_day_and_only_in_the_future(theatre: Any) -> None:
    new, old = theatre.starts(
        theatre.ACME,
        "{ id: old, name: Old, stage: onboarding, signed_up_on: 2026-02-10, champion: bo@old.example.com }",
    )
    course = (
        Happening(FactsReported({"access.given": True}), (0, 0)),
        Happening(FactsReported({"value.first_insight": True}), (10, 12)),
        Happening(Happened("api.connected"), (3, 3), 0),
    )
    world = theatre.world(replace(SILENCE, course=course))

    assert live(world, new).stage == "adoption"
    assert live(world, old).stage == "onboarding"


@pytest.mark.parametrize(("rate", "stage"), [(1.0, "churned"), (0.9999999999999, "churned"), (0.0, "onboarding")])
def test_as_many_customers_leave_as_is_assumed(theatre: Any, rate: float, stage: str) -> None:
    (start,) = theatre.starts()

    assert live(theatre.world(replace(SILENCE, churn=rate)), start).stage == stage


def test_a_churn_so_rare_that_it_comes_after_all_time_never_comes(theatre: Any) -> None:
    (start,) = theatre.starts()

    assert live(theatre.world(replace(SILENCE, churn=1e-12)), start).stage == "onboarding"


@pytest.mark.parametrize(
    ("renewals", "stage"), [(Renewals(1, (3, 3)), "onboarding"), (Renewals(0), "churned"), (None, "onboarding")]
)
def test_a_contract_is_signed_again_or_ends(theatre: Any, renewals: Renewals | None, stage: str) -> None:
    (start,) = theatre.starts(theatre.ACME.replace("}", ", contracts: [{ id: main, ends_on: 2026-03-20 }] }"))

    assert live(theatre.world(replace(SILENCE, renewals=renewals)), start).stage == stage


def test_a_contract_that_has_ended_is_nobodys_leaving(theatre: Any) -> None:
    (start,) = theatre.starts(theatre.ACME.replace("}", ", contracts: [{ id: main, ends_on: 2026-02-20 }] }"))

    assert live(theatre.world(replace(SILENCE, renewals=Renewals(0))), start).stage == "onboarding"


def test_a_customers_luck_is_the_same_whoever_else_is_played(theatre: Any) -> None:
    others = [f"{{ id: c{number}, name: C, champion: ada@c{number}.example.com }}" for number in range(12)]
    world = theatre.world(usual(theatre.lifecycle))
    alone = live(world, theatre.starts()[0])
    among = play_all(world, theatre.starts(*others, theatre.ACME), keep=20).lives[-1]

    assert among.touches == alone.touches


def test_another_seed_is_another_luck(theatre: Any) -> None:
    starts = theatre.starts(*(f"{{ id: c{n}, name: C, champion: ada@c{n}.example.com }}" for n in range(12)))
    answers = usual(theatre.lifecycle)
    first, same, other = (play_all(theatre.world(answers, seed=seed), starts).tally for seed in ("1", "1", "2"))

    assert first == same
    assert first != other


def test_a_contract_that_was_signed_again_in_the_past_runs_on(theatre: Any) -> None:
    (start,) = theatre.starts(theatre.ACME.replace("}", ", contracts: [{ id: main, ends_on: 2026-02-20 }] }"))

    assert live(theatre.world(replace(SILENCE, renewals=Renewals(1, (3, 3)))), start).stage == "onboarding"


def test_delays_lie_between_their_ends(theatre: Any) -> None:
    starts = theatre.starts(*(f"{{ id: c{n}, name: C, champion: ada@c{n}.example.com }}" for n in range(12)))
    answers = replace(SILENCE, approvals=Approvals(1, 0, Span(10, 90, "minutes")))
    sent = []
    for start in starts:
        life = live(theatre.world(answers), start)
        asked = next(touch.at for touch in life.touches if touch.kind == "approval")
        sent.append(next(touch.at for touch in life.touches if touch.kind == "invite") - asked)

    assert min(sent) >= timedelta(minutes=10)
    assert max(sent) <= timedelta(minutes=90)
    assert len(set(sent)) > 1
