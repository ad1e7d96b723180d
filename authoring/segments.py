"""A part of the customers, said in an expression over what is known of every one of them: `customer.tier == 'pro'`."""

from dataclasses import replace

from authoring.diagnostics import Diagnostic, Place, Report
from authoring.expressions import compile_expression
from authoring.namespace import Names
from authoring.source import Scalar
from lifecycle.actions import Expr
from lifecycle.playbook import Lifecycle

OPTION = "--segment"


def read_segment(written: str, lifecycle: Lifecycle) -> tuple[Expr | None, tuple[Diagnostic, ...]]:
    """The checked expression, in which only `customer.*` may stand; None where the findings hold an error."""
    report = Report()
    every = Names.of(lifecycle, ())
    names = replace(every, types={name: kind for name, kind in every.types.items() if name.startswith("customer.")})
    place = Place(OPTION, 1, 1, max(1, len(written)), written)
    found = compile_expression(Scalar(written, "text", place, exact=True), names, report)
    return (None if report.failed else found), report.sorted()
