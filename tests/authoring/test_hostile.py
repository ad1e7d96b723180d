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
