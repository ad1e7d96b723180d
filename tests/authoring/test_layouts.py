"""What a template says and its layout never shows is found, and so is a mail that is no MJML, before it is sent."""

import time
from typing import Any

import pytest

PLAYBOOK = """
playbook: tried
title: Tried
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - { id: look, day: 1, email: { to: champion, template: tried } }
"""
BELOW = '{% extends "layout.mjml" %}\n'
LAYOUT = (
    "<mjml><mj-body><mj-section><mj-column>{% block body %}{% endblock %}</mj-column></mj-section></mj-body></mjml>\n"
)
UNSUBSCRIBE = '<mj-text><a href="{{ links.unsubscribe }}">Unsubscribe</a></mj-text>'


def found(judge: Any, mail: str, **others: str) -> list[tuple[str, str, int]]:
    """Rule, file and line of each finding about a mail; `others`: further files by their name, without ending."""
    files = {
        "playbooks/tried.yaml": PLAYBOOK,
        "templates/email/tried.txt": "Subject: Hello\n\nHello\n",
        "templates/email/tried.mjml": mail,
        **{f"templates/{name}.mjml": text for name, text in others.items()},
    }
    said = judge.compiled(files).diagnostics
    return [(item.rule, item.place.file.removeprefix("templates/"), item.place.line) for item in said]


SHOWN = [
    f"{BELOW}{{% block body %}}<mj-text>{{% block within %}}Hello{{% endblock %}}</mj-text>{{% endblock %}}",
    f"{BELOW}{{# a note #}}{{% set x = 1 %}}{{% macro m() %}}Hello{{% endmacro %}}{{% block body %}}{{% endblock %}}",
    f"{BELOW}{{% if customer.tier == 'pro' %}}{{% block body %}}{{% endblock %}}{{% endif %}}",
    LAYOUT.replace("{% block body %}", f"{{% block body %}}{UNSUBSCRIBE}"),
    f'{LAYOUT.partition("{%")[0]}{{% include "part.mjml" %}}{UNSUBSCRIBE}{LAYOUT.rpartition("%}")[2]}',
    f"{BELOW}{{% block body %}}<mj-text>{{% for n in [1] %}}{{{{ n }}}}{{% endfor %}}</mj-text>{{% endblock %}}",
    f"{BELOW}{{% block body %}}{{% if customer.tier == 'pro' %}}<mj-text>A</mj-text>{{% endif %}}{{% endblock %}}",
    f"{BELOW}{{% block body %}}{{% include ['part.mjml', 'layout.mjml'] %}}{{% endblock %}}",
    '{% extends "between.mjml" %}{% block more %}Hello{% endblock %}',
]


@pytest.mark.parametrize("mail", SHOWN)
def test_what_is_shown_and_closes_is_fine(judge: Any, mail: str) -> None:
    between = f"{BELOW}{{% block body %}}<mj-text>{{% block more %}}{{% endblock %}}</mj-text>{{% endblock %}}"
    assert found(judge, mail, part="<mj-text>Part</mj-text>", between=between) == []


LOST = [
    (f"{BELOW}{{% block bdoy %}}Hello{{% endblock %}}", 2),
    (f"{BELOW}\n\n<mj-text>Hello</mj-text>", 4),
    (f"{BELOW}{{{{ customer.name }}}}", 2),
    (f'{BELOW}{{% include "part.mjml" %}}', 2),
    (f"{BELOW}{{% if customer.tier == 'pro' %}}\nHello{{% endif %}}", 3),
    (f"{BELOW}{{% if customer.tier == 'pro' %}}{{% block bdoy %}}{{% endblock %}}{{% endif %}}", 2),
]


@pytest.mark.parametrize(("mail", "line"), LOST)
def test_what_no_layout_shows_is_a_finding_at_its_line(judge: Any, mail: str, line: int) -> None:
    assert found(judge, mail, part="<mj-text>Part</mj-text>") == [("template-lost", "email/tried.mjml", line)]


BODY = f"{BELOW}{{% block body %}}\n"
NO_MJML = [
    ("<mj-text>Hello", 3),
    ("<mj-text>Hello\n<mj-text>Hello</mj-text>", 3),
    ("\nHello</mj-text>", 4),
    ("<mj-text>\na</p></mj-text>", 4),
    ("\n<mj-text align=left>Hello</mj-text>", 4),
    ("<mj-text>\n1 < 2</mj-text>", 4),
    ('\n<mj-include path="/etc/passwd" />', 4),
    ("{% if customer.tier == 'pro' %}{% elif customer.tier == 'team' %}\n<mj-text>A{% else %}{% endif %}", 4),
    ("{% if customer.tier == 'pro' %}{% elif customer.tier == 'team' %}{% else %}\n<mj-text>A{% endif %}", 4),
    ("{% if customer.tier == 'pro' %}\n<mj-text>A{% endif %}", 4),
]


@pytest.mark.parametrize(("body", "line"), NO_MJML)
def test_a_mail_that_is_no_mjml_on_one_of_its_ways_is_a_finding(judge: Any, body: str, line: int) -> None:
    assert found(judge, f"{BODY}{body}{{% endblock %}}") == [("template-mjml", "email/tried.mjml", line)]


def test_a_layout_that_is_no_mjml_is_the_one_finding_of_all_its_mails(judge: Any) -> None:
    layout = LAYOUT.replace("{% block", f"{UNSUBSCRIBE}\n<mj-text>Hello{{% block")
    assert found(judge, f"{BODY}{{% endblock %}}", layout=layout) == [("template-mjml", "layout.mjml", 2)]


def test_a_mail_that_is_no_mjml_before_its_first_own_word_is_told_at_its_first_line(judge: Any) -> None:
    layout = LAYOUT.replace("{% block", f"{UNSUBSCRIBE}{{% block")
    mail = f'{BELOW}{{% block body %}}{{% include "part.mjml" %}}{{% endblock %}}'
    assert found(judge, mail, layout=layout, part="Part</mj-text>") == [("template-mjml", "email/tried.mjml", 1)]


def test_a_file_that_is_missing_or_includes_itself_is_told_as_such(judge: Any) -> None:
    assert found(judge, f'{BODY}{{% include "nobody.mjml" %}}{{% endblock %}}')[0][0] == "template-missing"
    ring = '<mj-text>{% include "part.mjml" %}</mj-text>'
    told = found(judge, f'{BODY}{{% include "part.mjml" %}}{{% endblock %}}', part=ring)
    assert {rule for rule, _, _ in told} == {"template-syntax"}


def test_files_that_multiply_are_left_to_the_judge_of_extents_in_bounded_time(judge: Any) -> None:
    parts = {f"p{n}": f'{{% include "p{n + 1}.mjml" %}}' * 10 for n in range(8)} | {"p8": "x" * 10_000}
    began = time.process_time()
    told = found(judge, f'{BODY}{{% include "p0.mjml" %}}{{% endblock %}}', **parts)
    assert {rule for rule, _, _ in told} <= {"template-extent"}
    assert time.process_time() - began < 30  # far above what it takes, so that a busy machine does not fail it
