"""Expressions: values, three-valued logic, and the words that say why."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.actions import Expr
from lifecycle.conditions import explain, holds, value

FACTS: dict[str, Any] = {
    "yes": True,
    "no": False,
    "one": 1,
    "half": 0.5,
    "empty": "",
    "word": "pro",
    "share": 0.42,
}

YES, NO, UNKNOWN = ("get", "yes"), ("get", "no"), ("get", "lost")


def const(item: object) -> tuple[str, object]:
    return ("const", item)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(("and", YES, YES), True, id="yes-and-yes"),
        pytest.param(("and", YES, NO), False, id="yes-and-no"),
        pytest.param(("and", YES, UNKNOWN), None, id="yes-and-unknown"),
        pytest.param(("and", NO, UNKNOWN), False, id="no-and-unknown"),
        pytest.param(("and", UNKNOWN, NO), False, id="unknown-and-no"),
        pytest.param(("or", NO, YES), True, id="no-or-yes"),
        pytest.param(("or", NO, NO), False, id="no-or-no"),
        pytest.param(("or", UNKNOWN, YES), True, id="unknown-or-yes"),
        pytest.param(("or", UNKNOWN, NO), None, id="unknown-or-no"),
        pytest.param(("not", YES), False, id="not-yes"),
        pytest.param(("not", NO), True, id="not-no"),
        pytest.param(("not", UNKNOWN), None, id="not-unknown-stays-unknown"),
        pytest.param(("known", YES), True, id="known"),
        pytest.param(("known", UNKNOWN), False, id="not-known"),
        pytest.param(("unknown", UNKNOWN), True, id="unknown"),
        pytest.param(("unknown", NO), False, id="no-is-known"),
        pytest.param(("==", ("get", "one"), const(1)), True, id="equal"),
        pytest.param(("!=", ("get", "one"), const(1)), False, id="not-equal"),
        pytest.param(("<", ("get", "half"), const(1)), True, id="less"),
        pytest.param(("<=", ("get", "one"), const(1)), True, id="at-most"),
        pytest.param((">", ("get", "half"), const(1)), False, id="more"),
        pytest.param((">=", ("get", "one"), const(1)), True, id="at-least"),
        pytest.param(("<", UNKNOWN, const(1)), None, id="unknown-less"),
        pytest.param(("<", const(1), UNKNOWN), None, id="less-unknown"),
        pytest.param(("<", ("get", "word"), const(1)), None, id="a-word-is-not-less-than-a-number"),
        pytest.param(("in", ("get", "word"), ("list", const("pro"), const("team"))), True, id="in-a-list"),
        pytest.param(("in", ("get", "word"), ("list", const("team"))), False, id="not-in-a-list"),
        pytest.param(("not_in", ("get", "word"), ("list", const("team"))), True, id="not_in"),
        pytest.param(("in", ("get", "word"), ("list", const("team"), UNKNOWN)), None, id="in-a-list-half-known"),
        pytest.param(("in", ("get", "word"), ("list", const("pro"), UNKNOWN)), True, id="in-the-known-half"),
        pytest.param(("not_in", ("get", "word"), ("list", const("team"), UNKNOWN)), None, id="not-in-half-known"),
        pytest.param(("not_in", ("get", "word"), ("list", const("pro"), UNKNOWN)), False, id="not_in-but-known-in"),
        pytest.param(("in", const("r"), ("get", "word")), True, id="in-a-word"),
        pytest.param(("in", const(1), ("get", "one")), None, id="in-a-number"),
        pytest.param(YES, True, id="a-plain-yes"),
        pytest.param(("get", "empty"), False, id="an-empty-text"),
        pytest.param(UNKNOWN, None, id="a-plain-unknown"),
        pytest.param(("==", ("==", YES, YES), const(True)), True, id="a-comparison-is-a-value"),
        pytest.param(("matches", YES, YES), None, id="an-operator-of-another-build"),
    ],
)
def test_the_truth_of(tree: Any, expected: bool | None) -> None:
    expr = Expr("x", tree)
    assert explain(expr, FACTS.get).met is expected
    assert holds(expr, FACTS.get) is (expected is True)


def test_an_absent_condition_is_met() -> None:
    assert holds(None, FACTS.get)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(("+", ("get", "one"), const(2)), 3, id="plus"),
        pytest.param(("-", ("get", "one"), const(2)), -1, id="minus"),
        pytest.param(("*", ("get", "half"), const(4)), 2.0, id="times"),
        pytest.param(("/", const(1), const(4)), 0.25, id="divided"),
        pytest.param(("/", const(1), const(0)), None, id="divided-by-zero"),
        pytest.param(("*", const(1e308), const(10**400)), None, id="beyond-what-a-number-holds"),
        pytest.param(("+", YES, const(1)), None, id="a-boolean-is-no-number"),
        pytest.param(("+", ("get", "word"), const(1)), None, id="a-word-is-no-number"),
        pytest.param(("+", UNKNOWN, const(1)), None, id="plus-unknown"),
        pytest.param(("neg", ("get", "half")), -0.5, id="negated"),
        pytest.param(("neg", ("get", "word")), None, id="a-word-negated"),
        pytest.param(("list", const(1), UNKNOWN), (1, None), id="a-list"),
        pytest.param(("%", const(5), const(2)), None, id="an-operator-of-another-build"),
    ],
)
def test_the_value_of(tree: Any, expected: object) -> None:
    assert value(tree, FACTS.get) == expected


@pytest.mark.parametrize(
    ("tree", "because"),
    [
        pytest.param(("<", ("get", "share"), const(0.5)), "share = 0.42 < 0.5", id="a-comparison"),
        pytest.param(("==", ("get", "word"), const("pro")), "word = 'pro'", id="a-text"),
        pytest.param(("==", ("get", "word"), const("team")), "word = 'pro', not 'team'", id="another-text"),
        pytest.param(("!=", ("get", "word"), const("pro")), "word = 'pro'", id="not-another-text"),
        pytest.param(("!=", ("get", "word"), const("team")), "word = 'pro', not 'team'", id="indeed-another-text"),
        pytest.param((">=", ("get", "share"), const(0.5)), "share = 0.42, not >= 0.5", id="a-comparison-that-failed"),
        pytest.param(("in", ("get", "word"), ("list", const("a"))), "word = 'pro', not in ['a']", id="not-in-a-list"),
        pytest.param(
            ("not_in", ("get", "word"), ("list", const("pro"))), "word = 'pro', in ['pro']", id="in-after-all"
        ),
        pytest.param(("<", UNKNOWN, const(1)), "lost unknown < 1", id="unknown"),
        pytest.param(("and", YES, NO), "no = no", id="only-what-failed"),
        pytest.param(("and", YES, ("get", "one")), "yes = yes; one = 1", id="all-that-held"),
        pytest.param(("or", NO, YES), "yes = yes", id="only-what-held"),
        pytest.param(("and", YES, UNKNOWN), "lost unknown", id="only-what-is-unknown"),
        pytest.param(("not", NO), "no = no", id="not"),
        pytest.param(("unknown", UNKNOWN), "lost unknown", id="is-undefined"),
        pytest.param(("known", YES), "yes = yes", id="is-defined"),
        pytest.param(
            ("in", ("get", "word"), ("list", const("a"), const(1))), "word = 'pro', not in ['a', 1]", id="a-list"
        ),
        pytest.param(
            (">", ("-", ("get", "one"), ("get", "half")), const(0)), "one = 1 - half = 0.5 > 0", id="arithmetic"
        ),
        pytest.param((">", ("neg", ("get", "one")), const(0)), "-1, not > 0", id="a-negation"),
        pytest.param(const(True), "yes", id="a-constant"),
        pytest.param(("==", const(None), const(1)), "unknown == 1", id="nothing"),
        pytest.param(("and", YES, YES), "yes = yes", id="each-reason-once"),
    ],
)
def test_the_reason_of(tree: Any, because: str) -> None:
    assert explain(Expr("x", tree), FACTS.get).because == because
