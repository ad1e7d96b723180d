"""Turn the playbooks folder into releases, and make them current: compile, commit, tell every open customer.

The releases are committed in the transaction that puts `CatalogueApplied` into the inboxes, so that nobody is told of a
release that does not exist, and nobody is forgotten.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from authoring.compile import Compiled, compile_folder
from authoring.team import Person
from lifecycle.messages import CatalogueApplied
from lifecycle.playbook import Lifecycle
from store import inbox, releases, tables, team
from store.database import Database, now, one_at_a_time


@dataclass(frozen=True)
class Applied:
    """What `apply` did. `told`: how many open customers will start new plays from these releases."""

    digest: str
    changed: bool
    told: int = 0


class DoesNotCompileError(Exception):
    """The folder has errors; nothing was changed. `compiled` has the diagnostics."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        super().__init__("the playbooks have errors; nothing was changed")


def apply(db: Database, playbooks: Path, templates: Path) -> Applied:
    """Make the releases of two folders the current ones, unless they are.

    Raises:
        DoesNotCompileError: an author's mistake.
    """
    return make_current(db, compiled(playbooks, templates), playbooks.name)


def compiled(playbooks: Path, templates: Path) -> Compiled:
    """The releases of two folders.

    Raises:
        DoesNotCompileError: an author's mistake.
    """
    found = compile_folder(playbooks, templates)
    if found.catalogue is None:
        raise DoesNotCompileError(found)
    return found


def make_current(db: Database, found: Compiled, folder: str) -> Applied:
    """Commit what compiled, unless it is current already, and tell. `folder`: its name, for the note.

    Raises:
        DoesNotCompileError: it has no catalogue.
    """
    if found.catalogue is None:
        raise DoesNotCompileError(found)
    lifecycle = found.releases[found.catalogue.lifecycle]
    with db.begin() as c:
        one_at_a_time(c, releases.APPLYING)
        if found.team and isinstance(lifecycle, Lifecycle):
            team.save_team(c, [_teammate(person) for person in found.team.people], lifecycle.roles)
        if releases.current(c) == found.digest:
            return Applied(found.digest, changed=False)
        releases.commit(c, found.digest, found.releases, note=f"from {folder}/")
        return Applied(found.digest, changed=True, told=_tell(c, found.digest))


def _teammate(person: Person) -> team.Person:
    return team.Person(
        person.id, person.name, person.email, person.roles, suppressed=False, zone=person.zone, slack=person.slack
    )


def _tell(c: Connection, digest: str) -> int:
    """Put the news into every open customer's inbox. An older catalogue may come back, so the instant is in the id."""
    at = now().isoformat()
    opened = list(c.scalars(select(tables.customers.c.id)))
    for customer in opened:
        event = CatalogueApplied(digest)
        inbox.accept(c, customer, "apply", f"{digest[:16]}/{at}/{customer}", event, body_digest=digest)
    return len(opened)
