"""A folder as a whole: the shipped one is right, and faults across files are found once, at their root."""

from pathlib import Path
from typing import Any

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
