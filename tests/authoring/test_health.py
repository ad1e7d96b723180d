"""Health model files: what an author may write, and where each mistake is found."""

from __future__ import annotations

from typing import Any

import pytest

from authoring.diagnostics import Report
from authoring.health import read_models
from authoring.source import parse

MODEL = """
health_model: tried
title: Tried
bands: { green: 80, yellow: 60, red: 0 }
unknown: left_out
least_known: 20
ranges:
  - { from: 80, title: Healthy, action: Ask }
  - { from: 0, title: Not healthy }
components:
  - component: usage
    title: Use
    weight: 60
    metrics:
      - { metric: features, weight: 40, good: usage.core_features >= 5, middle: usage.core_features >= 3 }
      - { metric: api, weight: 20, good: milestones.technical_setup, unknown: 0 }
  - component: mood
    weight: 40
    metrics:
      - { metric: nps, value: nps.score * 10 }
"""
MOOD = MODEL[MODEL.index("  - component: mood") :]
FILE = "playbooks/health/tried.yaml"


def test_a_model_is_compiled_into_the_lifecycle_that_names_it(judge: Any) -> None:
    lifecycle = judge.compiled().sources["lifecycle"].file
    text = (judge.folder / lifecycle).read_text(encoding="utf-8")
    chosen = text.replace("bands: { green: 80, yellow: 60, red: 40, critical: 0 }", "health: tried")
    compiled = judge.compiled({FILE: MODEL, lifecycle: chosen})
    assert compiled.diagnostics == ()
    life = compiled.releases[compiled.catalogue.lifecycle]
    assert life.health == compiled.models["tried"]
    assert life.bands == {"green": 80, "yellow": 60, "red": 0}
    features, api = life.health.components[0].metrics
    assert (features.weight, features.good.text, features.middle.text) == (
        40,
        "usage.core_features >= 5",
        "usage.core_features >= 3",
    )
    assert (api.title, api.unknown, features.unknown) == ("api", 0, None)
    assert life.health.components[1].metrics[0].value.text == "nps.score * 10"
    both = judge.compiled({FILE: MODEL, lifecycle: text + "health: tried\n"}).diagnostics
    assert [item.rule for item in both if item.rule == "duplicate-key"] == ["duplicate-key"]


def test_a_model_that_nobody_names_is_checked_and_released_with_nothing(judge: Any) -> None:
    plain, compiled = judge.compiled(), judge.compiled({FILE: MODEL})
    assert compiled.diagnostics == ()
    assert list(compiled.models) == ["tried"]
    assert compiled.digest == plain.digest


WRONG = [
    ("health_model: tried", "health_model: My Model", "name", "My Model"),
    ("title: Tried", "titel: Tried", "unknown-key", "titel"),
    ("bands: { green: 80, yellow: 60, red: 0 }\n", "", "missing-key", ""),
    ("yellow: 60", "yellow: 90", "range", "90"),
    ("unknown: left_out", "unknown: ignored", "value", "ignored"),
    ("least_known: 20", "least_known: 120", "range", "120"),
    ("ranges:\n", "ranges: none\nother:\n", "value", "none"),
    ("from: 0", "from: 80", "range", "80"),
    ("- { from: 0, title: Not healthy }", "- all others", "value", "all others"),
    ("{ from: 0, title: Not healthy }", "{ title: Not healthy }", "missing-key", ""),
    ("weight: 40\n", "weight: 41\n", "health-weights", "components"),
    ("weight: 20,", "weight: 21,", "health-weights", "metrics"),
    ("weight: 20,", "", "health-weights", "metrics"),
    ("component: mood", "component: usage", "duplicate-name", "usage"),
    ("metric: api", "metric: features", "duplicate-name", "features"),
    ("component: mood", "component: Mood", "name", "Mood"),
    ("    weight: 40\n", "", "missing-key", ""),
    ("- { metric: nps, value: nps.score * 10 }", "- nps", "value", "nps"),
    ("    metrics:\n      - { metric: nps, value: nps.score * 10 }\n", "", "missing-key", ""),
    ("value: nps.score * 10", "title: Nothing", "missing-key", ""),
    ("value: nps.score * 10", "value: nps.score, middle: nps.score > 3", "unknown-key", "middle"),
    ("value: nps.score * 10", "value: nps.score, good: nps.score > 3", "missing-key", ""),
    ("unknown: 0", "unknown: 101", "range", "101"),
    (MOOD, "  - mood\n", "value", "mood"),
    (MODEL[MODEL.index("components:") :], "", "missing-key", ""),
    ("value: nps.score * 10", "value: customer.tier", "type", "customer.tier"),
    ("value: nps.score * 10", "value: nps.scor * 10", "unknown-name", "nps.scor"),
    ("good: milestones.technical_setup", "good: playing.hello", "health-reads", "playing.hello"),
    ("good: milestones.technical_setup", "good: health.fell", "health-reads", "health.fell"),
    ("good: milestones.technical_setup", "good: not (nps.score is undefined)", "health-reads", ""),
]


@pytest.mark.parametrize(("old", "new", "rule", "words"), WRONG, ids=[f"{n} {row[2]}" for n, row in enumerate(WRONG)])
def test_a_mistake_in_a_model_is_found_where_it_stands(judge: Any, old: str, new: str, rule: str, words: str) -> None:
    assert old in MODEL
    found = judge.compiled({FILE: MODEL.replace(old, new, 1)}).diagnostics
    first = next(item for item in found if item.rule == rule)
    place = first.place
    assert place.file == FILE
    assert place.source[place.column - 1 : place.column - 1 + place.width] == words or not words


def test_a_score_does_not_hang_on_itself_through_a_milestone(judge: Any) -> None:
    judge.compiled()
    lifecycle = (judge.folder / "playbooks/lifecycle.yaml").read_text(encoding="utf-8")
    looped = lifecycle.replace("when: setup.api_connected }", "when: health.score > 50 }")
    found = judge.compiled({FILE: MODEL, "playbooks/lifecycle.yaml": looped}).diagnostics
    what = 'a score cannot hang on "health.score" through "milestones.technical_setup"'
    assert [item.what for item in found] == [what]


def test_a_model_that_does_not_exist_is_offered_no_other_name(judge: Any) -> None:
    judge.compiled()
    text = (judge.folder / "playbooks/lifecycle.yaml").read_text(encoding="utf-8")
    found = judge.compiled({FILE: MODEL, "playbooks/lifecycle.yaml": text + "health: treid\n"}).diagnostics
    assert [(item.rule, item.fix) for item in found] == [("unknown-model", 'did you mean "tried"?')]


def test_a_contract_may_be_asked_for(judge: Any) -> None:
    far = "contract.id is defined and contract.phase is undefined"
    asked = MODEL.replace("milestones.technical_setup", far)
    assert judge.compiled({FILE: asked}).diagnostics == ()


def test_two_models_need_two_names(judge: Any) -> None:
    found = judge.compiled({FILE: MODEL, "playbooks/health/zwei.yaml": MODEL}).diagnostics
    assert [(item.rule, item.place.file, item.related) for item in found] == [
        ("duplicate-name", "playbooks/health/zwei.yaml", "playbooks/health/tried.yaml:2:15")
    ]


def test_a_model_file_of_something_else_is_no_model(judge: Any) -> None:
    rules = {item.rule for item in judge.compiled({FILE: "health_model: tried\ncomponents: [x]\n"}).diagnostics}
    assert rules == {"missing-key", "value"}
    report = Report()
    assert read_models([parse("- health_model", FILE, report)], report) == {}
    assert [item.rule for item in report.sorted()] == ["value"]


def test_without_a_lifecycle_only_the_model_itself_is_wrong_or_right(judge: Any) -> None:
    found = judge.compiled({FILE: MODEL}, without=("playbooks/lifecycle.yaml",)).diagnostics
    assert [item.rule for item in found if item.place.file == FILE] == []
