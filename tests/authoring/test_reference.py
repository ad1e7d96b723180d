"""The reference for authors names every rule with its reason, and every key that may be written."""

from pathlib import Path

import pytest

from authoring import actions, courtesy, expected, happenings, lifecycles, playbooks, scenario_file, steps
from authoring.namespace import CUSTOMER_ROLES
from authoring.rules import RULES

TEXT = (Path(__file__).parents[2] / "docs/playbook-reference.md").read_text(encoding="utf-8")
KEYS = sorted(
    {
        *playbooks.PLAYBOOK_KEYS,
        *steps.STEP_KEYS,
        *steps.WEEKENDS,
        *lifecycles.LIFECYCLE_KEYS,
        *lifecycles.STAGES,
        *lifecycles.PHASES,
        *lifecycles.BANDS,
        *scenario_file.SCENARIO_KEYS,
        *expected.TOUCHES,
        *happenings.KINDS,
        *happenings.ASIDE,
        *CUSTOMER_ROLES,
        *(key for keys in actions.KEYS.values() for key in keys),
        *("ahead", "within", "remind", "escalate", "expired", "per_day", "per_week", "quiet", "stale_after", "spread"),
        *("countries", "years", "country", "hours", "again_after", courtesy.WEEKDAYS[0]),
    }
)


@pytest.mark.parametrize("rule", RULES)
def test_the_reference_explains_every_rule_under_its_own_anchor(rule: str) -> None:
    why = RULES[rule]
    assert f"\n### {rule}\n\n{why[0].upper()}{why[1:]} " in TEXT


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_names_every_key(key: str) -> None:
    assert key in TEXT
