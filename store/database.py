"""Open the database, take transactions, bring the schema up to date.

Every write goes through `Database.begin()`. On SQLite that is `BEGIN IMMEDIATE` on the one writing connection of this
process, so no update is lost and writers of one process queue instead of spinning; other processes wait up to 10 s.
`Database.read()` sees one snapshot and refuses to write. No network belongs inside either. When a table changes, add a
revision under `migrations/versions`; a test compares both.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Table,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL

from store import clock, keys

MIGRATION_LOCK = 0x57A6E91A
"""Key of PostgreSQL's advisory lock that lets one process migrate at a time."""


now = clock.now


class DatabaseUrlError(ValueError):
    """The database address cannot be used; says which part and what to write instead. Never quotes a password."""


class NestedTransactionError(RuntimeError):
    """A write was begun while this thread has one open, which would wait for itself; pass the open connection on."""


class Database:
    """One database: a pool for writing and one for reading. Safe to share between threads."""

    def __init__(self, url: URL) -> None:
        self.url = url.render_as_string(hide_password=False)
        self._open = threading.local()
        if url.get_backend_name() == "sqlite":
            self._writing, self._reading = _sqlite_engines(url)
        else:
            patience = {"connect_timeout": 10}  # seconds; the driver's own is over two minutes
            self._writing = create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True, connect_args=patience)
            self._reading = self._writing.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Connection]:
        """Open a write transaction; commits at the end of the block, rolls back when it raises.

        Args:
            durable: on SQLite, wait until the disk has it (synchronous FULL). False (NORMAL) may lose the last
                transactions in a power cut, never the order of them: for what the next retry writes again.

        Raises:
            NestedTransactionError: this thread has a write transaction open already.
        """
        if getattr(self._open, "writing", False):
            raise NestedTransactionError("a write transaction is open in this thread; pass its connection on instead")
        self._open.writing = True
        try:
            with self._writing.connect().execution_options(stageplay_durable=durable) as c, c.begin():
                yield c
        finally:
            self._open.writing = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read transaction: one snapshot for all its queries; writing in it fails."""
        with self._reading.connect() as c, c.begin():
            yield c

    def migrate(self) -> None:
        """Bring the schema to the newest revision and make missing keys. Any number of processes may race."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.begin() as c:
            if c.dialect.name == "postgresql":
                c.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config.attributes["connection"] = c
            command.upgrade(config, "head")
            keys.make_missing(c, now())

    def close(self) -> None:
        """Close all pooled connections; the object may be used again afterwards."""
        self._writing.dispose()
        self._reading.dispose()


def open_database(url: str) -> Database:
    """Open the database at an SQLAlchemy address: `sqlite:///path/file.db` or `postgresql://...`; connects lazily.

    Raises:
        DatabaseUrlError: another kind of database, or SQLite without a file.
    """
    try:
        parsed = make_url(url)
    except Exception as error:
        raise DatabaseUrlError("the database address is no URL; write sqlite:///var/stageplay.db") from error
    if parsed.get_backend_name() == "postgresql":
        return Database(parsed.set(drivername="postgresql+psycopg"))
    if parsed.get_backend_name() != "sqlite":
        raise DatabaseUrlError(
            f"{parsed.drivername!r} is not supported; write sqlite:///var/stageplay.db or postgresql://...",
        )
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseUrlError("SQLite needs a file that threads and processes share; write sqlite:///var/stageplay.db")
    Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    return Database(parsed)


def one_at_a_time(c: Connection, what: str, *, shared: bool = False) -> None:
    """Wait until no other transaction does `what`, and keep others waiting until this one ends.

    SQLite has one writer anyway; on PostgreSQL this is an advisory lock, so two names may rarely share one.

    Args:
        c: a write transaction that has read nothing yet that the others may change.
        what: a name for it.
        shared: let others in who are `shared` too.
    """
    if c.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        c.execute(select(lock(func.hashtext(what))))


def upsert(c: Connection, table: Table) -> sqlite.Insert:
    """An INSERT into `table` that knows `on_conflict_do_nothing` and `on_conflict_do_update` on this database."""
    return _upsert(c.dialect.name, table)


def _upsert(dialect: str, table: Table) -> sqlite.Insert:
    if dialect == "postgresql":
        # The two classes share no base but have the same two methods with the same arguments.
        return postgresql.insert(table)  # type: ignore[return-value] # see above
    return sqlite.insert(table)


def insert_new(c: Connection, table: Table, **values: Any) -> bool:
    """Insert a row unless one with its key, or another unique value of it, exists. True when it was inserted."""
    return c.execute(_insert_new(c.dialect.name, table), values).first() is not None


@cache
def _insert_new(dialect: str, table: Table) -> Executable:
    """Made once: to make a statement costs more than to run it."""
    return _upsert(dialect, table).on_conflict_do_nothing().returning(*table.primary_key)


def _sqlite_engines(url: URL) -> tuple[Engine, Engine]:
    writing = create_engine(url, connect_args={"timeout": 10}, pool_size=1, max_overflow=0)
    reading = create_engine(url, connect_args={"timeout": 10}, pool_size=10, max_overflow=20)
    for engine in (writing, reading):
        event.listen(engine, "connect", _set_up_sqlite)
    event.listen(writing, "begin", _begin_immediate)
    event.listen(reading, "begin", _begin_reading)
    return writing, reading


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin_immediate` does
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(c: Connection) -> None:
    level = "FULL" if c.get_execution_options().get("stageplay_durable", True) else "NORMAL"
    c.exec_driver_sql(f"PRAGMA synchronous={level}")
    c.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(c: Connection) -> None:
    c.exec_driver_sql("PRAGMA query_only=ON")
    c.exec_driver_sql("BEGIN")
