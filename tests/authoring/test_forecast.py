"""Forecasts: live customers go on from their states, and who has too much is warned of by name."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from authoring.diagnostics import Report
from authoring.forecast import Forecast, Standing, forecast, freshness, to_json
from authoring.simulate import simulate
from authoring.source import parse
from authoring.team import Capacity, Person, compile_team
from lifecycle.messages import ContactSuppressed

DAY = timedelta(days=1)
MARA = Person("mara", "Mara", "mara@stageplay.example.com", "", "Europe/Berlin", ("csm",), Capacity(1, 2))


@pytest.fixture
def standings(theatre: Any) -> list[Standing]:
    """Three customers on the evening of their signup."""
    world = theatre.world()
    lines = [f"{{ id: c{n}, name: C{n}, champion: ada@c{n}.example.com }}" for n in range(3)]
    found = []
    for start in theatre.starts(*lines):
        lived = simulate(world.library, world.digest, start.signup, start.at, [], start.at + DAY / 2, start.customer)
        found.append(Standing(start.name, lived.state, "workflow"))
    return found


def made(theatre: Any, standings: list[Standing], person: Person = MARA, **known: Any) -> Forecast:
    world = replace(theatre.world(), since=theatre.SINCE + DAY / 2, until=theatre.SINCE + 8 * DAY)
    return forecast(world, standings, [person], **known)


def test_who_has_more_than_they_can_take_is_warned_of_by_name(theatre: Any, standings: list[Standing]) -> None:
    found = made(theatre, standings)

    assert [str(item) for item in found.warnings] == [
        "Mara has 3 approvals on Wednesday 4 March, capacity 2",
        "Mara has 3 tasks on Thursday 5 March, capacity 1",
        "Mara has 3 tasks on Saturday 7 March, capacity 1",
    ]


@pytest.mark.parametrize("capacity", [Capacity(), Capacity(3, 3)])
def test_nobody_is_warned_of_work_that_fits_or_that_nobody_limits(
    theatre: Any, standings: list[Standing], capacity: Capacity
) -> None:
    assert not made(theatre, standings, replace(MARA, capacity=capacity)).warnings


def test_the_coming_days_are_counted_from_the_states(theatre: Any, standings: list[Standing]) -> None:
    sends = made(theatre, standings).future.tally.sends

    assert sends[date(2026, 3, 3), "email"] == 3
    assert sends[date(2026, 3, 6), "survey"] == 3


def test_events_since_the_state_count(theatre: Any, standings: list[Standing]) -> None:
    told = ((theatre.SINCE, ContactSuppressed("con-1", "unsubscribed")),)
    found = made(theatre, [replace(item, source="snapshot", since=told) for item in standings])

    assert not found.future.tally.sends


def test_it_says_how_fresh_it_is(theatre: Any, standings: list[Standing]) -> None:
    old = replace(standings[0], source="snapshot")

    assert freshness(made(theatre, standings)) == "3 of 3 customers as their workflow says now"
    assert freshness(made(theatre, [old, *standings[1:]], unknown=["Lost"])) == (
        "2 of 3 customers as their workflow says now; 1 from the last stored state and 0 events since, "
        "the oldest of Mon 02 Mar 2026 08:00 UTC; 1 not known and left out: Lost"
    )
    assert freshness(made(theatre, [])) == "there is no live customer"


def test_its_json_has_capacities_and_warnings(theatre: Any, standings: list[Standing]) -> None:
    data = to_json(made(theatre, standings))

    assert json.loads(json.dumps(data)) == data
    assert data["warnings"][0]["text"] == "Mara has 3 approvals on Wednesday 4 March, capacity 2"
    assert data["customers"][0]["source"] == "workflow"
    rows = {(row["teammate"], row["kind"]): (row["name"], row["capacity"]) for row in data["load"]}
    assert rows["mara", "approval"] == ("Mara", 2)
    assert rows["mara", "slack"] == ("Mara", None)
    assert rows["ruth", "approval"] == ("ruth", None)


def test_a_team_file_says_what_a_person_can_take(theatre: Any) -> None:
    text = """people:
  - { id: mara, name: Mara, email: mara@stageplay.example.com, roles: [founder], capacity: { tasks_a_day: 8 } }
  - { id: ruth, name: Ruth, email: ruth@stageplay.example.com, roles: [founder] }
"""
    report = Report()
    team = compile_team(parse(text, "team.yaml", report), theatre.lifecycle, report)

    assert team
    assert [person.capacity for person in team.people] == [Capacity(8, 0), Capacity()]


@pytest.mark.parametrize(
    ("capacity", "what"),
    [
        ("many", '"capacity" is "many", not a mapping'),
        ("{ tasks_a_day: 0 }", "not a whole number from 1 to 1000"),
        ("{ calls_a_day: 3 }", 'has no key "calls_a_day"'),
    ],
)
def test_what_is_wrong_with_a_capacity_is_said(theatre: Any, capacity: str, what: str) -> None:
    person = f"{{ id: m, name: M, email: m@stageplay.example.com, roles: [founder], capacity: {capacity} }}"
    report = Report()
    compile_team(parse(f"people: [{person}]\n", "team.yaml", report), theatre.lifecycle, report)

    assert what in report.sorted()[0].what


def test_a_reminder_of_a_question_that_was_put_before_is_no_other_question(theatre: Any) -> None:
    care = theatre.care.replace("within: 8 business hours,", "within: 8 business hours, remind: 1 business hours,")
    world = theatre.world(care=care)
    start = theatre.starts()[0]
    asked = theatre.SINCE + 2 * DAY + timedelta(hours=2)
    lived = simulate(world.library, world.digest, start.signup, start.at, [], asked, start.customer)
    period = replace(world, since=asked, until=asked + DAY)
    found = forecast(period, [Standing("Acme", lived.state, "workflow")], []).future.tally.load

    assert [who for who, _, kind in found if kind == "approval"] == ["ruth"]
