"""Each way to be wrong in a template is one finding under its rule, and what is guarded is none."""

from collections.abc import Callable
from typing import Any

import pytest

TEMPLATES = [
    ("Title: x\n\n \n", "template-head"),
    ("", "template-head"),
    ("Title: x\n\n{{ customer.name is shouting }}\n", "template-syntax"),
    ("Title: x\n\n{{ usage.dau_wau if usage.core_features is defined }}\n", "template-unguarded"),
    ("Title: x\n\n{{ 1 if true }}{{ (customer.name | upper)._x }}\n", "template-syntax"),
    ("Title: x\n\n{{ customer.name.upper() }}\n", "template-variable"),
    ("Title: x\n\n{{ meeting.day }}\n", "template-variable"),
    ("Title: x\n\n{{ task }}\n", "template-variable"),
    ("Title: x\n\n{{ meeting.url }}\n", "template-variable"),
    ("Title: x\n\n{{ owner.meeting_url }}\n", "template-unguarded"),
    ("Title: x\n\n{% if owner is defined %}{{ owner.meeting_url }}{% endif %}\n", "template-unguarded"),
    ("Title: x\n\n{{ contact.meeting_url }}\n", "template-variable"),
    ("Title: x\n\n{{ contact.name }}\n", "template-unguarded"),
    ("Title: x\n\n{% if usage.dau_wua is defined %}x{% endif %}\n", "template-variable"),
    (
        'Title: x\n\n{% import "footer.txt" as f %}{% from "footer.txt" import a as b %}{{ f.x }}{{ c }}\n',
        "template-variable",
    ),
]


@pytest.mark.parametrize(("text", "rule"), TEMPLATES, ids=[f"{n} {row[1]}" for n, row in enumerate(TEMPLATES)])
def test_a_wrong_template_is_one_finding(judge: Any, text: str, rule: str) -> None:
    found = judge.compiled({"templates/slack/look.txt": text}).diagnostics
    assert [item.rule for item in found] == [rule]


GUARDS = [
    "{% if usage.dau_wau is defined %}{{ usage.dau_wau }}{% endif %}",
    "{% if usage.dau_wau is undefined %}none{% else %}{{ usage.dau_wau }}{% endif %}",
    "{% if not usage.dau_wau is defined %}none{% elif usage.dau_wau > 1 %}{{ usage.dau_wau }}{% endif %}",
    "{% if not (usage.dau_wau is undefined or nps.score is undefined) %}{{ usage.dau_wau + nps.score }}{% endif %}",
    "{{ usage.dau_wau | d('none') }}",
    "{% if contact is defined %}{{ contact.name }}{% endif %}",
    "{% if team.csm.meeting_url is defined %}{{ team.csm.meeting_url }}{% endif %}",
    "{{ sender.meeting_url | default('nowhere') }}",
    "{{ usage.dau_wau if usage.dau_wau is defined else 'none' }}",
    "{{ usage.dau_wau is undefined or usage.dau_wau > 1 }}",
    "{% set share = 3 %}{% for n in range(share) %}{{ loop.index }}{{ n }}{% endfor %}",
    "{% macro shout(x) %}{{ x | upper }}{% endmacro %}{{ shout(customer.name) }}",
    "{% set ns = namespace(n=1) %}{% set ns.n = 2 %}{{ ns.n }}",
    "{% with x = 1 %}{{ x }}{% endwith %}{{ deadline }}{{ team.csm.first_name }}{{ milestones.first_value }}",
    "{% include ['footer.txt', 'layout.mjml'] %}",
]


@pytest.mark.parametrize("body", GUARDS)
def test_a_guarded_fact_and_a_name_of_its_own_are_fine_in_a_template(judge: Any, body: str) -> None:
    assert judge.compiled({"templates/slack/look.txt": f"Title: x\n\n.{body}\n"}).diagnostics == ()


def test_a_fact_that_the_step_or_its_branch_proves_needs_no_guard(
    judge: Any, playbook_of: Callable[[str], str]
) -> None:
    steps = (
        "  - id: answer\n    wait: { event: nps.answered, by: day 5 }\n    then:\n"
        "      - id: thanks\n        task: { title: 'Score {{ nps.score }}' }\n    otherwise:\n"
        "      - id: ask\n        if: nps.score > 3\n        task: { title: 'Score {{ nps.score }}' }\n"
        "      - id: silent\n        task: { title: 'Score {{ nps.score }}' }\n"
    )
    found = judge.playbook(playbook_of(steps))
    assert [(item.rule, item.place.line) for item in found] == [("template-unguarded", 17)]


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("{{ meeting.url }}", ["template-unguarded"]),
        ("{% if meeting.url is defined %}Where: {{ meeting.url }}{% endif %}", []),
    ],
)
def test_where_a_meeting_takes_place_may_not_be_known(
    judge: Any, playbook_of: Callable[[str], str], line: str, rules: list[str]
) -> None:
    invite = 'invite: { to: champion, template: call, when: "day 3 between 10:00 and 16:00", length: 30 minutes }'
    text = playbook_of(f"  - {{ id: call, day: 1, {invite} }}\n")
    files = {"playbooks/tried.yaml": text, "templates/invites/call.txt": f"Subject: Call\n\n{line}\n"}
    assert [item.rule for item in judge.compiled(files).diagnostics] == rules
