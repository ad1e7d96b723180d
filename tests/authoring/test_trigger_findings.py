"""Each way to be wrong in what starts a play, and in whether it may start again, is one finding at the right words."""

from collections.abc import Callable
from typing import Any

import pytest

TRIGGERS = [
    ("[]", "value", "trigger"),
    ("{ band: rde }", "unknown-band", "rde"),
    ("{ stage: [onboarding] }", "value", "["),
    ("{ silence: feature.used }", "missing-key", "silence"),
    ("{ silence: [feature.used], for: 2 days }", "value", "["),
    ("{ when: [usage.dau_wau] }", "value", "["),
    ("{ when: usage.dau_wau < 0.5, for: 7 dayz }", "length", "7 dayz"),
    ("{ date: contract.ends, before: 90 days }", "unknown-name", "contract.ends"),
    ("{ date: contract.ends_on, before: 3 business days }", "range", "3 business days"),
    ("{ date: contract.ends_on, after: 800 days }", "range", "800 days"),
    ("{ date: [contract.ends_on] }", "value", "["),
    ("{ every: 2 moons }", "length", "2 moons"),
    ("{ every: 0 weeks }", "length", "0 weeks"),
    ("{ every: { every: 1 week } }", "value", "every"),
    ("{ every: [] }", "value", "every"),
    ("{ every: never }", "length", "never"),
    ("{ every: [weekly] }", "value", "weekly"),
    ("{ every: [{ if: customer.tier == 'pro' }] }", "missing-key", "if"),
    ("{ every: [{ every: 1 week, until: 28 }] }", "value", "28"),
    ("{ every: [{ every: 1 week, until: day 28, if: customer.teir == 'pro' }] }", "unknown-name", "customer.teir"),
]


@pytest.mark.parametrize(
    ("trigger", "rule", "words"), TRIGGERS, ids=[f"{n} {row[1]}" for n, row in enumerate(TRIGGERS)]
)
def test_a_wrong_trigger_is_one_finding_at_its_words(
    judge: Any, playbook_of: Callable[[str], str], trigger: str, rule: str, words: str
) -> None:
    text = playbook_of("  - id: look\n    day: 1\n    slack: { to: csm, template: look }\n")
    found = judge.playbook(text.replace("{ stage: onboarding }", trigger))
    assert [item.rule for item in found] == [rule]
    place = found[0].place
    assert place.source[place.column - 1 : place.column - 1 + place.width] == words


RIGHT = [
    ("{ leaving_stage: onboarding }", ""),
    ("{ leaving_band: green }", ""),
    ("{ silence: feature.used, for: 14 days }", ""),
    ("{ when: usage.dau_wau < 0.5, for: 7 days }", ""),
    ("{ date: contract.ends_on, before: 12 weeks }", "anchor: date\n"),
    ("{ date: contract.ends_on, after: 2 days }", ""),
    ("{ every: 1 quarter }", "reentry: always\n"),
    ("{ every: [{ if: customer.tier == 'pro', every: never }, { every: 1 week }] }", ""),
    ("{ every: [{ every: 1 week, until: day 28, if: customer.tier == 'pro' }, { every: 1 month }] }", ""),
    ("[by_hand, { event: feature.used }]", "reentry: { per: plan.name, again_after: 7 days }\n"),
    ("by_hand", "reentry: { again_after: 7 days }\n"),
    ("{ event: feature.used }", "reentry: { per: contract }\n"),
]


@pytest.mark.parametrize(("trigger", "more"), RIGHT, ids=[str(n) for n in range(len(RIGHT))])
def test_a_trigger_of_each_kind_is_right(judge: Any, trigger: str, more: str) -> None:
    text = f"playbook: tried\ntitle: Tried\nowner: csm\ntrigger: {trigger}\n{more}steps:\n"
    assert judge.playbook(f"{text}  - {{ id: look, day: 5, slack: {{ to: csm, template: look }} }}\n") == ()


AGAIN = [
    ("by_hand", "anchor: date", "trigger", "date"),
    ("by_hand", "reentry: { per: plan.nam }", "unknown-fact", "plan.nam"),
    ("by_hand", "reentry: { per: usage.dau_wau }", "unknown-fact", "usage.dau_wau"),
    ("by_hand", "reentry: {}", "missing-key", "{"),
]


@pytest.mark.parametrize(("trigger", "more", "rule", "words"), AGAIN, ids=[row[2] + row[1] for row in AGAIN])
def test_a_wrong_return_is_one_finding(judge: Any, trigger: str, more: str, rule: str, words: str) -> None:
    text = f"playbook: tried\ntitle: Tried\nowner: csm\ntrigger: {trigger}\n{more}\nsteps:\n"
    found = judge.playbook(f"{text}  - {{ id: look, day: 1, slack: {{ to: csm, template: look }} }}\n")
    assert [item.rule for item in found] == [rule]
    place = found[0].place
    assert place.source[place.column - 1 : place.column - 1 + place.width] == words
