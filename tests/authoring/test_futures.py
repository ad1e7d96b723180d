"""Futures of portfolios: what is counted, and that neither processes nor neighbours change it."""

import json
import operator
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from authoring import page
from authoring.answers import SILENCE, usual
from authoring.collisions import Collision
from authoring.futures import Future, Tally, play_all, to_json
from authoring.lives import Start, from_state, live, of_account
from authoring.parallel import BATCH, WORTH_IT, spread
from authoring.roster import Roster
from authoring.simulate import simulate
from authoring.team import Person, Team
from lifecycle.messages import HoldPlaced, SurveyAnswered
from lifecycle.model import Profile, Teammate

DAY = timedelta(days=1)


def many(theatre: Any, number: int) -> Iterator[Start]:
    (start,) = theatre.starts()
    for nth in range(number):
        yield replace(start, customer=f"c{nth}", name=f"C {nth}")


def test_sums_are_those_of_the_customers(theatre: Any) -> None:
    (start,) = theatre.starts()
    tally = play_all(theatre.world(), [start, replace(start, customer="other")]).tally

    assert tally.customers == 2
    assert tally.stages == {"onboarding": 2}
    assert tally.started == {"care": 2, "hello": 2}
    assert tally.sends == {
        (date(2026, 3, 3), "email"): 2,
        (date(2026, 3, 4), "email"): 2,
        (date(2026, 3, 6), "survey"): 2,
    }
    assert tally.books["care", "approval"] == 4
    assert tally.load["mara", date(2026, 3, 7), "task"] == 2
    assert tally.crowd == {1: 6}


def test_who_went_first_in_a_collision_is_named(theatre: Any) -> None:
    (start,) = theatre.starts()
    life = live(theatre.world(), start)

    assert life.collisions == (
        Collision(
            at("2026-03-03T10:00"),
            "cap",
            "care",
            "tip",
            "champion",
            "hello/welcome",
            "cap: 1 a day to one person",
            "moved",
            at("2026-03-04T10:00"),
        ),
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def test_the_fullest_seven_days_of_each_customer_are_told(theatre: Any) -> None:
    (start,) = theatre.starts()
    (week,) = play_all(theatre.world(), [start]).tally.weeks

    assert (week.messages, week.since, week.customer) == (3, date(2026, 3, 3), "acme")
    assert [(touch.on.day, touch.kind, touch.step) for touch in week.touches] == [
        (3, "email", "welcome"),
        (4, "email", "tip"),
        (6, "survey", "ask"),
    ]


def test_who_gets_nothing_has_no_fullest_week(theatre: Any) -> None:
    starts = theatre.starts("{ id: a, name: A }")

    assert play_all(theatre.world(), starts).tally.weeks == []


def test_every_collision_is_kept_where_that_is_wanted(theatre: Any) -> None:
    starts = list(many(theatre, 2))

    assert play_all(theatre.world(), starts).tally.every == []
    tally = play_all(theatre.world(), starts, every=True).tally
    assert [(customer, lost.step) for customer, lost in tally.every] == [("c0", "tip"), ("c1", "tip")]
    assert sum(tally.collisions.values()) == 2


def test_what_cannot_go_in_time_is_dropped(theatre: Any) -> None:
    steps = "".join(
        f"  - {{ id: m{nth}, day: 1, at: '1{nth}:00', email: {{ to: champion, template: welcome }} }}\n"
        for nth in range(6)
    )
    care = f"playbook: care\ntitle: Care\nowner: csm\ntrigger: {{ stage: onboarding }}\nanchor: signup\nsteps:\n{steps}"
    (start,) = theatre.starts()

    assert "dropped" in {item.fate for item in live(theatre.world(care=care), start).collisions}


def test_days_with_two_messages_are_counted_and_the_busiest_named(theatre: Any) -> None:
    care = theatre_two_a_day()
    (start,) = theatre.starts()
    tally = play_all(theatre.world(care=care), [start]).tally

    assert tally.crowd[2] == 1
    assert tally.busiest == [(2, date(2026, 3, 3), "acme")]


def theatre_two_a_day() -> str:
    return """
playbook: care
title: Care
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - id: kickoff
    day: 1
    invite: { to: champion, template: kickoff, when: "day 3 between 10:00 and 16:00", length: 60 minutes }
"""


def test_the_same_comes_out_of_any_number_of_processes(theatre: Any) -> None:
    world = theatre.world(usual(theatre.lifecycle), days=3)
    done: list[int] = []
    alone = play_all(world, many(theatre, WORTH_IT + 30), keep=3)
    shared = play_all(world, many(theatre, WORTH_IT + 30), keep=3, processes=2, progress=done.append)

    assert shared == alone
    assert done == sorted(done)
    assert done[-1] == WORTH_IT + 30


def test_a_few_customers_are_not_worth_processes() -> None:
    assert list(spread(_total, 1, iter(range(5)), processes=8)) == [15]


def _total(each: int, items: tuple[int, ...]) -> int:
    return sum(item + each for item in items)


def test_only_the_first_customers_are_kept_in_full(theatre: Any) -> None:
    future = play_all(theatre.world(days=1), many(theatre, 60), keep=2)

    assert [life.customer for life in future.lives] == ["c0", "c1"]


def test_a_simulation_of_one_customer_decides_what_the_simulator_decides(theatre: Any) -> None:
    (account,) = theatre.accounts(theatre.ACME)
    start = Start("acme", "Acme", account.at, account.signup)
    world = replace(theatre.world(), decisions=True)
    simulated = simulate(world.library, world.digest, account.signup, account.at, [], world.until, "acme")

    assert live(world, start).decisions == simulated.decisions


def test_a_live_customer_goes_on_from_its_state(theatre: Any) -> None:
    (start,) = theatre.starts()
    world = theatre.world()
    assert start.signup
    half = simulate(world.library, world.digest, start.signup, start.at, [], start.at + 3 * DAY, "acme")
    later = replace(world, since=half.state.as_of)
    whole = [touch for touch in live(world, start).touches if touch.at > half.state.as_of]
    rest = live(later, from_state(half.state, "Acme"))

    assert rest.name == "Acme"
    assert list(rest.touches) == whole


def test_a_question_that_is_open_is_answered_in_time_or_soon(theatre: Any) -> None:
    (start,) = theatre.starts()
    world = theatre.world(replace(usual(theatre.lifecycle), approvals=replace(SILENCE.approvals, approved=1)))
    assert start.signup
    asked = start.at + timedelta(days=2, hours=1, minutes=30)
    half = simulate(world.library, world.digest, start.signup, start.at, [], asked, "acme")
    found = live(replace(world, since=asked + timedelta(hours=5)), from_state(half.state))

    assert [f"{touch.at:%d %H:%M}" for touch in found.touches if touch.kind == "invite"] == ["04 16:30"]


def test_of_a_live_customers_past_only_questions_are_still_answered(theatre: Any) -> None:
    (start,) = theatre.starts()
    assert start.signup
    world = theatre.world(usual(theatre.lifecycle))
    half = simulate(world.library, world.digest, start.signup, start.at, [], start.at + 2 * DAY, "acme")
    late = replace(world, since=start.at + 20 * DAY)

    assert "ask" not in {touch.step for touch in live(late, from_state(half.state)).touches}


def test_what_is_told_first_reaches_live_customers_only(theatre: Any) -> None:
    (start,) = theatre.starts()
    assert start.signup
    world = replace(theatre.world(), first=(HoldPlaced("mara", "a pause"),))
    half = simulate(world.library, world.digest, start.signup, start.at, [], start.at, "acme")

    assert not [touch for touch in live(world, from_state(half.state)).touches if touch.kind == "email"]
    assert [touch for touch in live(world, start).touches if touch.kind == "email"]


def test_a_customer_of_a_later_time_is_counted_and_gets_nothing(theatre: Any) -> None:
    (start,) = theatre.starts("{ id: late, name: Late, signed_up_on: 2026-06-01 }")

    assert live(theatre.world(), start).touches == ()


def test_events_by_a_role_are_by_who_has_it(theatre: Any) -> None:
    (start,) = theatre.starts(
        theatre.ACME.replace(
            "}", ", events: [{ day: 2, at: '10:30', approve: kickoff, by: csm }, { day: 4, at: '11:00', nps: 3 }] }"
        )
    )

    assert [getattr(event, "by", "") for _, event in start.events] == ["mara", ""]
    assert isinstance(start.events[1][1], SurveyAnswered)
    assert "invite" in {touch.kind for touch in live(theatre.world(), start).touches}


def test_an_id_with_a_slash_is_still_one_part_of_a_touch(theatre: Any) -> None:
    (start,) = theatre.starts("{ id: a/b, name: A, champion: ada@a.example.com }")

    assert start.customer == "a%2Fb"
    assert live(theatre.world(), start).touches


def test_a_customer_without_people_still_makes_work(theatre: Any) -> None:
    (start,) = theatre.starts("{ id: a, name: A }")

    assert {touch.kind for touch in live(theatre.world(), start).touches} == {"task", "slack", "approval"}


def test_a_contact_without_a_role_is_called_a_contact(theatre: Any) -> None:
    (start,) = theatre.starts(theatre.ACME.replace("}", ", events: [{ day: 3, at: '08:00', left: champion }] }"))
    answers = replace(SILENCE, approvals=replace(SILENCE.approvals, approved=1))
    life = live(theatre.world(answers), start)

    assert {touch.to for touch in life.touches if not touch.inside} <= {"champion", "contact"}


def test_roles_go_to_the_wanted_person_else_to_the_least_busy(theatre: Any) -> None:
    people = tuple(
        Person(name, name, f"{name}@stageplay.example.com", "", "UTC", roles)
        for name, roles in (("ann", ("csm",)), ("bob", ("csm",)), ("fay", ("founder",)))
    )
    roster = Roster(Team(people), replace(theatre.lifecycle, roles={"csm": ("founder",), "tam": ("csm",), "ae": ()}))
    acme = Profile("UTC", date(2026, 3, 2))
    given = [
        roster.assign(acme, {})["csm"].id,
        roster.assign(acme, {})["csm"].id,
        roster.assign(acme, {"csm": people[2].email})["csm"].id,
    ]

    assert given == ["ann", "bob", "fay"]
    assert roster.assign(acme, {}) == {
        "csm": Teammate("ann", "UTC"),
        "founder": Teammate("fay", "UTC"),
        "tam": Teammate("ann", "UTC"),
    }


def test_its_json_has_days_loads_and_lives(theatre: Any) -> None:
    (start,) = theatre.starts()
    data = to_json(play_all(theatre.world(), [start], keep=1, every=True))

    assert json.loads(json.dumps(data)) == data
    assert data["days"][0] == {"on": "2026-03-03", "kind": "email", "count": 1}
    assert data["collisions"][0]["winner"] == "hello/welcome"
    assert data["busiest_weeks"][0]["since"] == "2026-03-03"
    assert data["every_collision"] == [
        {
            "customer": "acme",
            "at": "2026-03-03T10:00:00+01:00",
            "kind": "cap",
            "playbook": "care",
            "step": "tip",
            "to": "champion",
            "winner": "hello/welcome",
            "why": "cap: 1 a day to one person",
            "fate": "moved",
            "went": "2026-03-04T10:00:00+01:00",
        }
    ]
    assert data["lives"][0]["touches"][0] == {
        "at": "2026-03-03T09:00:00+01:00",
        "kind": "email",
        "playbook": "hello",
        "step": "welcome",
        "name": "welcome",
        "to": "champion",
    }


def test_the_page_needs_nothing_else_and_names_everybody(theatre: Any) -> None:
    starts = theatre.starts(theatre.ACME, "{ id: b, name: B, signed_up_on: 2026-06-01 }")
    shown = page.render(play_all(theatre.world(), starts, keep=2), {"mara": "Mara L"}, "A simulation")

    assert "Mara L" in shown
    assert "hello/welcome" in shown
    assert "http" not in shown.replace("http-equiv", "")
    assert "src=" not in shown


def test_the_page_escapes_what_comes_from_files(theatre: Any) -> None:
    starts = theatre.starts("{ id: b, name: '<script>alert(1)</script>\"', champion: b@b.example.com }")
    shown = page.render(play_all(theatre.world(), starts, keep=1), {}, "A <b>title</b>")

    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;" in shown
    assert "A &lt;b&gt;title" in shown


def test_the_page_of_a_long_period_is_drawn_by_week(theatre: Any) -> None:
    (start,) = theatre.starts()
    world = replace(theatre.world(), until=theatre.SINCE + 200 * DAY)
    shown = page.render(play_all(world, [start], keep=1), {}, "Long")

    assert "week of Mon 02 Mar: 2 email" in shown


def test_the_page_of_nothing_says_so(theatre: Any) -> None:
    future = Future(theatre.SINCE, theatre.SINCE + DAY, "nobody", "1", Tally())

    assert "Nothing." in page.render(future, {}, "Nothing")


def test_a_kind_that_is_new_is_shown_by_its_own_name(theatre: Any) -> None:
    tally = Tally()
    tally.books["care", "open_opportunity"] = 1

    assert "open_opportunity" in page.render(Future(theatre.SINCE, theatre.SINCE + DAY, "x", "1", tally), {}, "x")


def test_without_a_team_file_every_role_is_somebody(theatre: Any) -> None:
    (account,) = theatre.accounts(theatre.ACME)
    life = live(theatre.world(), of_account(account))

    assert "csm" in {touch.to for touch in life.touches}


def test_a_reminder_is_not_another_question(theatre: Any) -> None:
    (start,) = theatre.starts()
    care = theatre.care.replace("within: 8 business hours", "within: 8 business hours, remind: 1 business hour")

    assert live(theatre.world(care=care), start).touches == live(theatre.world(), start).touches


def test_ctrl_c_is_heard_by_whoever_asked_and_by_no_process_that_works_for_it() -> None:
    """Each batch is done by `pthread_sigmask`, which tells what its process does not hear."""
    deaf = list(spread(signal.pthread_sigmask, signal.SIG_BLOCK, [signal.SIGUSR1] * WORTH_IT, processes=2))
    assert all(signal.SIGINT in part for part in deaf)
    assert len(deaf) > 1
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_where_there_are_no_signal_masks_it_spreads_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr(signal, "pthread_sigmask")
    found = list(spread(operator.contains, (), range(WORTH_IT), processes=2))
    assert found == [False] * (WORTH_IT // BATCH)
