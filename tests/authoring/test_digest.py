"""A release is named by what it says: layout, comments and the order of keys do not matter, every word does."""

from pathlib import Path
from typing import Any

import pytest

from lifecycle.jsonform import decode, encode
from lifecycle.playbook import Lifecycle, Manifest, Playbook, digest_of

STANDARD = Path(__file__).parent / "standard"
HELLO = (STANDARD / "playbooks/hello.yaml").read_text(encoding="utf-8")
REORDERED = """# a comment
anchor: signup
steps:
  # another
  - email: { template: welcome, to: champion }
    id: welcome
    day: 1

  - id: look
    slack: { to: csm, template: look }
    day: 2
trigger: { stage: onboarding }
owner: csm
title: Hello
playbook: hello
"""


def test_comments_and_the_order_of_keys_do_not_change_a_digest(judge: Any) -> None:
    before = judge.compiled()
    after = judge.compiled({"playbooks/hello.yaml": REORDERED})
    assert after.digest == before.digest
    book = after.releases[after.catalogue.playbooks["hello"]]
    assert book.place("look") == "playbooks/hello.yaml:9"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("playbooks/hello.yaml", "day: 2", "day: 3"),
        ("playbooks/hello.yaml", "title: Hello", "title: Hello again"),
        ("templates/email/welcome.txt", "Hello", "Good day"),
        ("templates/footer.txt", "-- ", "--"),
        ("templates/layout.mjml", "Unsubscribe", "No more mails"),
        ("playbooks/lifecycle.yaml", "years: 2026", "years: 2026-2027"),
    ],
)
def test_a_changed_word_changes_the_catalogue(judge: Any, file: str, old: str, new: str) -> None:
    text = (STANDARD / file).read_text(encoding="utf-8")
    assert old in text
    assert judge.compiled({file: text.replace(old, new)}).digest != judge.compiled().digest


def test_a_template_that_no_step_reaches_changes_nothing(judge: Any) -> None:
    before = judge.compiled().digest
    assert judge.compiled({"templates/email/unused.txt": "Subject: x\n\ny\n"}).digest == before


def test_a_release_carries_the_texts_its_steps_reach_layout_and_footer_included(judge: Any) -> None:
    compiled = judge.compiled()
    book = compiled.releases[compiled.catalogue.playbooks["hello"]]
    assert list(book.templates) == [
        "email/welcome.mjml",
        "email/welcome.txt",
        "footer.txt",
        "layout.mjml",
        "slack/approval.txt",
        "slack/look.txt",
        "slack/task.txt",
    ]


def test_every_release_survives_its_json_form_under_the_same_digest(judge: Any) -> None:
    compiled = judge.compiled()
    for name, release in compiled.releases.items():
        assert isinstance(release, Playbook | Lifecycle | Manifest)
        back = decode(type(release), encode(release))
        assert back == release
        assert digest_of(back) == name


def test_holidays_are_compiled_into_dates(judge: Any) -> None:
    compiled = judge.compiled()
    lifecycle = compiled.releases[compiled.catalogue.lifecycle]
    assert "2026-10-03" in lifecycle.holidays["DE"]
    assert "2026-07-04" in lifecycle.holidays["US"]
    assert {day[:4] for days in lifecycle.holidays.values() for day in days} == {"2026"}
