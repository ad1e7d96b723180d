"""A customer on a virtual clock: the whole of onboarding in milliseconds, the same every time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authoring.compile import Compiled, compile_folder
from authoring.diagnostics import render_text
from authoring.scenario import check, load, load_customer, load_events, play
from authoring.simulate import Library, simulate
from lifecycle.commands import SendEmail
from lifecycle.messages import Event, FactsReported, Happened, SignedUp, SurveyAnswered
from lifecycle.model import state_from_json, state_to_json
from lifecycle.playbook import Lifecycle, Playbook
from lifecycle.releases import ReleaseMissingError

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "playbooks/scenarios").rglob("*.yaml"))
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CUSTOMER = "name: Acme\ntier: pro\nzone: Europe/Berlin\ncountry: DE\nchampion: ada@acme.example.com\n"


@pytest.fixture(scope="module")
def shipped() -> Compiled:
    return compile_folder(ROOT / "playbooks", ROOT / "templates")


def _signup(lifecycle: Lifecycle) -> SignedUp:
    signup, found = load_customer(CUSTOMER, "customer.yaml", datetime(2026, 3, 2, 10), lifecycle)  # noqa: DTZ001  # local
    assert found == ()
    assert signup is not None
    return signup


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_comes_out_as_written(shipped: Compiled, path: Path) -> None:
    scenario, found = load(path.read_text(encoding="utf-8"), path.name, shipped)
    assert render_text(found) == ""
    assert scenario is not None
    assert render_text(check(scenario, shipped)) == ""


def test_a_simulation_is_the_same_every_time(shipped: Compiled) -> None:
    scenario, _ = load(SCENARIOS[0].read_text(encoding="utf-8"), "s.yaml", shipped)
    assert scenario is not None
    library = scenario.library(shipped)
    assert play(scenario, library) == play(scenario, library)


def test_decisions_and_commands_come_in_the_order_of_time(judge: Any, lifecycle: Lifecycle) -> None:
    compiled = judge.compiled()
    events: list[tuple[datetime, Event]] = [
        (START + timedelta(days=2), SurveyAnswered("nps", "champion", 9)),
        (START, Happened("feature.used")),
    ]
    simulation = simulate(
        Library(compiled.releases), compiled.digest, _signup(lifecycle), START, events, START + timedelta(days=30)
    )
    assert [item.at for item in simulation.decisions] == sorted(item.at for item in simulation.decisions)
    assert [item.command.step for item in simulation.issued if item.command.kind != "raise_task"] == ["welcome", "look"]
    assert simulation.state.facts["nps.score"].value == 9
    assert state_from_json(state_to_json(simulation.state)) == simulation.state


def test_nothing_is_played_after_the_end(judge: Any, lifecycle: Lifecycle) -> None:
    compiled = judge.compiled()
    until = datetime(2026, 3, 3, 8, tzinfo=UTC)
    late = [(until + timedelta(days=1), Happened("feature.used"))]
    simulation = simulate(Library(compiled.releases), compiled.digest, _signup(lifecycle), START, late, until)
    assert [type(item.command) for item in simulation.issued] == [SendEmail]
    assert simulation.issued[0].at == until
    assert "feature.used" not in simulation.state.seen


def test_a_trace_says_where_each_decision_stands_in_the_playbook(judge: Any, lifecycle: Lifecycle) -> None:
    compiled = judge.compiled()
    library = Library(compiled.releases)
    until = START + timedelta(days=5)
    trace = simulate(library, compiled.digest, _signup(lifecycle), START, [], until).trace(library)
    fired = next(item for item in trace if item["step"] == "welcome")
    assert fired == {
        "at": "2026-03-03T09:00:00+01:00",
        "customer": "simulated",
        "playbook": "hello",
        "release": compiled.catalogue.playbooks["hello"],
        "play": 1,
        "step": "welcome",
        "kind": "email",
        "to": "champion",
        "verdict": "fired",
        "reason": fired["reason"],
        "place": "playbooks/hello.yaml:7",
    }


@pytest.mark.parametrize("method", ["catalogue", "lifecycle", "playbook"])
def test_a_release_that_is_not_there_is_missing(method: str) -> None:
    with pytest.raises(ReleaseMissingError):
        getattr(Library({}), method)("0123456789abcdef")


def test_events_of_a_file_are_read_in_the_customers_zone(judge: Any, lifecycle: Lifecycle) -> None:
    books = [book for book in judge.compiled().releases.values() if isinstance(book, Playbook)]
    local = datetime(2026, 3, 2, 10)  # noqa: DTZ001  # local
    events, found = load_events('- { day: 1, at: "09:30", nps: 9 }\n', "e.yaml", local, "Asia/Tokyo", books, lifecycle)
    assert found == ()
    assert events == ((datetime(2026, 3, 3, 0, 30, tzinfo=UTC), SurveyAnswered("nps", "champion", 9)),)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('- { day: 0, at: "08:00", nps: 9 }', "time"),
        ('- { day: 1, at: "09:30", nps: 11 }', "range"),
        ('- { day: 1, at: "09:30", approve: welcom }', "unknown-step"),
        ('- { day: 1, at: "09:30", event: feature.use }', "unknown-event"),
        ('- { day: 1, at: "09:30", facts: { usage.dau: 1 } }', "unknown-fact"),
        ('- { day: 1, at: "09:30", tick: first }', "unknown-name"),
        ('- { day: 1, at: "09:30", unsubscribed: csm }', "unknown-role"),
        ('- { day: 1, at: "09:30", stage: onbording }', "unknown-stage"),
        ('- { day: 1, at: "09:30" }', "one-action"),
        ('- { day: 1, at: "09:30", nps: 9, churned: x }', "one-action"),
        ('- { at: "09:30", nps: 9 }', "missing-key"),
        ("- { nps: 9, after: 1 day }", "when"),
        ("- nps", "value"),
        ("nps: 9", "value"),
    ],
)
def test_a_wrong_event_is_told(judge: Any, lifecycle: Lifecycle, line: str, rule: str) -> None:
    books = [book for book in judge.compiled().releases.values() if isinstance(book, Playbook)]
    local = datetime(2026, 3, 2, 10)  # noqa: DTZ001  # local
    events, found = load_events(line, "events.yaml", local, "Europe/Berlin", books, lifecycle)
    assert events == ()
    assert [item.rule for item in found] == [rule]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("start: 2026-03-02T10:00", "start: today", "time"),
        ("start: 2026-03-02T10:00", "start: 2026-03-02T10:00Z", "time"),
        ("playbook: hello", "playbook: [helo]", "unknown-playbook"),
        ("zone: Europe/Berlin", "zone: Europe/Berlim", "zone"),
        ("email: welcome", "email: welcom", "unknown-step"),
        ("email: welcome", "email: welcome, slack: look", "one-action"),
        ("expect:", "expects:", "unknown-key"),
        ('at: "09:00", email', 'at: "9", email', "time"),
        ("  - { day: 3, slack: look }", "  - look", "value"),
        ("customer: {", "customer: [{ a: 1 }, {", "yaml"),
    ],
)
def test_a_wrong_scenario_is_told(judge: Any, old: str, new: str, rule: str) -> None:
    text = (Path(__file__).parent / "ok/scenario.yaml").read_text(encoding="utf-8")
    assert old in text
    scenario, found = load(text.replace(old, new), "scenario.yaml", judge.compiled())
    assert scenario is None
    assert rule in [item.rule for item in found]


def test_a_scenario_that_names_a_question_checks_it(judge: Any) -> None:
    steps = "  - id: look\n    day: 1\n    approval: { by: csm, within: 4 business hours }\n"
    text = (
        "playbook: asks\ntitle: Asks\nowner: csm\ntrigger: { stage: onboarding }\nanchor: signup\nsteps:\n"
        + steps
        + "    slack: { to: csm, template: look }\n"
    )
    compiled = judge.compiled({"playbooks/asks.yaml": text})
    story = (
        "scenario: asked\nplaybook: asks\ncustomer: { name: Acme, zone: Europe/Berlin, country: DE }\n"
        "start: 2026-03-02T10:00\nevents:\n"
        '  - { day: 1, at: "10:00", approve: look }\n'
        'expect:\n  - { day: 1, at: "09:00", approval: look, to: csm }\n'
        '  - { day: 1, at: "10:00", slack: look, to: csm }\n'
    )
    scenario, found = load(story, "s.yaml", compiled)
    assert found == ()
    assert scenario is not None
    assert check(scenario, compiled) == ()
    late, _ = load(story.replace('day: 1, at: "09:00", approval', 'day: 2, at: "09:00", approval'), "s.yaml", compiled)
    assert late is not None
    assert [str(item.place) for item in check(late, compiled)] == ["s.yaml:8:38"]


def test_a_report_that_is_no_news_is_not_told_again(judge: Any, lifecycle: Lifecycle) -> None:
    compiled = judge.compiled()
    reports: list[tuple[datetime, Event]] = [
        (START + timedelta(hours=hour), FactsReported({"usage.dau_wau": share}))
        for hour, share in ((1, 0.40), (2, 0.40), (3, 0.42), (4, 0.50))
    ]
    until = START + timedelta(hours=8)
    played = [
        simulate(Library(compiled.releases), compiled.digest, _signup(lifecycle), START, reports[:n], until).state
        for n in (1, 3, 4)
    ]
    assert played[0].facts == played[1].facts
    assert played[2].facts["usage.dau_wau"].value == 0.50
