"""Conditions compile to the tree that the core evaluates, and mean what Jinja means."""

from typing import Any

import pytest

from authoring.diagnostics import Place, Report
from authoring.expressions import compile_expression, proven
from authoring.namespace import Names
from authoring.source import Scalar
from lifecycle import conditions
from lifecycle.actions import Expr
from lifecycle.playbook import Lifecycle


def _compiled(text: str, lifecycle: Lifecycle) -> Expr:
    report = Report()
    scalar = Scalar(text, "text", Place("f.yaml", 1, 1, len(text), text), exact=True)
    expr = compile_expression(scalar, Names.of(lifecycle, ["hello", "at-risk"]), report)
    assert report.sorted() == ()
    return expr


TREES: list[tuple[str, Any]] = [
    ("customer.tier == 'pro'", ("==", ("get", "customer.tier"), ("const", "pro"))),
    ("access.given", ("get", "access.given")),
    ("not milestones.first_value", ("not", ("get", "milestones.first_value"))),
    ("playing.at_risk", ("get", "playing.at_risk")),
    ("usage.dau_wau is defined", ("known", ("get", "usage.dau_wau"))),
    ("usage.dau_wau is undefined", ("unknown", ("get", "usage.dau_wau"))),
    ("usage.dau_wau is not defined", ("not", ("known", ("get", "usage.dau_wau")))),
    ("customer.tier not in ['pro']", ("not_in", ("get", "customer.tier"), ("list", ("const", "pro")))),
    ("-usage.dau_wau < 1", ("<", ("neg", ("get", "usage.dau_wau")), ("const", 1))),
    (
        "0 < nps.score <= 6",
        ("and", ("<", ("const", 0), ("get", "nps.score")), ("<=", ("get", "nps.score"), ("const", 6))),
    ),
    (
        "access.given and value.first_insight and true",
        ("and", ("get", "access.given"), ("get", "value.first_insight"), ("const", True)),
    ),
    ("contract.ends_on < '2026-12-31'", ("<", ("get", "contract.ends_on"), ("const", "2026-12-31"))),
]


@pytest.mark.parametrize(("text", "tree"), TREES, ids=[text for text, _tree in TREES])
def test_a_condition_compiles_to_this_tree(lifecycle: Lifecycle, text: str, tree: Any) -> None:
    assert _compiled(text, lifecycle) == Expr(text, tree)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("nps.score <= 6", {"nps.score"}),
        ("nps.score > 1 and usage.dau_wau < 1", {"nps.score", "usage.dau_wau"}),
        ("nps.score > 1 or usage.dau_wau < 1", set()),
        ("nps.score > 1 or nps.score < 1", {"nps.score"}),
        ("nps.score is undefined or nps.score < 7", set()),
        ("not (nps.score is undefined or nps.score < 7)", {"nps.score"}),
        ("nps.score is defined", {"nps.score"}),
    ],
)
def test_a_met_condition_proves_which_names_are_known(lifecycle: Lifecycle, text: str, known: set[str]) -> None:
    tree = _compiled(text, lifecycle).tree
    assert proven(tree) == known
    values = {"nps.score": 8, "usage.dau_wau": 0.5}
    for name in known:
        assert not conditions.holds(Expr(text, tree), {**values, name: None}.get)


def test_a_lifecycle_that_cannot_be_read_makes_no_name_unknown() -> None:
    report = Report()
    text = "made.up > 1 and customer.tier == 'pro'"
    compile_expression(Scalar(text, "text", Place("f.yaml")), Names.of(None), report)
    assert report.sorted() == ()
