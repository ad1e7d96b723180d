"""Journeys in files of their own: what they may say, what is refused, and what ships."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authoring import journey_page
from authoring.compile import Compiled, compile_folder
from authoring.diagnostics import Report
from authoring.journeys import Journey, read_journeys
from authoring.lint import lint
from authoring.scenario import check, load
from authoring.scenario_file import lifecycle_of
from authoring.source import Source
from lifecycle.actions import Invite
from lifecycle.conditions import holds
from lifecycle.model import Value
from lifecycle.playbook import STANDARD, Lifecycle, Playbook, Target
from tests.authoring.conftest import TODAY

if TYPE_CHECKING:
    from tests.authoring.conftest import Judge

ROOT = Path(__file__).parents[2]
QUICK = """\
journey: quick
title: Quick
stages:
  - { stage: onboarding, owner: [csm, support], days: 0-7, done: milestones.first_value }
  - { stage: value, owner: csm, days: 8+, done: milestones.second_team }
  - { stage: expansion, owner: csm, days: 8+ }
milestones:
  first_value: { by: day 7, owner: csm }
  second_team: { title: Second team, ticked_by: [csm], by: day 30, share: 60 }
  third_team: { ticked_by: [csm] }
"""


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_folder(ROOT / "playbooks", ROOT / "templates")


@pytest.fixture(scope="module")
def shipped(compiled: Compiled) -> Lifecycle:
    return lifecycle_of(compiled)


@pytest.fixture(scope="module")
def books(compiled: Compiled) -> dict[str, Playbook]:
    return {book.name: book for book in compiled.releases.values() if isinstance(book, Playbook)}


def test_a_journey_is_read(judge: Judge) -> None:
    compiled = judge.compiled({"playbooks/journeys/quick.yaml": QUICK})
    assert compiled.diagnostics == ()
    life = lifecycle_of(compiled)
    course = life.journeys["quick"]
    assert [(spec.name, spec.from_day, spec.to_day, spec.owner, spec.others) for spec in course.stages] == [
        ("onboarding", 0, 7, "csm", ("support",)),
        ("value", 8, None, "csm", ()),
        ("expansion", 8, None, "csm", ()),
    ]
    assert course.targets == (Target("first_value", 7, "csm"), Target("second_team", 30, "", 60))
    assert course.milestones == ("second_team", "third_team")
    assert life.milestones["third_team"].title == "third_team"
    assert life.place("second_team", "quick") == "playbooks/journeys/quick.yaml:9"


WRONG = [
    ("journey: quick", "journey: Quick Start", "name"),
    ("journey: quick", "journey: standard", "duplicate-name"),
    ("stage: value", "stage: valley", "value"),
    ("days: 8+, done", "days: 0+, done", "range"),
    ("owner: [csm, support]", "owner: [csm, suport]", "unknown-role"),
    ("milestones.second_team", "milestones.secnd_team", "unknown-name"),
    ("by: day 7,", "by: 7 days,", "range"),
    ("by: day 7, owner: csm", "owner: csm", "missing-key"),
    ("by: day 7, owner: csm", "by: day 7, title: Other", "duplicate-name"),
    ("by: day 30, share: 60", "share: 60", "missing-key"),
    ("share: 60", "share: 101", "range"),
    ("ticked_by: [csm], by", "by", "missing-key"),
    ("title: Quick", "titel: Quick", "unknown-key"),
    ("  third_team: { ticked_by: [csm] }", "  third_team: yes", "value"),
    ("  third_team: { ticked_by: [csm] }", "  Third-Team: { ticked_by: [csm] }", "name"),
]


@pytest.mark.parametrize(("was", "becomes", "rule"), WRONG, ids=[item[1] for item in WRONG])
def test_what_is_wrong_in_a_journey_is_one_finding(judge: Judge, was: str, becomes: str, rule: str) -> None:
    assert was in QUICK
    found = judge.compiled({"playbooks/quick.yaml": QUICK.replace(was, becomes, 1)}).diagnostics
    assert [item.rule for item in found] == [rule], found


def test_two_journeys_of_one_name_or_with_one_milestone_are_found(judge: Judge) -> None:
    twice = {"playbooks/a.yaml": QUICK, "playbooks/b.yaml": QUICK.replace("by: day 30, share: 60", "by: day 31")}
    found = judge.compiled(twice).diagnostics
    assert [item.rule for item in found] == ["duplicate-name"]
    assert found[0].related == "playbooks/a.yaml"
    other = {**twice, "playbooks/b.yaml": QUICK.replace("journey: quick", "journey: slow")}
    assert [item.rule for item in judge.compiled(other).diagnostics] == ["duplicate-name"] * 2


def test_a_journey_that_is_no_mapping_is_one_finding(judge: Judge) -> None:
    found = judge.compiled({"playbooks/quick.yaml": "journey: quick\nstages: none\n"}).diagnostics
    assert [item.rule for item in found] == ["value"]


def test_a_file_without_anything_in_it_is_no_journey() -> None:
    assert read_journeys([Source("empty.yaml", (), None)], Journey(), {}, Report()) == {}


def test_the_lifecycle_file_may_want_milestones_by_a_day(judge: Judge) -> None:
    text = (judge.folder / "playbooks/lifecycle.yaml").read_text() if judge.folder.exists() else ""
    text = text or (Path(__file__).parent / "standard/playbooks/lifecycle.yaml").read_text()
    wanted = text.replace("ticked_by: [csm] }", "ticked_by: [csm], by: day 9, owner: support }")
    life = lifecycle_of(judge.compiled({"playbooks/lifecycle.yaml": wanted}))
    assert life.courses[STANDARD].targets == (Target("first_value", 9, "support"),)


def test_a_stage_of_a_journey_that_nothing_ends_is_warned_of_in_its_file(judge: Judge) -> None:
    text = QUICK.replace(", done: milestones.first_value", "")
    found = lint(judge.compiled({"playbooks/quick.yaml": text}), TODAY)
    found = tuple(item for item in found if item.rule == "stage-without-exit")
    assert [(item.rule, item.place.file) for item in found] == [("stage-without-exit", "playbooks/quick.yaml")]


def test_a_condition_names_only_journeys_that_there_are(judge: Judge) -> None:
    book = """\
playbook: tried
title: Tried
owner: csm
trigger: { stage: onboarding }
entry: customer.journey == 'quik'
exit: customer.stage == 'churned'
steps:
  - { id: look, day: 1, slack: { to: csm, template: look } }
"""
    files = {"playbooks/quick.yaml": QUICK, "playbooks/tried.yaml": book}
    (found,) = judge.compiled(files).diagnostics
    assert found.rule == "unknown-name"
    assert "quick" in found.fix
    assert judge.compiled({**files, "playbooks/tried.yaml": book.replace("quik", "quick")}).diagnostics == ()


SCENARIO = """\
scenario: late
playbook: hello
customer: { name: Acme, journey: quick, zone: Europe/Berlin, champion: ada@acme.example.com }
start: 2026-03-02T10:00
events: []
expect: []
"""


def test_a_scenario_names_only_journeys_that_there_are(judge: Judge) -> None:
    compiled = judge.compiled({"playbooks/quick.yaml": QUICK})
    _, found = load(SCENARIO.replace("quick", "quik"), "late.yaml", compiled)
    assert [(item.rule, item.fix) for item in found] == [("value", 'did you mean "quick"?')]


def findings(judge: Judge, expect: str) -> list[tuple[str, str, str]]:
    compiled = judge.compiled({"playbooks/quick.yaml": QUICK})
    scenario, found = load(SCENARIO.replace("expect: []", expect), "late.yaml", compiled)
    said = check(scenario, compiled) if scenario else found
    return [(item.rule, item.what, item.fix) for item in said]


def test_an_overdue_stage_and_its_due_are_checked_where_a_line_names_them(judge: Judge) -> None:
    line = '{ day: 8, at: "00:00", overdue: onboarding, to: csm, due: "day 9 at 00:00" }'
    hello = findings(judge, "expect: []")
    assert findings(judge, f"expect:\n  - {line}") == hello
    assert len(findings(judge, f"expect:\n  - {line.replace('day: 8', 'day: 7')}")) == len(hello) + 1
    (wrong,) = findings(judge, "expect:\n  - { day: 8, at: '00:00', overdue: frist_value }")
    assert (wrong[0], wrong[2]) == ("unknown-stage", 'did you mean "first_value"?')
    (never,) = [item for item in findings(judge, "expect: []\nnever: [{ overdue: onboarding }]") if item not in hello]
    assert "this must never happen, and did: day 8 at 00:00, overdue onboarding to csm" in never[1]


# --- what ships -------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_journeys_as_they_are(shipped: Lifecycle) -> None:
    page = (ROOT / journey_page.PAGE).read_text(encoding="utf-8")
    assert page == journey_page.page(shipped), "python -m authoring.journey_page"


def test_the_page_is_written_where_it_is_told(tmp_path: Path) -> None:
    for name in ("playbooks", "templates"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "docs").mkdir()
    journey_page.main(tmp_path)
    assert (tmp_path / journey_page.PAGE).read_text(encoding="utf-8") == (ROOT / journey_page.PAGE).read_text()


@pytest.mark.parametrize(
    ("journey", "stages"),
    [
        pytest.param(
            "standard",
            [("new", 0, 0), ("onboarding", 1, 14), ("adoption", 15, 60), ("value", 61, 180), ("expansion", 181, None)],
            id="A1",
        ),
        pytest.param(
            "30-90-day",
            [("onboarding", 1, 30), ("adoption", 31, 90), ("value", 91, None), ("expansion", 91, None)],
            id="A3",
        ),
        pytest.param(
            "90-day",
            [("onboarding", 1, 30), ("adoption", 31, 90), ("value", 91, None), ("expansion", 91, None)],
            id="A4",
        ),
        pytest.param(
            "self-serve",
            [("onboarding", 0, None), ("adoption", 0, None), ("expansion", 0, None), ("advocacy", 0, None)],
            id="A5",
        ),
    ],
)
def test_each_journey_has_the_windows_of_its_row(
    shipped: Lifecycle, journey: str, stages: list[tuple[str, int, int | None]]
) -> None:
    assert [(spec.name, spec.from_day, spec.to_day) for spec in shipped.courses[journey].stages] == stages


@pytest.mark.parametrize(
    ("stage", "owners", "done"),
    [
        ("new", ["csm"], "access.given"),
        (
            "onboarding",
            ["implementation_specialist", "csm"],
            "milestones.first_integration and milestones.team_trained",
        ),
        ("adoption", ["csm"], "milestones.adopted"),
        ("value", ["csm"], "milestones.roi_documented and nps.score > 8"),
        ("expansion", ["csm", "ae"], "milestones.growth_outcome"),
    ],
)
def test_each_stage_has_the_owners_and_the_criterion_of_its_contract(
    shipped: Lifecycle, stage: str, owners: list[str], done: str
) -> None:
    (spec,) = [spec for spec in shipped.stages if spec.name == stage]
    assert [spec.owner, *spec.others] == owners
    assert spec.criterion is not None
    assert spec.criterion.text == done


def test_milestones_are_wanted_as_their_rows_say(shipped: Lifecycle) -> None:
    wanted = {
        (name, item.milestone): (item.day, item.owner, item.share)
        for name, course in shipped.courses.items()
        for item in course.targets
    }
    assert wanted == {
        ("30-90-day", "technical_setup"): (7, "implementation_specialist", 0),
        ("30-90-day", "first_value"): (30, "csm", 0),
        ("30-90-day", "full_adoption"): (90, "csm", 0),
        ("30-90-day", "renewal_talk"): (300, "csm", 0),
        ("90-day", "kickoff_held"): (7, "csm", 0),
        ("90-day", "first_value"): (30, "csm", 0),
        ("90-day", "activation"): (30, "csm", 70),
        ("90-day", "completion_review"): (90, "csm", 0),
        ("self-serve", "first_value"): (0, "", 0),
        ("self-serve", "setup_complete"): (7, "", 60),
        ("self-serve", "came_back"): (1, "", 30),
        ("self-serve", "activated"): (30, "", 40),
    }
    assert shipped.milestones["activation"].when is not None
    assert shipped.milestones["activation"].when.text == "activation.key_actions >= 5"


def test_the_stage_new_is_for_access_and_a_kickoff_in_the_calendar(shipped: Lifecycle) -> None:
    ready = shipped.milestones["account_ready"].when
    assert ready is not None
    assert ready.text == "access.given and kickoff.scheduled"


def test_the_calls_of_the_90_days_lie_on_their_days(books: dict[str, Playbook]) -> None:
    days = {step.id: step.action.day for step in books["ninety-day"].steps if isinstance(step.action, Invite)}
    assert days == {
        "kickoff": 3,
        "first-check-in": 7,
        "training": 10,
        "second-check-in": 30,
        "mid": 60,
        "completion": 90,
    }


@pytest.mark.parametrize("name", ["reviews", "renewal", "check-ins"])
@pytest.mark.parametrize("journey", ["standard", "30-90-day", "90-day", "self-serve"])
def test_reviews_and_renewals_run_on_every_journey_with_people(
    books: dict[str, Playbook], name: str, journey: str
) -> None:
    entry = books[name].entry
    assert entry is not None
    facts: dict[str, Value] = {"customer.journey": journey, "customer.tier": "pro", "playing.ninety_day": False}
    assert holds(entry, facts.get) is (journey != "self-serve")
