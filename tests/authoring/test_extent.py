"""How large a template may get while it is filled in: what is refused, and what is not."""

from pathlib import Path
from typing import Any

import pytest

FACTS = (Path(__file__).parent / "standard/playbooks/facts.yaml").read_text(encoding="utf-8")

HUGE = [
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ '%999999999999d' % 1 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ customer.name | center(1e9) }}",
    "{{ lipsum(1000000000) }}",
    "{% for a in range(0, 99999) %}{% for b in range(99999) %}x{% endfor %}{% else %}none{% endfor %}",
    "{% for a in range(9999999999) %}x{% endfor %}",
    "{% for a in customer.name recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a in customer.name if 9 ** 9 %}x{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n=9 ** 9) %}{{ n }}{% endmacro %}{{ m() }}",
    "{% set a = 'x' %}{% set a = a ~ a %}{{ a }}",
    "{% set a, b = 1, 9 ** 9 %}{{ b }}",
    "{% set a %}{{ customer.name * 100000000 }}{% endset %}{{ a }}",
    "{% set a | replace('x', 9 ** 9) %}x{% endset %}{{ a }}",
    "{% set a = namespace(x='x') %}{% for b in 'xxx' %}{% set a.x = a.x ~ a.x %}{% endfor %}{{ a.x }}",
    "{% with a = 9 ** 9 %}{{ a }}{% endwith %}",
    "{% filter center(1000000000) %}x{% endfilter %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ 9 ** 9 }}{% endcall %}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{{ customer.name | center(customer.arr) }}",
    "{{ customer.name | center(width=customer.arr + 1) }}",
    "{{ 'x' * customer.arr }}",
    "{{ customer.arr * customer.name }}",
    "{{ (customer.name if customer.arr > 1 else 1) * customer.arr }}",
    "{{ (1 if customer.arr > 1) * customer.arr }}",
    "{{ 'x'.ljust(customer.arr) }}",
    "{{ '%*d' % (customer.arr, 1) }}",
    "{{ '%-5.*f' | format(customer.arr, 1) }}",
    "{{ '{:{}}'.format(1, customer.arr) }}",
    "{% set form, width = '%*d', customer.arr %}{{ form % (width, 1) }}",
    "{% for a in range(customer.arr) %}x{% endfor %}",
]


@pytest.mark.parametrize("body", HUGE)
def test_a_template_that_may_grow_without_end_is_one_finding_at_its_line(judge: Any, body: str) -> None:
    found = judge.compiled({"templates/slack/look.txt": f"Title: x\n\n{body}\n"}).diagnostics
    assert [(item.rule, item.place.file, item.place.line) for item in found] == [
        ("template-extent", "templates/slack/look.txt", 3)
    ]


FINE = [
    "{{ customer.arr * 12 * 100 }} {{ customer.arr > 100000000 }}",
    "{% for n in range(2020, 2030) %}{{ n }}{% endfor %}{% for n in range(1, 9, 2) %}{{ n }}{% endfor %}",
    "{% for n in range('a') %}{% endfor %}{% for n in range(1, 9, 0) %}{% endfor %}{% for n in range() %}{% endfor %}",
    "{% filter upper %}" + "{{ customer.name }} " * 50 + "{% endfilter %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}" + "{{ customer.name }} " * 50 + "{% endcall %}",
    "{% macro m() %}{{ 9 ** 9 }}{% endmacro %}nobody calls it",
    "{% if customer.name == none %}x{% endif %}{{ customer.name | default(none) }}",
    "{% block a %}{{ customer.name }}{% endblock %}{{ self.a() }}",
    "{{ (customer.arr | round) * customer.arr }}{{ (customer.arr + 1) * -customer.arr }}",
    "{{ (1 if customer.arr > 1 else 2) * customer.arr }}",
    "{% set a = 2 %}{{ a * customer.arr }}{% for n in range(3) %}{{ n * customer.arr }}{% endfor %}",
    "{{ customer.arr % 7 }}{{ '%d' % customer.arr }}{{ '%d: %s' | format(customer.arr, 'a') }}",
    "{% if usage.core_features is defined %}{{ 'x' * usage.core_features }}{% endif %}",
    "{% for n in range(usage.core_features | default(1)) %}{{ customer.name }}{% endfor %}",
]


@pytest.mark.parametrize("body", FINE)
def test_what_stays_small_is_left_alone(judge: Any, body: str) -> None:
    assert judge.compiled({"templates/slack/look.txt": f"Title: x\n\n{body}\n"}).diagnostics == ()


def test_templates_that_name_one_another_add_up_and_only_the_one_that_is_too_much_is_told(judge: Any) -> None:
    files = {"templates/slack/look.txt": 'Title: x\n\n{% include "0.txt" %}\n'}
    for n in range(6):
        files[f"templates/{n}.txt"] = f'{{% include "{n + 1}.txt" %}}' * 100
    files["templates/6.txt"] = "{% macro m() %}x{% endmacro %}hello"
    found = judge.compiled(files).diagnostics
    assert {item.rule for item in found} == {"template-extent"}
    assert {item.place.file for item in found} == {"templates/2.txt"}


@pytest.mark.parametrize(
    "naming", ['{% import "m.txt" as f %}{{ f.m() }}', '{% from "m.txt" import m, m as n %}{{ m() }}{{ n() }}']
)
def test_macros_of_another_template_count_where_they_are_called(judge: Any, naming: str) -> None:
    files = {"templates/slack/look.txt": f"Title: x\n\n{naming}\n", "templates/m.txt": "{% macro m() %}x{% endmacro %}"}
    assert judge.compiled(files).diagnostics == ()
    files["templates/m.txt"] = "{% macro m() %}{{ 9 ** 9 }}{% endmacro %}"
    assert {item.rule for item in judge.compiled(files).diagnostics} == {"template-extent"}


WIDE = "{% if usage.core_features is defined %}{{ customer.name | center(usage.core_features) }}{% endif %}"


@pytest.mark.parametrize(
    ("range_", "rules"),
    [("", ["template-extent"]), ("range: 0-1000, ", []), ("range: 0-1000000000, ", ["template-extent"])],
)
def test_a_fact_that_says_how_wide_is_as_much_as_its_range(judge: Any, range_: str, rules: list[str]) -> None:
    facts = FACTS.replace("range: 0-100, ", range_)
    assert facts != FACTS
    files = {"playbooks/facts.yaml": facts, "templates/slack/look.txt": f"Title: x\n\n.{WIDE}\n"}
    assert [item.rule for item in judge.compiled(files).diagnostics] == rules


TITLES = [
    ("{{ 9 ** 9 }}", "template-extent"),
    ("{{ customer.name | center(customer.arr) }}", "template-extent"),
    ('{% include "slack/look.txt" %}', "template-syntax"),
    ('{% import "footer.txt" as f %}{{ f.x }}', "template-syntax"),
]


@pytest.mark.parametrize(("title", "rule"), TITLES)
def test_a_title_neither_grows_without_end_nor_names_a_file(
    judge: Any, playbook_of: Any, title: str, rule: str
) -> None:
    steps = f"  - id: look\n    day: 1\n    task: {{ title: '{title}' }}\n"
    assert judge.rules(playbook_of(steps)) == [rule]
