"""A customer file as a signup event of the API: what a rehearsal sends through the signed endpoint."""

from dataclasses import dataclass
from datetime import datetime

from authoring.diagnostics import Diagnostic, Report
from authoring.fields import Fields, mapping
from authoring.grammar import keys
from authoring.namespace import CUSTOMER_ROLES
from authoring.scenario_file import load_customer
from authoring.source import parse
from lifecycle.messages import SignedUp
from lifecycle.playbook import Lifecycle


@dataclass(frozen=True, slots=True)
class Guest:
    """A customer as written. `people`: address to its roles, in the order of the file."""

    name: str
    signup: SignedUp
    people: dict[str, tuple[str, ...]]


def load_guest(
    text: str, file: str, start: datetime, lifecycle: Lifecycle
) -> tuple[Guest | None, tuple[Diagnostic, ...]]:
    """Read a file that holds one customer, as `simulate --customer` does. `start`: naive, local."""
    signup, found = load_customer(text, file, start, lifecycle)
    if signup is None:
        return None, found
    report = Report()
    root = mapping(parse(text, file, report).root, report, "the file", '"name: Acme"')
    assert root is not None, "a file that was read is a mapping"  # as load_customer saw to
    fields = Fields(root, keys("customer"), "the customer", report)
    people: dict[str, tuple[str, ...]] = {}
    for role in CUSTOMER_ROLES:
        address = fields.text(role, "an address").lower()
        if address:
            people[address] = (*people.get(address, ()), role)
    return Guest(fields.text("name", "a name"), signup, people), found
