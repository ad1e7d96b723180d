"""Releases are what their digest says, and a worker gets them within a second or not at all."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import event, insert, update

from lifecycle.actions import Email, Expr, When
from lifecycle.jsonform import encode
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release, StageSpec, Step, Trigger, release_digest
from lifecycle.releases import ReleaseMissingError
from store import releases, tables
from store.customers import Customer
from store.database import Database
from store.releases import DatabaseReleases, ReleaseDigestError

LIFECYCLE = Lifecycle(
    "standard",
    "Standard",
    (StageSpec("onboarding", "csm", 1, 14, Expr("a.b > 1", (">", ("get", "a.b"), ("const", 1)))),),
    "playbooks/lifecycle.yaml",
    bands={"green": 80, "yellow": 60, "red": 40, "critical": 0},
)
PLAYBOOK = Playbook(
    "welcome",
    "Welcome",
    "csm",
    (Trigger(stage="onboarding"),),
    (Step("hello", Email(("champion",), "onboarding/welcome"), When(day=1)),),
    "playbooks/welcome.yaml",
    places={"": 1, "hello": 7},
    templates={"email/onboarding/welcome.txt": "Subject: Hallo\n\nGrüße"},
)


def _digest(release: Release) -> str:
    return release_digest(encode(release))


def _catalogue(*playbooks: Playbook) -> tuple[str, dict[str, Release]]:
    manifest = Manifest(_digest(LIFECYCLE), {playbook.name: _digest(playbook) for playbook in playbooks})
    found: list[Release] = [LIFECYCLE, manifest, *playbooks]
    return _digest(manifest), {_digest(release): release for release in found}


@pytest.fixture
def committed(database: Database) -> str:
    digest, given = _catalogue(PLAYBOOK)
    with database.begin() as c:
        assert releases.commit(c, digest, given, note="first")
    return digest


@pytest.fixture
def loader(database: Database, tmp_path: Path) -> Iterator[DatabaseReleases]:
    found = DatabaseReleases(database, tmp_path / "releases")
    yield found
    found.close()


def test_nothing_is_current_before_the_first_commit(database: Database) -> None:
    with database.read() as c:
        assert releases.current(c) is None
        assert releases.in_use(c) == ()
        assert releases.load(c, "nothing") is None


def test_a_release_comes_back_as_it_was_with_its_bands_in_order(database: Database, committed: str) -> None:
    with database.read() as c:
        assert releases.current(c) == committed
        assert releases.load(c, _digest(PLAYBOOK)) == PLAYBOOK
        lifecycle = releases.load(c, _digest(LIFECYCLE))
    assert lifecycle == LIFECYCLE
    assert isinstance(lifecycle, Lifecycle)
    assert list(lifecycle.bands) == ["green", "yellow", "red", "critical"]


def test_committing_the_same_again_changes_nothing(database: Database, committed: str) -> None:
    digest, given = _catalogue(PLAYBOOK)
    with database.begin() as c:
        assert not releases.commit(c, digest, given, note="again")
        assert releases.current(c) == committed


def test_an_older_catalogue_can_be_made_current_again(database: Database, committed: str) -> None:
    newer, given = _catalogue(replace(PLAYBOOK, title="Hello"))
    with database.begin() as c:
        assert releases.commit(c, newer, given, note="newer")
        assert releases.current(c) == newer
        assert releases.commit(c, committed, {}, note="undo")
        assert releases.current(c) == committed


def test_a_release_under_another_digest_is_refused(database: Database) -> None:
    digest, given = _catalogue(PLAYBOOK)
    with pytest.raises(ReleaseDigestError, match="compile it again"), database.begin() as c:
        releases.commit(c, digest, {**given, _digest(PLAYBOOK): replace(PLAYBOOK, title="forged")}, note="")
    with database.read() as c:
        assert releases.current(c) is None


def test_a_catalogue_that_names_what_is_not_there_is_refused(database: Database) -> None:
    digest, given = _catalogue(PLAYBOOK)
    del given[_digest(PLAYBOOK)]
    with pytest.raises(LookupError, match=_digest(PLAYBOOK)), database.begin() as c:
        releases.commit(c, digest, given, note="")
    with pytest.raises(LookupError, match="neither given nor stored"), database.begin() as c:
        releases.commit(c, "unknown", {}, note="")


def test_in_use_is_what_the_current_catalogue_and_the_customers_need(
    database: Database, committed: str, customer: Customer
) -> None:
    old, (lifecycle, welcome) = committed, (_digest(LIFECYCLE), _digest(PLAYBOOK))
    changed = replace(PLAYBOOK, title="Hello")
    new, given = _catalogue(changed)
    with database.begin() as c:
        assert releases.in_use(c) == tuple(sorted({old, lifecycle, welcome}))
        releases.commit(c, new, given, note="newer")
        assert releases.in_use(c) == tuple(sorted({new, lifecycle, _digest(changed)}))
        c.execute(insert(tables.releases_used).values(customer=customer.id, release=welcome))
        assert releases.in_use(c) == tuple(sorted({new, lifecycle, _digest(changed), welcome}))
        c.execute(update(tables.customers).values(catalogue=old))
        assert releases.in_use(c) == tuple(sorted({new, old, lifecycle, _digest(changed), welcome}))


def test_a_worker_gets_a_release_and_keeps_it_in_a_file(
    loader: DatabaseReleases, committed: str, tmp_path: Path
) -> None:
    manifest = loader.catalogue(committed)
    assert loader.playbook(manifest.playbooks["welcome"]) == PLAYBOOK
    assert loader.lifecycle(manifest.lifecycle) == LIFECYCLE
    files = {path.name for path in (tmp_path / "releases").iterdir()}
    assert files == {f"{name}.json" for name in (committed, _digest(PLAYBOOK), _digest(LIFECYCLE))}


def test_a_release_of_another_kind_is_missing(loader: DatabaseReleases, committed: str) -> None:
    with pytest.raises(ReleaseMissingError):
        loader.playbook(committed)


def test_what_nobody_has_is_missing(loader: DatabaseReleases) -> None:
    with pytest.raises(ReleaseMissingError, match="0123456789abcdef"):
        loader.get("0123456789abcdef")


def test_a_miss_is_not_remembered(loader: DatabaseReleases, database: Database) -> None:
    digest, given = _catalogue(PLAYBOOK)
    with pytest.raises(ReleaseMissingError):
        loader.get(digest)
    with database.begin() as c:
        releases.commit(c, digest, given, note="")
    assert loader.get(digest) == given[digest]


@pytest.mark.usefixtures("committed")
def test_a_kept_file_serves_without_the_database(loader: DatabaseReleases, database: Database, tmp_path: Path) -> None:
    assert loader.preload() == 3
    with database.begin() as c:
        c.execute(tables.catalogues.delete())
        c.execute(tables.releases.delete())
    again = DatabaseReleases(database, tmp_path / "releases")
    assert again.get(_digest(PLAYBOOK)) == PLAYBOOK
    again.close()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"kind": "playbook"}', "changed"])
@pytest.mark.usefixtures("committed")
def test_a_damaged_file_is_not_believed_and_mended(
    loader: DatabaseReleases, database: Database, tmp_path: Path, damage: str
) -> None:
    loader.preload()
    file = tmp_path / "releases" / f"{_digest(PLAYBOOK)}.json"
    file.write_text(json.dumps(encode(replace(PLAYBOOK, title="forged"))) if damage == "changed" else damage)
    again = DatabaseReleases(database, tmp_path / "releases")
    assert again.get(_digest(PLAYBOOK)) == PLAYBOOK
    again.close()
    assert release_digest(json.loads(file.read_text())) == _digest(PLAYBOOK)


@pytest.mark.usefixtures("committed")
def test_a_damaged_row_is_not_believed(loader: DatabaseReleases, database: Database) -> None:
    forged = json.dumps(encode(replace(PLAYBOOK, title="forged")))
    with database.begin() as c:
        c.execute(update(tables.releases).where(tables.releases.c.name == "welcome").values(body=forged))
    with pytest.raises(ReleaseDigestError):
        loader.get(_digest(PLAYBOOK))


@pytest.mark.usefixtures("committed")
def test_a_database_that_does_not_answer_within_a_second_is_a_miss(database: Database) -> None:
    def wait(*_: object) -> None:
        let_go.wait(30)

    let_go = threading.Event()
    event.listen(database._reading, "before_cursor_execute", wait)
    loader = DatabaseReleases(database, None)
    before = monotonic()
    try:
        with pytest.raises(ReleaseMissingError):
            loader.get(_digest(PLAYBOOK))
        assert monotonic() - before < 15  # it would wait for thirty
    finally:
        let_go.set()
        loader._askers.shutdown(wait=True)
        event.remove(database._reading, "before_cursor_execute", wait)


@pytest.mark.usefixtures("committed")
def test_many_threads_may_ask_at_once(loader: DatabaseReleases) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: loader.get(_digest(PLAYBOOK)), range(50)))
    assert all(one == PLAYBOOK for one in found)
