"""`docs/coverage.md` tells the truth: which scenario shows which figure, and that every figure named is shown."""

import re
from pathlib import Path

import pytest

from authoring import rows
from authoring.rows import Figure, Row
from authoring.scenario import Scenario

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    return list(rows.shipped(ROOT))


@pytest.fixture(scope="module")
def known() -> tuple[Row, ...]:
    return rows.read_rows((ROOT / rows.ROWS).read_text(encoding="utf-8"))


def test_the_page_is_what_rows_and_scenarios_make_of_it(known: tuple[Row, ...], scenarios: list[Scenario]) -> None:
    assert (ROOT / rows.PAGE).read_text(encoding="utf-8") == rows.page(known, scenarios), "python -m authoring.rows"


def test_every_figure_is_shown(known: tuple[Row, ...], scenarios: list[Scenario]) -> None:
    unshown = [
        f"{row.id}: {figure.says}"
        for row in known
        for figure in row.figures
        if not figure.proof and not rows.shown_by(figure, row.id, scenarios)
    ]
    assert unshown == []


def test_every_test_that_is_named_is_there(known: tuple[Row, ...]) -> None:
    for figure in (figure for row in known for figure in row.figures if figure.proof):
        file, _, name = figure.proof.partition("::")
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), name


def test_a_figure_is_shown_only_by_the_line_that_says_all_of_it(scenarios: list[Scenario]) -> None:
    line = {"day": 1, "email": "onboarding/welcome", "to": "champion"}
    assert rows.shown_by(Figure("as it is", line), "B1", scenarios)
    for wrong in ({**line, "day": 5}, {**line, "to": "csm"}, {**line, "email": "onboarding/other"}):
        assert not rows.shown_by(Figure("otherwise", wrong), "B1", scenarios)
    assert not rows.shown_by(Figure("of another row", line), "B9", scenarios)


def test_a_figure_without_a_line_or_a_test_is_nothing_yet() -> None:
    assert "| soon | **nothing yet** |" in rows.page([Row("Z1", "Zed", (Figure("soon", {}),))], [])
