"""`stageplay plan`, `apply` and `releases` on a database of customers in flight, with no server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from sqlalchemy import func, select

import settings
from cli.main import run
from lifecycle.model import Clock, Profile
from store import releases, rollouts, tables
from store.customers import NewContact, create, get
from tests.cli.conftest import ROOT, SIGNED_UP_AT, SignUp, Start
from tests.cli.planning.conftest import NAME, add_a_step, current, edit, stageplay, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from store.database import Database


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = stageplay("plan", "--format", "json", "--days", "10", *arguments)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, found


def plays(found: dict[str, Any]) -> dict[str, str]:
    return {row["play"]: row["fate"] for row in found["plays"]}


@pytest.mark.usefixtures("files")
def test_files_that_are_applied_change_nothing(sign_up: SignUp, capsys: pytest.CaptureFixture[str]) -> None:
    sign_up()
    assert stageplay("plan") == 0
    said = capsys.readouterr().out
    assert "nothing differs from what is applied" in said
    assert "have the release already: 1 play (Acme)" in said
    assert said.rstrip().endswith("Nothing is refused.")


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_plan_says_of_whom_nothing_is_known(sign_up: SignUp, capsys: pytest.CaptureFixture[str], form: str) -> None:
    sign_up(snapshot=False)
    assert stageplay("plan", "--format", form) == 0
    assert "Nothing is known of 1 customer, left out here: Acme\n" in capsys.readouterr().out


def test_plays_in_flight_stay_unless_they_are_named(
    files: Path, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    code, found = planned(capsys)
    assert (code, plays(found)[f"{NAME}/1"]) == (0, "pinned")
    assert found["playbooks"][0]["lines"] == ["step after-all added: task, day 13"]
    assert found["difference"]["changed"] == 0
    code, found = planned(capsys, "--move", NAME)
    assert (code, plays(found)[f"{NAME}/1"]) == (0, "moves")
    assert [change["what"] for change in found["plays"][0]["changes"]] == ["added"]
    assert found["difference"]["changed"] == 1
    assert stageplay("plan", "--move", NAME, "--format", "markdown", "--days", "10") == 0
    assert "### Playbooks" in capsys.readouterr().out


def test_a_rename_that_is_not_said_is_refused(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    edit(
        files / f"{NAME}.yaml",
        "  - id: day-14-review\n" if "day-14-review" in (files / f"{NAME}.yaml").read_text() else _last(files),
        "  - id: renamed-at-last\n",
    )
    code, found = planned(capsys, "--move", NAME)
    assert (code, plays(found)[f"{NAME}/1"]) == (1, "refused")
    assert stageplay("apply", "--move", NAME) == 1
    assert "say `was: " in capsys.readouterr().err
    assert len(told(applied)) == 0
    old = found["plays"][0]["changes"][0]["reason"].rpartition("`was: ")[2].rstrip("`")
    edit(files / f"{NAME}.yaml", "  - id: renamed-at-last\n", f"  - id: renamed-at-last\n    was: {old}\n")
    code, found = planned(capsys, "--move", NAME)
    assert (code, plays(found)[f"{NAME}/1"]) == (0, "moves")
    assert stageplay("apply", "--move", NAME, "--late", "fire") == 0
    assert told(applied)[0]["move"] == [NAME]
    assert told(applied)[0]["late"] == "fire"


def test_steps_that_exchange_their_ids_are_refused_where_the_customer_would_get_one_twice(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    for old, new in (("welcome ", "x "), ("open-questions\n", "welcome\n"), ("x ", "open-questions ")):
        edit(files / f"{NAME}.yaml", f"  - id: {old}", f"  - id: {new}")
    code, found = planned(capsys, "--move", NAME, "--late", "fire")
    assert (code, plays(found)[f"{NAME}/1"]) == (1, "refused")
    assert stageplay("apply", "--move", NAME, "--late", "fire") == 1
    said = capsys.readouterr().err
    assert "would get open-questions twice: 1 play (Acme); it looks the same as welcome" in said
    assert told(applied) == []
    assert planned(capsys, "--move", NAME, "--late", "skip")[0] == 0


def _last(files: Path) -> str:
    lines = [line for line in (files / f"{NAME}.yaml").read_text().splitlines() if line.startswith("  - id: ")]
    return lines[-1] + "\n"


@pytest.mark.usefixtures("applied")
def test_a_program_reads_what_was_applied_and_to_whom(
    files: Path, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    for arguments, to in ((("--csm", "mara"), "csm mara"), ((), "everybody")):
        assert stageplay("apply", *arguments, "--format", "json") == 0
        found = json.loads(capsys.readouterr().out)
        assert len(found.pop("catalogue")) == 16
        assert found == {"changed": True, "told": 1, "to": to, "moved": [], "shadow": False, "people": []}


def test_a_part_of_the_customers_comes_first_and_new_ones_of_it_join(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    add_a_step(files)
    assert stageplay("apply", "--segment", "customer.tier == 'team'") == 0
    assert "0 open customers of customer.tier == 'team' told" in capsys.readouterr().out
    assert told(applied) == []
    with applied.begin() as c:
        ours = get(c, customer)
        profile = ours.profile
        new, _ = create(
            c,
            outer_id="b",
            name="B",
            profile=type(profile)(profile.zone, profile.signed_up_on, tier="team"),
            clock=ours.clock,
            contacts=[NewContact("b@b.example.com")],
            team={},
        )
        begins = rollouts.catalogue_of(c, new), rollouts.catalogue_of(c, ours)
        assert begins == (rollouts.parts(c)[0].digest, releases.current(c))
        assert begins[0] != begins[1]
    code, found = planned(capsys, "--segment", "customer.tier == 'team'", "--csm", "mara@stageplay.example.com")
    assert (code, found["outside"], found["plays"]) == (0, 2, [])
    assert stageplay("plan", "--csm", "mara", "--days", "1") == 0
    assert "1 customer is not told" in capsys.readouterr().out
    assert stageplay("apply", "--csm", "mara") == 0
    assert "1 open customer of csm mara told" in capsys.readouterr().out
    assert len(told(applied)) == 1
    assert stageplay("apply") == 0
    assert "2 open customers told" in capsys.readouterr().out
    with applied.read() as c:
        assert rollouts.parts(c) == []
        assert rollouts.catalogue_of(c, ours) == releases.current(c) == begins[0]


def test_up_does_not_widen_what_was_applied_to_a_part(files: Path, applied: Database, sign_up: SignUp) -> None:
    from cli.apply import apply

    sign_up()
    add_a_step(files)
    assert stageplay("apply", "--segment", "customer.tier == 'team'") == 0
    assert apply(applied, files, settings.HERE / "templates").changed is False
    assert told(applied) == []


def test_an_older_release_is_the_way_back(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    before = current(applied)
    add_a_step(files)
    assert stageplay("apply", "--move", NAME) == 0
    assert stageplay("apply", "--release", before[:8], "--move", NAME) == 0
    assert [event["digest"] for event in told(applied)][-1] == before
    capsys.readouterr()
    assert stageplay("releases", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["is"] for row in rows] == ["current", "", ""]
    assert rows[0]["catalogue"] == before
    assert stageplay("releases") == 0
    assert "current" in capsys.readouterr().out
    assert stageplay("apply", "--release", "nothing-like-it") == 2
    assert "no catalogue" in capsys.readouterr().err


def test_up_undoes_no_undo_and_takes_the_next_edit(files: Path, applied: Database, sign_up: SignUp) -> None:
    from cli.apply import apply

    sign_up()
    before = current(applied)
    add_a_step(files)
    assert stageplay("apply") == 0
    assert stageplay("apply", "--release", before) == 0
    left = apply(applied, files, settings.HERE / "templates")
    assert (left.changed, left.current) == (False, before)
    assert current(applied) == before
    edit(files / f"{NAME}.yaml", "priority: 60", "priority: 61")
    assert apply(applied, files, settings.HERE / "templates").changed is True


def test_files_that_were_put_back_by_hand_are_made_current(files: Path, applied: Database, sign_up: SignUp) -> None:
    from cli.apply import apply

    sign_up()
    edit(files / f"{NAME}.yaml", "priority: 60", "priority: 61")
    assert stageplay("apply") == 0
    edit(files / f"{NAME}.yaml", "priority: 61", "priority: 60")
    assert apply(applied, files, settings.HERE / "templates").changed is True


def test_up_makes_no_shadow_live(files: Path, applied: Database, sign_up: SignUp) -> None:
    from cli.apply import apply

    sign_up()
    add_a_step(files)
    assert stageplay("apply", "--shadow") == 0
    left = apply(applied, files, settings.HERE / "templates")
    with applied.read() as c:
        assert (left.changed, left.current) == (False, releases.current(c))
    assert told(applied) == []
    assert stageplay("apply") == 0
    assert len(told(applied)) == 1


def test_what_was_applied_between_the_stored_state_and_now_is_known_without_temporal(
    files: Path, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    add_a_step(files)
    assert stageplay("apply") == 0
    edit(files / f"{NAME}.yaml", "priority: 60", "priority: 61")
    assert stageplay("apply") == 0
    assert planned(capsys)[0] == 0
    assert stageplay("forecast", "--format", "json") == 0
    assert stageplay("explain", "acme-1", NAME) == 0
    assert stageplay("apply", "--move", NAME) == 0


def test_what_a_kill_left_is_finished_first(files: Path, applied: Database, sign_up: SignUp) -> None:
    sign_up()
    add_a_step(files)
    assert stageplay("apply") == 0
    with applied.begin() as c:
        found = rollouts.listed(c)[0]
        rollouts.begin(c, found.digest, rollouts.Options((NAME,)), "cut short")
        assert [item.note for item in rollouts.unfinished(c)] == ["cut short"]
    assert stageplay("apply") == 0
    with applied.read() as c:
        assert rollouts.unfinished(c) == []
    assert [event.get("move") for event in told(applied)] == [None, [NAME]]


def test_a_shadow_sends_nothing_and_says_what_it_would_have_done(
    files: Path, applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stageplay("plan", "--shadow") == 2
    customer = sign_up()
    add_a_step(files)
    assert stageplay("apply", "--shadow", "--move", NAME) == 0
    assert "nobody is told" in capsys.readouterr().out
    assert told(applied) == []
    assert customer
    with freeze_time(SIGNED_UP_AT + timedelta(days=14), real_asyncio=True):
        assert run(["plan", "--shadow", "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert run(["plan", "--shadow"]) == 0
    assert found["differ"] == 1
    assert [row["step"] for row in found["shadow"]] == ["after-all"]
    assert found["live"] == []
    said = capsys.readouterr().out
    assert f"only in the shadow: 1 x {NAME}/after-all task fired (Acme)" in said
    with applied.read() as c:
        assert rollouts.listed(c)[0].options.shadow
        assert rollouts.catalogue_of(c, get(c, customer)) == releases.current(c)


@pytest.mark.usefixtures("applied", "files")
def test_what_is_wrong_with_a_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert stageplay("plan", "--segment", "customer.teir == 'pro'") == 2
    assert 'did you mean "customer.tier"?' in capsys.readouterr().err
    assert stageplay("apply", "--segment", "usage.dau_wau > 1") == 2
    assert stageplay("apply", "--csm", "nobody") == 2
    assert stageplay("apply", "--move", "onboarding-14-dya") == 2
    assert 'did you mean "onboarding-14-day"?' in capsys.readouterr().err
    assert stageplay("plan", "--csm", "nobody") == 2
    assert "--csm takes an id or an address" in capsys.readouterr().err


def test_a_plan_for_a_pull_request_needs_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tmp_path / "tree"
    for name in ("playbooks", "templates"):
        shutil.copytree(settings.HERE / name, tree / name)
        monkeypatch.setenv(f"STAGEPLAY_{name.upper()}_DIR", str(tree / name))
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "before"]):
        subprocess.run(["git", "-C", str(tree), *arguments], check=True)
    add_a_step(tree / "playbooks")
    edit(tree / "playbooks" / "team.yaml", "Mara Lindqvist", "Mara Berg")
    edit(tree / "playbooks" / "team.yaml", "tasks_a_day: 12", "tasks_a_day: 9")
    portfolio = str(ROOT / "samples" / "portfolio.yaml")
    assert run(["plan", "--against", "HEAD", "--portfolio", portfolio, "--format", "markdown", "--move", NAME]) == 0
    said = capsys.readouterr().out
    assert f"~ {NAME}" in said
    assert 'Mara Berg\'s name "Mara Lindqvist" -> "Mara Berg"\nMara Berg\'s capacity tasks a day 12 -> 9\n' in said
    assert "get after-all besides" in said
    assert f"newly get {NAME}/after-all (task)" in said
    assert "| Mara Berg | tasks |" in said, "and not the id of the teammate"
    assert run(["plan", "--against", "no-such-rev", "--portfolio", portfolio]) == 2
    assert 'at "no-such-rev"' in capsys.readouterr().err
    assert run(["plan", "--against", "--output=x", "--portfolio", portfolio]) == 2
    assert run(["plan", "--against", "HEAD", "--portfolio", "nowhere.yaml"]) == 2
    for odd in (("--portfolio", portfolio), ("--against", "HEAD", "--shadow"), ("--shadow", "--release", "3f2a9c")):
        capsys.readouterr()
        assert run(["plan", *odd]) == 2
        assert capsys.readouterr().err.startswith("--")
    assert run(["plan", "--against", "HEAD", "--portfolio", portfolio, "--segment", "customer.arr > 10000000"]) == 2


def test_an_apply_that_is_killed_goes_on_and_tells_everybody_once(
    applied: Database, files: Path, start: Start, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    profile, clock = Profile("Europe/Berlin", SIGNED_UP_AT.date()), Clock(SIGNED_UP_AT, SIGNED_UP_AT)
    with applied.begin() as c:
        for number in range(2_000):
            create(c, outer_id=f"n{number}", name=f"N {number}", profile=profile, clock=clock, contacts=[], team={})
    add_a_step(files)

    def so_far() -> int:
        with applied.read() as c:
            return next((item.told for item in rollouts.listed(c) if item.finished_at is None), 0)

    environment = {name: os.environ[name] for name in ("STAGEPLAY_DATABASE_URL", "STAGEPLAY_PLAYBOOKS_DIR")}
    first = start("apply", **environment)
    wait_until(lambda: so_far() > 0)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    assert 0 < so_far() < 2_000
    assert start("apply", **environment).end() == 0
    with applied.read() as c:
        assert rollouts.unfinished(c) == []
        counts = select(func.count()).select_from(tables.inbox).where(tables.inbox.c.source == "apply")
        assert c.execute(counts).scalar_one() == 2_000
        assert c.execute(counts.group_by(tables.inbox.c.customer)).scalars().all() == [1] * 2_000
