"""Every rule has a file that breaks it beside the exact message, and good files are silent."""

from pathlib import Path
from typing import Any

import pytest

from authoring.rules import RULES

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
OK = sorted((HERE / "ok").glob("*.yaml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_told_in_exactly_these_words(judge: Any, path: Path) -> None:
    assert judge.says(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", OK, ids=lambda path: path.stem)
def test_a_good_file_is_silent(judge: Any, path: Path) -> None:
    assert judge.file(path) == ()


def test_the_standard_folder_is_silent(judge: Any) -> None:
    compiled = judge.compiled()
    assert compiled.diagnostics == ()
    assert compiled.catalogue is not None


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_case_that_breaks_it(rule: str) -> None:
    told = [path.with_suffix(".txt").read_text(encoding="utf-8") for path in BAD if path.stem.startswith(rule)]
    assert any(f"[{rule}]" in text for text in told)


def test_ten_mistakes_in_one_file_are_ten_findings_at_ten_places(judge: Any) -> None:
    found = judge.file(HERE / "bad" / "ten-mistakes.yaml")
    assert len(found) == 10
    assert len({item.rule for item in found}) == 10
    assert len({item.place.line for item in found}) == 10
