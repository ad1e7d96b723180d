"""Compiled releases by digest, and which catalogue is current.

What a digest names never changes, so caches need no expiry: memory, then a file, then the database. A digest is checked
whenever a release comes from outside this process. `commit` comes before anybody is told of a catalogue.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLateError
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.jsonform import decode_union, encode
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release, release_digest
from lifecycle.releases import ReleaseMissingError
from store import rollout_tables, tables
from store.database import Database, insert_new, now

LIMIT = timedelta(seconds=1)
Kind = TypeVar("Kind", Manifest, Lifecycle, Playbook)


class ReleaseDigestError(ValueError):
    """A release does not have the digest it goes by: it was changed on its way, or compiled by another build."""

    def __init__(self, wanted: str, found: str) -> None:
        super().__init__(f"release {wanted} has the digest {found}; compile it again with this build and commit that")


def commit(c: Connection, catalogue_digest: str, releases: Mapping[str, Release], *, note: str) -> bool:
    """Store releases as `keep` does, and make their catalogue the current one.

    Args:
        c: a write transaction.
        catalogue_digest: of a Manifest among `releases`, or stored before.
        releases: digest to release.
        note: where they come from, for people.

    Returns:
        Whether the current catalogue changed.

    Raises:
        ReleaseDigestError: a release has another digest than it is given under.
        LookupError: the catalogue, or a release it names, is neither given nor stored.
    """
    keep(c, catalogue_digest, releases)
    if current(c) == catalogue_digest:
        return False
    c.execute(insert(tables.catalogues).values(digest=catalogue_digest, note=note, applied_at=now()))
    return True


def keep(c: Connection, catalogue_digest: str, releases: Mapping[str, Release]) -> None:
    """Store releases, so that customers may be told of their catalogue; what is stored already is left alone.

    Raises:
        ReleaseDigestError, LookupError: as `commit`.
    """
    for wanted, release in releases.items():
        data = encode(release)
        if (found := release_digest(data)) != wanted:
            raise ReleaseDigestError(wanted, found)
        values = {"digest": wanted, "kind": release.kind, "name": getattr(release, "name", "catalogue")}
        # Not the canonical text: the order of the bands and the checklists means something.
        body = json.dumps(data, ensure_ascii=False)
        insert_new(c, tables.releases, **values, body=body, committed_at=now())
    _check_complete(c, catalogue_digest)


APPLYING = "applying playbooks"
"""What `apply` does alone (`store.database.one_at_a_time`), and new customers shared: each is either told of the new
catalogue or starts with it.
"""


def current(c: Connection) -> str | None:
    """The digest of the current catalogue, None before the first commit."""
    return c.execute(_CURRENT).scalar_one_or_none()


_CURRENT = select(tables.catalogues.c.digest).order_by(tables.catalogues.c.id.desc()).limit(1)


def load(c: Connection, digest: str) -> Release | None:
    """A stored release.

    Raises:
        ReleaseDigestError: what is stored is not what the digest names.
    """
    body = _body(c, digest)
    return None if body is None else _read(digest, body)


def named(c: Connection, written: str) -> str | None:
    """The catalogue whose digest begins so; None where there is none, or more than one."""
    table = tables.releases
    query = select(table.c.digest).where(
        table.c.kind == "catalogue", table.c.digest.startswith(written, autoescape=True)
    )
    found = c.execute(query.limit(2)).scalars().all()
    return found[0] if written and len(found) == 1 else None


def in_use(c: Connection) -> tuple[str, ...]:
    """Digests of everything a worker may be asked for, sorted: the current catalogue, those that customers hold, what
    these name, and what customers' plays run on.
    """
    open_rollouts = select(rollout_tables.rollouts.c.digest).distinct()
    catalogues = {*c.execute(select(tables.customers.c.catalogue).distinct()).scalars(), current(c)} - {"", None}
    catalogues |= set(c.execute(open_rollouts.where(rollout_tables.rollouts.c.in_force)).scalars())
    digests = set(c.execute(select(tables.releases_used.c.release).distinct()).scalars()) | catalogues
    for name in catalogues:
        manifest = load(c, name)
        if isinstance(manifest, Manifest):
            digests |= {manifest.lifecycle, *manifest.playbooks.values()}
    return tuple(sorted(digests))


class DatabaseReleases:
    """Releases for a worker: memory, then files, then the database with a limit of 1 s. Safe between threads."""

    def __init__(self, db: Database, folder: Path | None) -> None:
        self._db = db
        self._folder = folder
        self._known: dict[str, Release] = {}
        # The limit holds for whatever takes the time, connecting included, so the question is put in another thread.
        self._askers = ThreadPoolExecutor(2, thread_name_prefix="releases")

    def get(self, digest: str) -> Release:
        """The release that a digest names.

        Raises:
            ReleaseMissingError: nobody has it, or the database did not answer in time.
        """
        found = self._known.get(digest) or self._from_file(digest) or self._from_database(digest)
        if found is None:
            raise ReleaseMissingError(digest)
        self._known[digest] = found
        return found

    def catalogue(self, digest: str) -> Manifest:
        """See `get`."""
        return self._of(digest, Manifest)

    def lifecycle(self, digest: str) -> Lifecycle:
        """See `get`."""
        return self._of(digest, Lifecycle)

    def playbook(self, digest: str) -> Playbook:
        """See `get`."""
        return self._of(digest, Playbook)

    def preload(self) -> int:
        """Bring everything in use into memory, as a worker does before it takes work; returns how many releases."""
        with self._db.read() as c:
            digests = in_use(c)
        for name in digests:
            self.get(name)
        return len(digests)

    def close(self) -> None:
        """End the threads that ask the database."""
        self._askers.shutdown(wait=False, cancel_futures=True)

    def _of(self, digest: str, kind: type[Kind]) -> Kind:
        found = self.get(digest)
        if not isinstance(found, kind):
            raise ReleaseMissingError(digest)
        return found

    def _from_file(self, digest: str) -> Release | None:
        if self._folder is None:
            return None
        # A file that is missing, cut short or changed is as good as none: the database has the release.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return _read(digest, (self._folder / f"{digest}.json").read_text(encoding="utf-8"))
        return None

    def _from_database(self, digest: str) -> Release | None:
        asked: Future[str | None] = self._askers.submit(self._ask, digest)
        try:
            body = asked.result(LIMIT.total_seconds())
        except (TooLateError, SQLAlchemyError) as error:
            asked.cancel()
            raise ReleaseMissingError(digest) from error
        if body is None:
            return None
        found = _read(digest, body)
        self._keep(digest, body)
        return found

    def _ask(self, digest: str) -> str | None:
        with self._db.read() as c:
            return _body(c, digest)

    def _keep(self, digest: str, body: str) -> None:
        if self._folder is None:
            return
        # Whole or not at all, whoever else writes the same file; a full disk only costs the cache.
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            new = self._folder / f".{digest}.{os.getpid()}.{secrets.token_hex(4)}"
            new.write_text(body, encoding="utf-8")
            new.replace(self._folder / f"{digest}.json")


def _check_complete(c: Connection, catalogue_digest: str) -> None:
    manifest = load(c, catalogue_digest)
    if not isinstance(manifest, Manifest):
        raise LookupError(f"catalogue {catalogue_digest} is neither given nor stored")  # noqa: TRY004 - also when None
    named = {manifest.lifecycle, *manifest.playbooks.values()}
    query = select(tables.releases.c.digest).where(tables.releases.c.digest.in_(named))
    missing = named - set(c.execute(query).scalars())
    if missing:
        raise LookupError(f"catalogue {catalogue_digest} names {', '.join(sorted(missing))}, neither given nor stored")


def _body(c: Connection, digest: str) -> str | None:
    query = select(tables.releases.c.body).where(tables.releases.c.digest == digest)
    return c.execute(query).scalar_one_or_none()


def _read(digest: str, body: str) -> Release:
    data = json.loads(body)
    if (found := release_digest(data)) != digest:
        raise ReleaseDigestError(digest, found)
    return cast("Release", decode_union(Release, data))
