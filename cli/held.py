"""What is on hold, for somebody who named a hold that is not there."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection

from cli.screen import to_copy
from store import customers, standing
from store.customers import EVERYTHING
from store.database import Database

_MOST = 5


def instead(db: Database, customer: str, playbook: str, by: str) -> list[str]:
    """The commands that lift the holds there are, those of the customer or the playbook that somebody named first.

    Args:
        db: what is on hold stands there.
        customer: our id; empty where none was named.
        playbook: its name; empty likewise.
        by: a teammate's id.
    """
    with db.read() as c:
        found = dict.fromkeys(_held(c, customer, playbook))
    ordered = [words for _, words in sorted(found, key=lambda item: not item[0])]
    said = [to_copy(["stageplay", "resume", *words, "--by", by]) for words in ordered[:_MOST]]
    return said + ([f"and {len(ordered) - _MOST} more"] if len(ordered) > _MOST else [])


def _held(c: Connection, customer: str, playbook: str) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Whether it is near to what was named, and what `resume` takes; a playbook held for several customers is one."""
    books: dict[str, list[str]] = defaultdict(list)
    for hold in customers.holds(c):
        whose, _, name = hold.scope.partition("/")
        if whose == EVERYTHING:
            yield False, ("--everything",)
        else:
            books[name].append(whose)
    for name, those in books.items():
        if name and len(those) > 1:
            yield name == playbook or customer in those, ("--playbook", name)
            continue
        for whose in those:
            near = whose == customer or bool(name and name == playbook)
            yield near, ("--customer", customers.get(c, whose).outer_id, *(("--playbook", name) if name else ()))
    for item in standing.listed(c):
        part = ("--segment", item.scope.segment.text) if item.scope.segment else ()
        yield (
            bool(playbook) and item.playbook == playbook,
            (*part, *(("--playbook", item.playbook) if item.playbook else ())),
        )
