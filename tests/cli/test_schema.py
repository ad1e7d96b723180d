"""`stageplay schema` prints, writes and checks the schema that editors read."""

import json
from pathlib import Path

import pytest

from authoring import schema
from cli.main import run


def test_the_schema_is_printed_as_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.schema()


def test_a_written_schema_passes_the_check_until_it_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "schema.json"
    assert run(["schema", "--out", str(file)]) == 0
    assert run(["schema", "--out", str(file), "--check"]) == 0
    file.write_text("{}", encoding="utf-8")
    assert run(["schema", "--out", str(file), "--check"]) == 1
    assert f"stageplay schema --out {file}" in capsys.readouterr().out


def test_a_schema_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    assert run(["schema", "--out", str(tmp_path / "none.json"), "--check"]) == 1


def test_a_check_of_nothing_is_misuse() -> None:
    assert run(["schema", "--check"]) == 2


def test_a_schema_that_cannot_be_written_is_misuse(tmp_path: Path) -> None:
    assert run(["schema", "--out", str(tmp_path / "nowhere" / "schema.json")]) == 2
