"""What the renewal that ships promises and no scenario can show: a range of prices, and silence."""

from pathlib import Path
from shutil import copytree

import pytest

from authoring.compile import Compiled, compile_folder
from authoring.scenario import check, load
from lifecycle.actions import Task
from lifecycle.playbook import Playbook

ROOT = Path(__file__).parents[2]
SCENARIO = """\
scenario: how long a term is
playbook: renewal
customer: {{ name: Acme, tier: {tier}, zone: Europe/Berlin, country: DE, champion: ada@acme.example.com }}
start: 2026-03-02T10:00
events:
  - {{ day: 0, at: "11:00", contract: main, starts_on: 2026-03-02, ends_on: {ends_on} }}
expect: []
"""


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_folder(ROOT / "playbooks", ROOT / "templates")


def test_the_standard_price_goes_up_by_3_to_5_percent(compiled: Compiled, tmp_path: Path) -> None:
    assert compiled.catalogue is not None
    book = compiled.releases[compiled.catalogue.playbooks["renewal"]]
    assert isinstance(book, Playbook)
    call = next(step.action for step in book.steps if step.id == "terms-call")
    assert isinstance(call, Task)
    assert "the standard price goes up by {{ inputs.increase }}%" in call.title
    assert dict(book.inputs)["increase"] == 4
    copytree(ROOT / "playbooks", tmp_path / "playbooks")
    for percent, wrong in ((2, True), (3, False), (5, False), (6, True)):
        (tmp_path / "playbooks" / "ours.yaml").write_text(
            f"playbook: ours\nuses: renewal\nentry: customer.segment == 'x'\ninputs: {{ increase: {percent} }}\n"
        )
        found = compile_folder(tmp_path / "playbooks", ROOT / "templates").diagnostics
        assert any(item.rule == "range" for item in found) is wrong, percent


@pytest.mark.parametrize(
    ("tier", "ends_on", "silent"),
    [
        ("team", "2026-04-01", True),  # 31 days: a month
        ("team", "2026-04-02", False),
        ("pro", "2026-04-29", True),  # 59 days
        ("pro", "2026-04-30", False),
        ("enterprise", "2026-05-29", True),  # 89 days
        ("enterprise", "2026-05-30", False),
    ],
)
def test_contracts_shorter_than_the_lead_time_are_left_alone(
    compiled: Compiled, tier: str, ends_on: str, silent: bool
) -> None:
    scenario, wrong = load(SCENARIO.format(tier=tier, ends_on=ends_on), "term.yaml", compiled)
    assert scenario, wrong
    assert (not check(scenario, compiled)) is silent
