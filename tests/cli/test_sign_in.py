"""`stageplay sign-in` prints links that a gateway takes, for one teammate or for anybody."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cli.main import run
from gateway import sign_in
from store import team
from store.database import Database, open_database
from store.team import Person

MARA = Person("mara", "Mara Lindqvist", "mara@stageplay.example.com", ("csm",))


@pytest.fixture
def team_db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The database of a folder in which `up` ran, on a port of its own choice."""
    monkeypatch.setenv("STAGEPLAY_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", f"sqlite:///{tmp_path}/var/stageplay.db")
    database = open_database(f"sqlite:///{tmp_path}/var/stageplay.db")
    database.migrate()
    (tmp_path / "var" / "ports.json").write_text(json.dumps({"temporal": 1, "ui": 2, "gateway": 8711}))
    with database.begin() as c:
        team.save_team(c, (MARA,), {"csm": ()})
    return database


@pytest.mark.parametrize(("argument", "acting"), [((), ""), (("--as", "mara"), "mara"), (("--as", MARA.email), "mara")])
def test_each_link_is_fresh_and_for_whom_it_says(
    team_db: Database, capsys: pytest.CaptureFixture[str], argument: tuple[str, ...], acting: str
) -> None:
    assert run(["sign-in", *argument]) == 0
    assert run(["sign-in", *argument]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first != second
    assert first.startswith("http://127.0.0.1:8711/sign-in?token=")
    with team_db.read() as c:
        offer = sign_in.offer_of(c, parse_qs(urlsplit(first).query)["token"][0], "")
    assert offer is not None
    assert offer.acting == acting
    team_db.close()


def test_the_address_that_was_set_wins(
    team_db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGEPLAY_PUBLIC_URL", "https://stageplay.example.com")
    assert run(["sign-in"]) == 0
    assert capsys.readouterr().out.startswith("https://stageplay.example.com/sign-in?token=")
    team_db.close()


def test_a_name_that_nobody_has_is_misuse_with_a_near_one(
    team_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sign-in", "--as", "marah"]) == 2
    assert 'did you mean "mara"?' in capsys.readouterr().err
    team_db.close()


def test_without_a_migrated_database_there_is_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    assert run(["sign-in"]) == 3
    assert "stageplay migrate" in capsys.readouterr().err
