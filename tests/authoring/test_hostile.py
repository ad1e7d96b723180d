"""Files made to harm: each ends as findings, in bounded time, and nothing of them is ever run."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from authoring.compile import compile_playbook
from authoring.diagnostics import render_text
from lifecycle.playbook import Lifecycle

SECONDS = 30  # far above what they take, so that a busy machine does not fail them
MIB = 1024 * 1024
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = {
    "alias bomb": BOMB,
    "alias of itself": "a: &a [*a]\n",
    "brackets": "[" * 100_000,
    "spaced brackets": "[ " * 50_000,
    "lists in lists": "[a, " * 50_000,
    "braces": "{a: " * 50_000,
    "dashes": "- " * 100_000,
    "questions": "? " * 100_000,
    "indentation": "".join(f"{' ' * n}a:\n" for n in range(500)),
    "ten megabytes": "a: " + "x" * (10 * MIB),
    "a mebibyte of lines": "a\n" * (MIB // 2),
    "a mebibyte of keys": "".join(f"k{n}: 1\n" for n in range(90_000)),
    "one long tag": "!" * 500_000,
    "many documents": "---\n" * 100_000,
    "escape that is no character": '"\\UFFFFFFFF"',
    "lone surrogate": 'playbook: "\\ud800"',
    "null byte": 'playbook: "\\0"',
    "huge directive": "%YAML 99999999999999999999.1\n---\na: 1\n",
    "python tag": "!!python/object/apply:os.system [ls]\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_finding_in_bounded_time(name: str, lifecycle: Lifecycle) -> None:
    began = time.monotonic()
    book, found = compile_playbook(HOSTILE[name], "playbooks/bad.yaml", lifecycle, {})
    assert book is None
    assert found
    assert len(render_text(found[:20])) < 50_000
    assert time.monotonic() - began < SECONDS


HEAD = "playbook: tried\ntitle: Tried\nowner: csm\nanchor: signup\nexit: customer.stage == 'churned'\n"
LOOK = "  - { id: look, day: 1, slack: { to: csm, template: look } }\n"
NESTED = "".join(
    f"{'  ' * (2 * n + 1)}- id: w{n}\n{'  ' * (2 * n + 2)}wait: {{ event: feature.used, by: day 5 }}\n"
    f"{'  ' * (2 * n + 2)}then:\n"
    for n in range(40)
)
LANGUAGE = {
    "inputs that stand for inputs": "trigger: { stage: onboarding }\ninputs:\n"
    + "".join(f"  i{n}: {{ type: text, default: inputs.i{n + 1} }}\n" for n in range(2_000))
    + f"steps:\n{LOOK}",
    "an input as long as a file": "trigger: { stage: onboarding }\ninputs:\n"
    f"  x: {{ type: text, default: {'y' * (MIB // 2)} }}\n"
    "steps:\n" + "".join(LOOK.replace("id: look", f"id: l{n}").replace("look }", "inputs.x }") for n in range(500)),
    "an input that reaches for an attribute": "trigger: { stage: onboarding }\ninputs:\n"
    "  x: { type: text, default: \"{{ ''.__class__ }}\" }\ngoal: inputs.x.__class__ == 1\n"
    f"steps:\n{LOOK}",
    "ten thousand triggers": "trigger:\n" + "  - { stage: nowhere }\n" * 10_000 + f"steps:\n{LOOK}",
    "ten thousand rows of a cadence": "trigger:\n  every:\n" + "    - { every: 1 aeon }\n" * 9_000 + f"steps:\n{LOOK}",
    "a cadence of every moment": f"trigger: {{ every: 0 days }}\nsteps:\n{LOOK}",
    "waits in waits": f"trigger: {{ stage: onboarding }}\nsteps:\n{NESTED}",
    "a thousand steps that all need one another": "trigger: { stage: onboarding }\nsteps:\n"
    + "".join(
        f"  - {{ id: s{n}, needs: [s{(n + 1) % 1000}], slack: {{ to: csm, template: look }} }}\n" for n in range(1000)
    ),
    "conditions with many ways": "trigger: { stage: onboarding }\nentry: "
    + " and ".join(["(customer.arr > 1 or customer.arr < 0)"] * 11)
    + " and customer.arr is undefined and inputs.x\n"
    + f"steps:\n{LOOK}",
    "a playbook that uses itself": "uses: tried\n",
}


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_hostile_playbook_is_a_finding_in_bounded_time(name: str, judge: Any) -> None:
    began = time.process_time()
    found = judge.playbook(HEAD + LANGUAGE[name])
    assert [item for item in found if item.severity == "error"]
    assert {item.place.file for item in found} == {"playbooks/tried.yaml"}
    assert time.process_time() - began < SECONDS


def test_files_that_use_one_another_are_findings(judge: Any) -> None:
    ring = {f"playbooks/r{n}.yaml": f"playbook: r{n}\nuses: r{(n + 1) % 50}\n" for n in range(50)}
    found = judge.compiled(ring).diagnostics
    assert {item.rule for item in found} == {"unknown-playbook"}
    assert len(found) == 50


def test_conditions_with_many_ways_are_left_alone_in_bounded_time(judge: Any) -> None:
    many = " and ".join(["(customer.arr > 1 or customer.arr < 0)"] * 11)
    began = time.process_time()
    assert judge.playbook(f"{HEAD}trigger: {{ stage: onboarding }}\nentry: {many}\nsteps:\n{LOOK}") == ()
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize(
    "condition",
    [
        "''.__class__.__mro__",
        "().__class__ == 1",
        "customer.__class__ == 1",
        "customer['tier'] == 'pro'",
        "self.x == 1",
        "range(10) == 1",
        "lipsum.__globals__ == 1",
        "customer.tier|attr('__class__') == 1",
        "9" * 499 + " == 1",
        "customer.arr > " + "9" * 400,
        "1e999 == usage.dau_wau",
        "2 ** 99999999 > 1",
        "'\\ud800' == customer.tier",
        "(" * 400 + "1",
        "not " * 120 + "true",
        "-" * 400 + "1 > 0",
        "1" + "+1" * 240 + " > 0",
        "x" * 10_000,
        "{% if x %}",
        "}} {{",
        "a b",
        "",
    ],
)
def test_a_hostile_condition_is_a_finding(judge: Any, playbook_of: Callable[[str], str], condition: str) -> None:
    quoted = condition.replace("'", "''")
    steps = f"  - id: look\n    day: 1\n    if: '{quoted}'\n    slack: {{ to: csm, template: look }}\n"
    assert set(judge.rules(playbook_of(steps))) <= {"expression", "unknown-name", "type", "value"}
    assert judge.rules(playbook_of(steps))


@pytest.mark.parametrize(
    "body",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ customer.name.__class__ }}",
        "{{ lipsum.__globals__ }}",
        "{{ " + "(" * 3000 + " }}",
        "{% for a in " + "[" * 2000 + " %}",
        "{{ " + "1+" * 20_000 + "1 }}",
        "{% extends customer.name %}",
    ],
)
def test_a_hostile_template_is_a_finding(judge: Any, body: str) -> None:
    compiled = judge.compiled({"templates/slack/look.txt": f"Title: x\n\n{body}\n"})
    assert compiled.catalogue is None
    assert {item.place.file for item in compiled.diagnostics} == {"templates/slack/look.txt"}


def test_what_a_file_says_cannot_drive_the_terminal_that_shows_it(judge: Any) -> None:
    text = 'playbook: tried\ntitle: x\nowner: "\\e[31m\\a"\ntrigger: { stage: "onboarding\\x1b]0;x" }\nsteps: []\n'
    assert not any(ord(c) < 32 and c != "\n" for c in render_text(judge.playbook(text)))


def test_a_folder_of_other_things_is_findings_and_not_an_exception(judge: Any) -> None:
    judge.compiled()
    odd = judge.folder / "playbooks"
    (odd / "folder.yaml").mkdir()
    (odd / "binary.yaml").write_bytes(bytes(range(256)))
    (odd / "gone.yaml").symlink_to(odd / "nowhere.yaml")
    (odd / "empty.yaml").write_text("", encoding="utf-8")
    (odd / "list.yaml").write_text("- a\n", encoding="utf-8")
    (odd / "unknown.yaml").write_text("playbok: x\n", encoding="utf-8")
    from authoring.compile import compile_folder

    found = compile_folder(odd, judge.folder / "templates").diagnostics
    assert [item.place.file.rpartition("/")[2] for item in found] == [
        "binary.yaml",
        "empty.yaml",
        "list.yaml",
        "unknown.yaml",
    ]
    assert compile_folder(odd / "nowhere", odd / "nowhere").diagnostics
