"""The difference of two futures: nothing else than what the playbooks changed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from authoring.answers import usual
from authoring.difference import Difference, compare, sentences, to_json, to_markdown, to_text
from authoring.parallel import WORTH_IT

TWO = (
    "{ id: acme, name: Acme, champion: ada@acme.example.com }",
    "{ id: b, name: 'B | <i>', champion: bo@b.example.com }",
)


def differ(theatre: Any, old: tuple[str, str], new: tuple[str, str], *lines: str) -> Difference:
    """`old`, `new`: what to replace in the playbook, and by what."""
    from_text, to = old
    care = theatre.care.replace(from_text, to)
    answers = usual(theatre.lifecycle)
    return compare(
        theatre.world(answers, care=care),
        theatre.world(answers, care=theatre.care.replace(*new)),
        theatre.starts(*lines),
    )


SAME = ("", "")
NO_SURVEY = ("  - { id: ask, day: 4, survey: { kind: nps, to: champion } }\n", "")
MORE = ("day: 5", "day: 6")


def test_equal_playbooks_have_no_difference(theatre: Any) -> None:
    found = differ(theatre, SAME, SAME, *TWO)

    assert (found.customers, found.changed) == (2, 0)
    assert list(sentences(found)) == []
    assert to_text(found) == "0 of 2 customers get something else, or at another time."
    assert "|" not in to_markdown(found)


def test_who_loses_a_step_is_counted_and_named(theatre: Any) -> None:
    found = differ(theatre, SAME, NO_SURVEY, *TWO)

    assert found.changed == 2
    assert list(sentences(found))[:2] == ["-2 surveys", "2 customers lose care/ask (survey)"]
    assert found.lose["care", "ask", "survey"].names == ["Acme", "B | <i>"]


def test_who_gains_a_step_is_counted(theatre: Any) -> None:
    found = differ(theatre, NO_SURVEY, SAME, TWO[0])

    assert list(sentences(found)) == ["+1 survey", "1 customer newly gets care/ask (survey)"]


def test_another_time_is_a_change_without_a_loss(theatre: Any) -> None:
    found = differ(theatre, SAME, MORE, TWO[0])

    assert (found.changed, found.lose, found.gain) == (1, {}, {})
    assert to_text(found) == "1 of 1 customers get something else, or at another time."


@pytest.mark.parametrize(
    ("becomes", "lost"),
    [
        ("{ id: survey, was: ask, day: 4", []),
        ("{ id: survey, day: 4", [("care", "ask", "survey")]),
        ("{ id: survey, was: hello, day: 4", [("care", "ask", "survey")]),
    ],
)
def test_a_step_that_says_what_it_was_called_is_neither_lost_nor_new(
    theatre: Any, becomes: str, lost: list[tuple[str, str, str]]
) -> None:
    found = differ(theatre, SAME, ("{ id: ask, day: 4", becomes), TWO[0])

    assert list(found.lose) == lost
    assert found.changed == len(lost)


def test_who_gets_two_messages_on_one_day_and_did_not_before_is_named(theatre: Any) -> None:
    two = ("day: 4, survey: { kind: nps, to: champion }", INVITE)
    found = differ(theatre, SAME, two, *TWO)

    assert found.crowded.names == ["Acme on 2026-03-03", "B | <i> on 2026-03-03"]
    assert "2 customers get two messages on one day who did not before" in to_text(found)
    assert "  two messages on one day: Acme on 2026-03-03" in to_text(found)
    assert "Two messages on one day: Acme on 2026-03-03, B \\| &lt;i\\> on 2026-03-03" in to_markdown(found)


def test_one_customer_is_one_customer(theatre: Any) -> None:
    found = differ(theatre, SAME, ("day: 4, survey: { kind: nps, to: champion }", INVITE), TWO[0])

    assert "1 customer loses care/ask (survey)" in to_text(found)
    assert "1 customer gets two messages on one day" in to_text(found)


INVITE = (
    'day: 1, invite: { to: champion, template: kickoff, when: "day 3 between 10:00 and 16:00", length: 60 minutes }'
)


def test_markdown_shows_before_and_after_by_playbook_and_teammate(theatre: Any) -> None:
    found = differ(
        theatre,
        SAME,
        ('  - { id: call, day: 5, at: "18:00", task: { to: csm, title: "Call {{ customer.name }}" } }\n', ""),
        *TWO,
    )
    shown = to_markdown(found, {"mara": "Mara"})

    assert "| Mara | tasks |" in shown
    assert "| care | tasks |" in shown
    assert "<details><summary>lose care/call (task): 2</summary>" in shown
    assert "Acme, B \\| &lt;i\\>" in shown


def test_only_the_first_customers_are_named(theatre: Any) -> None:
    lines = [f"{{ id: c{number}, name: C{number}, champion: ada@c{number}.example.com }}" for number in range(22)]
    found = differ(theatre, SAME, NO_SURVEY, *lines)

    assert found.lose["care", "ask", "survey"].number == 21, "one of them has unsubscribed before"
    assert "C19, C20 and 1 more" in to_markdown(found)


def test_its_json_is_plain(theatre: Any) -> None:
    data = to_json(differ(theatre, SAME, NO_SURVEY, *TWO))

    assert json.loads(json.dumps(data)) == data
    assert {"playbook": "care", "kind": "survey", "before": 2, "after": 0} in data["playbooks"]
    assert data["lose"][0] == {
        "playbook": "care",
        "step": "ask",
        "kind": "survey",
        "customers": 2,
        "names": ["Acme", "B | <i>"],
    }


def test_processes_do_not_change_the_difference(theatre: Any) -> None:
    (start,) = theatre.starts()
    starts = [replace(start, customer=f"c{number}", name=f"C{number}") for number in range(WORTH_IT + 60)]
    old = theatre.world(days=8)
    new = theatre.world(care=theatre.care.replace(*NO_SURVEY), days=8)
    done: list[int] = []

    assert compare(old, new, starts, processes=2, progress=done.append) == compare(old, new, starts)
    assert done[-1] == WORTH_IT + 60
