"""Turn the playbooks folder into releases, and make them current: compile, commit, tell the open customers.

The releases are committed in the transaction that writes down the rollout, so that nobody is told of a release that
does not exist. Customers are told in batches (`store/rollouts.py`); what a kill interrupts, the next `apply` or `up`
finishes first, so that nobody is forgotten. An older catalogue is applied the same way: that is the undo.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from authoring.compile import Compiled, compile_folder
from authoring.plan import people_changes
from authoring.team import Capacity, Person, Team
from cli.failures import FoundError
from lifecycle.playbook import Lifecycle
from store import releases, rollouts, team
from store.database import Database, one_at_a_time
from store.rollouts import Options

Progress = Callable[[int], None]
"""Told how many customers have been looked at so far."""
Still = Callable[[Connection], bool]
"""Asked within the transaction that writes a rollout down, whether it is still to be; what it raises undoes that."""


@dataclass(frozen=True)
class Applied:
    """What `apply` did. `told`: how many open customers will start new plays from these releases. `current`: what stays
    current instead, where nobody asked for these and somebody has set them aside. `people`: what changed of them, one
    sentence each.
    """

    digest: str
    changed: bool
    told: int = 0
    current: str = ""
    people: tuple[str, ...] = ()


def unchanged(applied: Applied) -> str:
    """That the playbooks are those that are live, and what was taken over of the people all the same."""
    people = f"; of the people: {'; '.join(applied.people)}" if applied.people else ""
    return f"playbooks unchanged (catalogue {applied.digest[:12]}){people}"


class DoesNotCompileError(FoundError):
    """The folder has errors; nothing was changed."""

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled.diagnostics, "the playbooks have errors; nothing was changed")


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


def make_current(
    db: Database,
    found: Compiled,
    folder: str,
    options: Options | None = None,
    *,
    states: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    still: Still | None = None,
    alone: bool = False,
) -> Applied:
    """Commit what compiled, and tell whom the options name.

    Args:
        db: any rollout that was interrupted in it is finished first.
        found: what compiled.
        folder: its name, for the note.
        options: to whom, and what becomes of plays in flight; None: to everybody, unless somebody has set just these
            releases aside (`rollouts.set_aside`): whoever starts a process decides neither that a rollout is widened
            or a shadow made live, nor that an undo is undone.
        states: for a shadow, where the live customers stand, as JSON.
        progress: see `Progress`.
        still: see `Still`.
        alone: it is part of the folder, for a rehearsal; whoever starts a process on its database later adds nothing.

    Raises:
        DoesNotCompileError: it has no catalogue.
    """
    if found.catalogue is None:
        raise DoesNotCompileError(found)
    finish(db, progress)
    lifecycle = found.releases[found.catalogue.lifecycle]
    with db.begin() as c:
        one_at_a_time(c, releases.APPLYING)
        if still is not None and not still(c):
            return Applied(found.digest, changed=False)
        people = people_changes(team_of(c, found.team), found.team) if found.team else ()
        if found.team and isinstance(lifecycle, Lifecycle):
            team.save_team(c, [_teammate(person) for person in found.team.people], lifecycle.roles, found.team.policy)
        if options is None and rollouts.set_aside(c, found.digest):
            return Applied(found.digest, changed=False, current=releases.current(c) or "", people=people)
        releases.keep(c, found.digest, found.releases)
        note = rollouts.ALONE if alone else f"from {folder}/"
        begun = _begin(c, found.digest, options or Options(), note, states or {})
    return replace(_told(db, found.digest, begun, progress), people=people)


def make_older_current(
    db: Database,
    digest: str,
    options: Options,
    *,
    states: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    still: Still | None = None,
) -> Applied:
    """Apply a catalogue that is stored already; otherwise as `make_current`."""
    finish(db, progress)
    with db.begin() as c:
        one_at_a_time(c, releases.APPLYING)
        if still is not None and not still(c):
            return Applied(digest, changed=False)
        begun = _begin(c, digest, options, rollouts.OLDER, states or {})
    return _told(db, digest, begun, progress)


def finish(db: Database, progress: Progress | None = None) -> None:
    """Tell whom an interrupted rollout has not told yet."""
    with db.read() as c:
        waiting = rollouts.unfinished(c)
    for item in waiting:
        _tell(db, item.id, progress)


def idle(c: Connection, digest: str, options: Options) -> bool:
    """Whether everybody has these releases and nothing is to be moved."""
    whole = options.scope.whole and not options.shadow
    return whole and releases.current(c) == digest and not options.move and not rollouts.parts(c)


def _begin(c: Connection, digest: str, options: Options, note: str, states: Mapping[str, Any]) -> int | None:
    """Write the rollout down, unless that is `idle`."""
    if idle(c, digest, options):
        return None
    if options.scope.whole and not options.shadow:
        releases.commit(c, digest, {}, note=note)
    begun = rollouts.begin(c, digest, options, note)
    rollouts.keep_states(c, begun, states)
    return begun


def _told(db: Database, digest: str, begun: int | None, progress: Progress | None) -> Applied:
    if begun is None:
        return Applied(digest, changed=False)
    _tell(db, begun, progress)
    with db.read() as c:
        told = next(item.told for item in rollouts.listed(c) if item.id == begun)
    return Applied(digest, changed=True, told=told)


def _tell(db: Database, rollout: int, progress: Progress | None) -> None:
    looked_at, more = 0, True
    while more:
        with db.begin() as c:
            some = rollouts.tell_some(c, rollout)
        more = some is not None
        looked_at += some or 0
        if progress is not None:
            progress(looked_at)


def team_of(c: Connection, chosen: Team) -> Team:
    """The people as they were applied last, to be held against others. How much work a full day is, is not kept: of
    that they say what the others do.
    """
    days = {person.id: person.capacity for person in chosen.people}
    staff = team.staff(c)
    people = (
        Person(
            person.id,
            person.name,
            person.email,
            person.slack,
            person.zone,
            person.roles,
            days.get(person.id, Capacity()),
            person.cover,
            person.meeting_url,
        )
        for person in team.teammates(c)
    )
    return Team(tuple(people), staff.policy)


def _teammate(person: Person) -> team.Person:
    return team.Person(
        person.id,
        person.name,
        person.email,
        person.roles,
        zone=person.zone,
        slack=person.slack,
        cover=person.cover,
        meeting_url=person.meeting_url,
    )
