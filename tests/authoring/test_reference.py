"""The reference for authors names every rule with its reason, and every key that may be written."""

from pathlib import Path

import pytest

from authoring.courtesy import WEEKDAYS
from authoring.grammar import GRAMMAR, STAGES, WEEKENDS
from authoring.rules import RULES

TEXT = (Path(__file__).parents[2] / "docs/playbook-reference.md").read_text(encoding="utf-8")
KEYS = sorted({*WEEKENDS, *STAGES, WEEKDAYS[0], *(key for shape in GRAMMAR.values() for key in shape.names)})


@pytest.mark.parametrize("rule", RULES)
def test_the_reference_explains_every_rule_under_its_own_anchor(rule: str) -> None:
    why = RULES[rule]
    assert f"\n### {rule}\n\n{why[0].upper()}{why[1:]} " in TEXT


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_names_every_key(key: str) -> None:
    assert key in TEXT
