"""Conditions that cannot hold together are found; what might hold is never called impossible."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.diagnostics import Place, Report
from authoring.expressions import compile_expression
from authoring.namespace import Names
from authoring.possible import negated, possible
from authoring.source import Scalar
from lifecycle.actions import Expr
from lifecycle.conditions import truth


def tree(text: str) -> Any:
    report = Report()
    found = compile_expression(Scalar(text, "text", Place("x")), Names.of(None), report)
    assert not report.failed
    return found.tree


NEVER = [
    "a.n > 8 and a.n < 3",
    "a.n > 8 and a.n <= 8",
    "8 < a.n and 8 >= a.n",
    "a.n == 3 and a.n > 3",
    "a.n == 3 and a.n != 3",
    "a.t == 'x' and a.t == 'y'",
    "a.t in ['x', 'y'] and a.t in ['z']",
    "a.t in ['x', 'y'] and a.t not in ['x', 'y']",
    "a.b and not a.b",
    "not (a.n > 3 or a.b) and a.b",
    "(a.n > 3 or a.n > 5) and a.n < 2",
    "a.n is undefined and a.n > 3",
    "a.n is undefined and a.n is defined",
    "not (a.n is defined) and a.n == 2",
    "false",
    "not true",
    "1 > 2",
    "a.b and 2 * 2 == 5",
    "a.n >= 3 and a.n <= 3 and a.n != 3 and a.n == 3",
]
PERHAPS = [
    "a.n > 8 or a.n < 3",
    "a.n >= 8 and a.n <= 8",
    "a.t != 'x' and a.t != 'y'",
    "a.n + 1 > 8 and a.n < 3",
    "a.n > b.n and b.n > a.n",
    "a.t in ['x', a.u] and a.t == 'z'",
    "a.t < '2026-01-01' and a.t > '2027-01-01'",
    "true",
    "2 > 1 and a.b",
    "a.n is undefined or a.n > 3",
    "not (a.n + 1 > 2)",
    " and ".join(f"(a.n > {n} or a.b)" for n in range(8)) + " and a.n < 0 and not a.b",
]


@pytest.mark.parametrize("text", NEVER)
def test_what_contradicts_itself_is_impossible(text: str) -> None:
    assert not possible(tree(text))


@pytest.mark.parametrize("text", PERHAPS)
def test_what_may_hold_is_possible(text: str) -> None:
    assert possible(tree(text))


def test_conditions_are_taken_together() -> None:
    assert possible(tree("a.n > 8"))
    assert not possible(tree("a.n > 8"), tree("a.n < 3"))


VALUES = st.sampled_from([None, 0, 1, 2, 3, True, False, "x", "y"])
ATOMS = st.sampled_from(
    [
        *("a.n > 1", "a.n <= 2", "a.n == 2", "a.n != 2", "a.n in [1, 2]", "a.n not in [1]", "a.n is defined"),
        *("a.b", "a.n > b.n"),
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda part: f"({part[0]}) {part[1]} ({part[2]})"),
    ),
    max_leaves=5,
)


@given(text=CONDITIONS, values=st.fixed_dictionaries({"a.n": VALUES, "b.n": VALUES, "a.b": VALUES}))
def test_what_holds_for_someone_is_never_called_impossible(text: str, values: dict[str, Any]) -> None:
    found = tree(text)
    if truth(Expr(text, found), values.get) is True:
        assert possible(found)
    if truth(Expr(text, found), values.get) is False and "a.b" not in text:
        assert possible(negated(found))
