"""Every shipped scenario holds on the virtual clock."""

from pathlib import Path

import pytest

from authoring import scenario
from authoring.compile import Compiled
from authoring.diagnostics import render_text

SCENARIOS = sorted((Path(__file__).parents[2] / "playbooks/scenarios").rglob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_comes_out_as_it_is_written(path: Path, compiled: Compiled) -> None:
    read, wrong = scenario.load(path.read_text(encoding="utf-8"), path.name, compiled)
    findings = wrong if read is None else scenario.check(read, compiled)
    assert not findings, "\n" + render_text(findings)
