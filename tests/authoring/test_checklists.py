"""Phase checklists: what they may say, what is refused, and that those of row A9 ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authoring.compile import compile_folder
from authoring.scenario_file import lifecycle_of
from lifecycle.checklists import Checklist, Item

if TYPE_CHECKING:
    from tests.authoring.conftest import Judge

ROOT = Path(__file__).parents[2]
FILE = "playbooks/checklists.yaml"
TEXT = """\
checklists:
  - phase: onboard
    title: Onboard
    items:
      - { item: Welcome, steps: [hello/welcome] }
      - { item: Confirm value, done: milestones.first_value }
  - { phase: adopt, items: [{ item: Use, done: milestones.technical_setup, steps: hello/welcome }] }
"""


def test_checklists_are_read_into_the_lifecycle(judge: Judge) -> None:
    compiled = judge.compiled({FILE: TEXT})
    assert compiled.diagnostics == ()
    onboard, adopt = lifecycle_of(compiled).checklists
    assert onboard == Checklist("onboard", "Onboard", (Item("Welcome", None, ("hello/welcome",)), onboard.items[1]))
    done = onboard.items[1].done
    assert done is not None
    assert done.text == "milestones.first_value"
    assert (adopt.title, adopt.items[0].steps) == ("adopt", ("hello/welcome",))


@pytest.mark.parametrize(
    ("was", "becomes", "rule"),
    [
        ("phase: adopt", "phase: onboard", "duplicate-name"),
        ("phase: onboard", "phase: On Board", "name"),
        ("phase: onboard", "fase: onboard", "unknown-key"),
        ("steps: [hello/welcome]", "steps: [hello/wellcome]", "unknown-step"),
        ("steps: [hello/welcome]", "steps: [helo/welcome]", "unknown-playbook"),
        ("steps: [hello/welcome]", "steps: [welcome]", "name"),
        (", steps: [hello/welcome]", "", "missing-key"),
        ("item: Welcome, ", "", "missing-key"),
        ("done: milestones.first_value", "done: milestones.frist_value", "unknown-name"),
        ("- { item: Welcome, steps: [hello/welcome] }", "- Welcome", "value"),
        ("items: [{ item: Use, done: milestones.technical_setup, steps: hello/welcome }]", "title: x", "missing-key"),
        ("  - { phase: adopt,", "  - adopt\n  - { phase: adopt,", "value"),
    ],
)
def test_what_is_wrong_in_checklists_is_found(judge: Judge, was: str, becomes: str, rule: str) -> None:
    assert was in TEXT
    found = judge.compiled({FILE: TEXT.replace(was, becomes, 1)}).diagnostics
    assert rule in [item.rule for item in found], found
    assert len(found) <= 2


def test_a_file_that_is_no_mapping_is_one_finding(judge: Judge) -> None:
    assert [item.rule for item in judge.compiled({FILE: "checklists: none\n"}).diagnostics] == ["value"]


def test_there_is_one_file_of_checklists(judge: Judge) -> None:
    found = judge.compiled({FILE: TEXT, "playbooks/more.yaml": TEXT}).diagnostics
    assert [item.rule for item in found] == ["duplicate-name"]


def test_the_phases_have_the_items_of_their_row() -> None:
    life = lifecycle_of(compile_folder(ROOT / "playbooks", ROOT / "templates"))
    assert {one.title: [item.title for item in one.items] for one in life.checklists} == {
        "Onboard": ["Welcome", "Set expectations", "Define success", "Execute", "Confirm value"],
        "Adopt": ["Track usage", "Find gaps", "Drive adoption", "Measure outcomes", "Celebrate wins"],
        "Retain": ["Watch health", "Find risk", "Run plays", "Resolve issues", "Secure renewal"],
        "Expand": ["Detect signals", "Plan", "Present value", "Execute", "Deepen"],
    }
