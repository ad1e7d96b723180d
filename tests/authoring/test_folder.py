"""A folder as a whole: the shipped one is right, and faults across files are found once, at their root."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from authoring.compile import compile_folder
from authoring.diagnostics import render_text

ROOT = Path(__file__).parents[2]


def test_the_shipped_playbooks_compile_without_a_finding() -> None:
    compiled = compile_folder(ROOT / "playbooks", ROOT / "templates")
    assert render_text(compiled.diagnostics) == ""
    assert compiled.catalogue is not None
    assert "onboarding-14-day" in compiled.catalogue.playbooks
    assert compiled.team is not None
    assert len(compiled.releases) == len(compiled.catalogue.playbooks) + 2


def test_with_one_error_anywhere_nothing_is_released(judge: Any) -> None:
    compiled = judge.compiled({"playbooks/extra.yaml": "playbook: extra\n"})
    assert compiled.catalogue is None
    assert compiled.digest == ""
    assert compiled.releases == {}


def test_a_broken_catalogue_is_one_finding_and_not_one_in_every_playbook(judge: Any) -> None:
    found = judge.compiled({"playbooks/facts.yaml": "facts: [\n"}).diagnostics
    assert [(item.place.file, item.rule) for item in found] == [("playbooks/facts.yaml", "yaml")]


def test_a_broken_lifecycle_is_one_finding_and_not_one_in_every_playbook(judge: Any) -> None:
    found = judge.compiled({"playbooks/lifecycle.yaml": "lifecycle: {\n"}).diagnostics
    assert [(item.place.file, item.rule) for item in found] == [("playbooks/lifecycle.yaml", "yaml")]


READS_OTHERS = """
playbook: reader
title: Reader
owner: csm
trigger: { stage: onboarding }
entry: not playing.broken_one and not playing.brocken_one
steps:
  - { id: go, day: 1, start: broken-one }
"""


@pytest.mark.parametrize("text", ["playbook: broken-one\ntitle: [\n", "playbok: broken-one\n"])
def test_a_playbook_that_cannot_be_read_is_told_once_and_not_wherever_it_is_named(judge: Any, text: str) -> None:
    found = judge.compiled({"playbooks/broken.yaml": text, "playbooks/a.yaml": READS_OTHERS}).diagnostics
    assert [(item.place.file, item.what) for item in found if item.place.file == "playbooks/a.yaml"] == [
        ("playbooks/a.yaml", 'nothing is called "playing.brocken_one"')
    ]
    assert [item.place.file for item in found] == ["playbooks/a.yaml", "playbooks/broken.yaml"]


@pytest.mark.parametrize("kind", ["lifecycle", "facts"])
def test_what_stands_in_a_broken_file_of_the_shipped_ones_is_called_unknown_nowhere(tmp_path: Path, kind: str) -> None:
    shutil.copytree(ROOT / "playbooks", tmp_path / "playbooks")
    file = tmp_path / f"playbooks/{kind}.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}\toops: [\n", encoding="utf-8")

    found = compile_folder(tmp_path / "playbooks", ROOT / "templates").diagnostics
    assert [(item.place.file, item.rule) for item in found] == [(f"playbooks/{kind}.yaml", "yaml")]


def test_the_word_that_should_say_what_a_file_is_is_shown_where_it_stands(judge: Any) -> None:
    found = judge.playbook("# about it\nplaybok: tried\n")
    assert [(str(item.place), item.fix) for item in found] == [
        ("playbooks/tried.yaml:2:1", 'did you mean "playbook"?'),
    ]


def test_faults_of_all_files_come_in_one_run_sorted_by_place(judge: Any) -> None:
    found = judge.compiled(
        {
            "playbooks/b.yaml": "playbook: [\n",
            "playbooks/a.yaml": "playbook: a\ntitle: A\nowner: nobody\ntrigger: { stage: onboarding }\nsteps: []\n",
            "playbooks/team.yaml": "people: none\n",
            "templates/slack/look.txt": "nothing\n",
        }
    ).diagnostics
    assert [(item.place.file, item.rule) for item in found] == [
        ("playbooks/a.yaml", "unknown-role"),
        ("playbooks/a.yaml", "value"),
        ("playbooks/b.yaml", "yaml"),
        ("playbooks/team.yaml", "value"),
        ("templates/slack/look.txt", "template-head"),
    ]


def test_a_second_lifecycle_points_at_the_first(judge: Any) -> None:
    judge.compiled()
    text = (judge.folder / "playbooks/lifecycle.yaml").read_text(encoding="utf-8")
    found = judge.compiled({"playbooks/second.yaml": text}).diagnostics
    assert [(str(item.place), item.related) for item in found] == [
        ("playbooks/second.yaml:1:1", "playbooks/lifecycle.yaml:1:1")
    ]


def test_people_are_read_with_their_zone_and_roles(judge: Any) -> None:
    team = judge.compiled().team
    assert [(person.id, person.zone, person.roles) for person in team.people] == [
        ("mara", "Europe/Berlin", ("csm",)),
        ("ruth", "Europe/Berlin", ("founder",)),
    ]
