"""`stageplay apply --planned`: just what a plan showed, or nothing."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from store import releases, rollouts
from store.team import team_of
from tests.cli.conftest import SignUp
from tests.cli.planning.conftest import NAME, add_a_step, current, edit, stageplay, told

if TYPE_CHECKING:
    from store.database import Database


def copied(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The command with which a plan ends, as a shell takes it apart."""
    capsys.readouterr()
    assert stageplay("plan", "--days", "1", *arguments) == 0
    found = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert found[0] == "stageplay"
    return found[1:]


def refused(capsys: pytest.CaptureFixture[str], command: list[str]) -> str:
    """What is said of a command that is refused."""
    capsys.readouterr()
    assert stageplay(*command) == 1
    said = capsys.readouterr().err
    assert said.startswith("refused, and nothing was changed: this is not what was planned\n")
    return said


def test_a_plan_ends_with_the_apply_that_does_just_that(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    options = ["--move", NAME, "--late", "fire", "--segment", "customer.tier == 'pro' or true", "--csm", "mara"]
    command = copied(capsys, *options)
    assert command[:-2] == ["apply", *options]
    assert stageplay("plan", "--format", "json", "--days", "1", *options) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["planned"] == command[-1]
    assert shlex.split(found["apply"])[1:] == command
    old, new, *_ = command[-1].split("-")
    assert (found["old"][:12], found["new"][:12]) == (old, new)
    assert stageplay("plan", "--format", "markdown", "--days", "1", *options) == 0
    said = capsys.readouterr().out
    assert f"catalogue {old} -> {new}" in said
    assert said.rstrip().endswith(f"```\n{found['apply']}\n```")
    assert stageplay(*command) == 0
    assert [(event["move"], event["late"]) for event in told(applied)] == [([NAME], "fire")]


@pytest.mark.usefixtures("applied", "files")
def test_a_plan_of_nothing_has_nothing_to_apply(sign_up: SignUp, capsys: pytest.CaptureFixture[str]) -> None:
    sign_up()
    assert stageplay("plan", "--format", "json", "--days", "1") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["planned"], found["apply"]) == ("", "")


def test_a_plan_that_is_refused_has_nothing_to_copy(
    files: Path, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    last = [line for line in (files / f"{NAME}.yaml").read_text().splitlines() if line.startswith("  - id: ")][-1]
    edit(files / f"{NAME}.yaml", f"{last}\n", "  - id: renamed-at-last\n")
    capsys.readouterr()
    assert stageplay("plan", "--move", NAME, "--format", "json", "--days", "1") == 1
    assert json.loads(capsys.readouterr().out)["apply"] == ""


def test_files_that_changed_since_the_plan_are_refused(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    command = copied(capsys)
    edit(files / f"{NAME}.yaml", "priority: 60", "priority: 61")
    before = current(applied)
    said = refused(capsys, command)
    assert f"the playbooks now are catalogue {copied(capsys)[-1].split('-')[1]}; the plan was of" in said
    assert "`stageplay plan` shows what applying would do now." in said
    assert current(applied) == before
    assert told(applied) == []
    edit(files / f"{NAME}.yaml", "priority: 61", "priority: 60")
    assert stageplay(*command) == 0


def test_people_who_changed_since_the_plan_are_refused(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    add_a_step(files)
    command = copied(capsys)
    edit(files / "team.yaml", "Mara Lindqvist", "Mara Berg")
    assert "the people file is another one" in refused(capsys, command)
    with applied.read() as c:
        assert team_of(c, customer)["csm"].name == "Mara Lindqvist"


def test_a_plan_says_what_becomes_of_the_people_before_it_is_applied(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    edit(files / "team.yaml", "Mara Lindqvist", "Mara Berg")
    edit(files / "team.yaml", "  - { id: wen,", "  - { id: wan,")
    edit(files / "team.yaml", "accounts: 20-50", "accounts: 20-40")
    renamed = 'Mara Berg\'s name "Mara Lindqvist" -> "Mara Berg"'
    lines = ["Wen Zhao is not on the team any more", renamed, "Wen Zhao joins the team: cs_ops"]
    lines.append("roles csm accounts 20-50 -> 20-40")
    capsys.readouterr()
    assert stageplay("plan", "--days", "1", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["playbooks"], found["people"]) == ([], lines)
    assert stageplay("plan", "--days", "1", "--format", "markdown") == 0
    assert "\n".join(["### People", "", "```", *lines, "```"]) in capsys.readouterr().out
    command = copied(capsys)
    capsys.readouterr()
    assert stageplay(*command) == 0
    said = capsys.readouterr().out.replace("\n", " ").strip()
    assert said.startswith("playbooks unchanged")
    assert said.endswith(f"; of the people: {'; '.join(lines)}")
    with applied.read() as c:
        assert team_of(c, customer)["csm"].name == "Mara Berg"
    capsys.readouterr()
    assert stageplay("plan", "--days", "1") == 0
    said = capsys.readouterr().out
    assert "People" not in said
    assert "--planned" not in said


def test_a_comment_in_the_people_file_makes_no_other_people_of_them(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    command = copied(capsys)
    path = files / "team.yaml"
    path.write_text(f"# Who works here.\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    assert stageplay(*command) == 0
    assert len(told(applied)) == 1


def test_what_was_applied_since_the_plan_is_named(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    before = current(applied)
    add_a_step(files)
    command = copied(capsys)
    edit(files / f"{NAME}.yaml", "priority: 60", "priority: 61")
    assert stageplay("apply", "--segment", "customer.tier == 'team'") == 0
    edit(files / f"{NAME}.yaml", "priority: 61", "priority: 60")
    assert "applied besides: catalogue" in refused(capsys, command)
    assert "to customer.tier == 'team' (2026-03-06 10:00 UTC)" in refused(capsys, command)
    command = copied(capsys)
    assert stageplay("apply") == 0
    assert stageplay("apply", "--release", before, "--move", NAME) == 0
    said = refused(capsys, command)
    assert said.count("applied besides: ") == 2
    assert f"catalogue {before[:12]} to everybody, moving {NAME} (" in said


def test_another_current_catalogue_is_refused_though_nobody_wrote_down_who_was_told(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    assert stageplay("apply") == 0
    with applied.read() as c:
        first, second = (item.digest for item in rollouts.listed(c))
    edit(files / f"{NAME}.yaml", "priority: 60", "priority: 61")
    command = copied(capsys)
    with applied.begin() as c:
        releases.commit(c, second, {}, note="a database that came back from a backup")
    said = refused(capsys, command)
    assert f"catalogue {second[:12]} is the current one; the plan was made when {first[:12]} was" in said


def test_a_plan_of_other_options_is_refused(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    command = copied(capsys)
    for other in (["--move", NAME], ["--late", "fire"], ["--csm", "mara"]):
        assert "the plan was made with other options" in refused(capsys, [*command, *other])
    assert told(applied) == []


def test_the_same_command_again_is_done_already(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a kill, when it first goes on with what is left."""
    sign_up()
    add_a_step(files)
    command = copied(capsys, "--move", NAME)
    assert stageplay(*command) == 0
    capsys.readouterr()
    assert stageplay(*command) == 0
    assert "unchanged" in capsys.readouterr().out
    assert len(told(applied)) == 1


def test_a_plan_that_was_read_while_customers_were_still_being_told_is_refused(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    with applied.begin() as c:
        rollouts.begin(c, releases.current(c) or "", rollouts.Options((NAME,)), "cut short")
    add_a_step(files)
    assert f"moving {NAME}" in refused(capsys, copied(capsys))


def test_a_shadow_of_a_plan_leaves_the_plan_as_good_as_it_was(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    command = copied(capsys)
    assert stageplay(*command, "--shadow") == 0
    assert told(applied) == []
    assert stageplay(*command) == 0
    assert len(told(applied)) == 1
    capsys.readouterr()
    assert stageplay(*command, "--shadow") == 0
    assert capsys.readouterr().out.startswith("playbooks unchanged"), "there is nothing left that a shadow could show"


def test_the_way_back_is_planned_and_applied_alike(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    before = current(applied)
    add_a_step(files)
    assert stageplay("apply") == 0
    command = copied(capsys, "--release", before[:8])
    assert command[:3] == ["apply", "--release", before[:8]]
    assert stageplay(*command) == 0
    assert stageplay(*command) == 0
    assert [event["digest"] for event in told(applied)][1:] == [before]


@pytest.mark.parametrize("key", ["3f2a9c", "3f2a9c114b7d-8be0d712aa01-12-5c1e3a", "zzz"])
@pytest.mark.usefixtures("applied")
def test_what_no_plan_ends_with_is_misuse(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert stageplay("apply", "--planned", key) == 2
    assert f'"{key}" is not what a plan ends with' in capsys.readouterr().err
