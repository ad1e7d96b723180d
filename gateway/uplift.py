"""What the opportunities are worth of which a note of a call said so: an edited note says it anew.

Which those are, the playbooks say: the value of their step is worked out from `FACT`. What is won or lost stays.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from lifecycle import conditions, touches
from lifecycle.actions import Opportunity as Action
from lifecycle.playbook import Manifest, Playbook
from store import opportunities, releases
from store.opportunities import CLOSED, Opportunity

FACT = "expansion.uplift"


def recorded(c: Connection, customer: str, worth: float | None) -> tuple[Opportunity, ...]:
    """A customer's open opportunities that were recorded with this worth, as a note gave it."""
    if worth is None:
        return ()
    names = set(_steps(c))
    those = opportunities.listed(c, customer)
    return tuple(one for one in those if one.stage not in CLOSED and one.value == worth and _step(one.touch) in names)


def _step(touch: str) -> tuple[str, str]:
    found = touches.read(touch)
    return found.playbook, found.step


def _steps(c: Connection) -> Iterator[tuple[str, str]]:
    """Playbook and step of what records the worth that a note gives."""
    current = releases.current(c)
    manifest = releases.load(c, current) if current else None
    digests = manifest.playbooks.values() if isinstance(manifest, Manifest) else ()
    books = [book for digest in digests if isinstance(book := releases.load(c, digest), Playbook)]
    for one, step in [(book, step) for book in books for step in book.steps]:
        action = step.action
        if isinstance(action, Action) and action.value is not None and FACT in conditions.names(action.value):
            yield one.name, step.id
