"""The database keeps its promises about time, transactions and the schema on SQLite and PostgreSQL alike."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from freezegun import freeze_time
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from store import keys, tables, team
from store.database import Database, DatabaseUrlError, NestedTransactionError, now, open_database

AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


def _switch(database: Database, at: datetime, name: str = "x") -> datetime:
    with database.begin() as c:
        c.execute(insert(tables.switches).values(name=name, changed_at=at))
        query = select(tables.switches.c.changed_at).where(tables.switches.c.name == name)
        return cast("datetime", c.execute(query).scalar_one())


def test_an_instant_comes_back_aware_and_equal(database: Database) -> None:
    back = _switch(database, AT.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert back == AT
    assert back.utcoffset() == timedelta(0)


def test_a_frozen_clock_can_be_stored(database: Database) -> None:
    with freeze_time("2026-03-02T09:00:00Z"):
        assert _switch(database, now()) == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_naive_instant_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="no zone"):
        _switch(database, datetime(2026, 3, 2))  # noqa: DTZ001 - a naive value is the point


def test_instants_compare_as_instants_in_the_database(database: Database) -> None:
    _switch(database, AT)
    column = tables.switches.c.changed_at
    with database.read() as c:
        later = select(func.count()).select_from(tables.switches).where(column > AT - timedelta(microseconds=1))
        assert c.execute(later).scalar_one() == 1
        assert c.execute(later.where(column < AT)).scalar_one() == 0


def _write_one_that_is_new_and_one_that_is_not(database: Database) -> None:
    with database.begin() as c:
        c.execute(insert(tables.switches).values(name="new", changed_at=AT))
        c.execute(insert(tables.switches).values(name="x", changed_at=AT))


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    _switch(database, AT)
    with pytest.raises(IntegrityError):
        _write_one_that_is_new_and_one_that_is_not(database)
    with database.read() as c:
        assert c.execute(select(tables.switches.c.name)).scalars().all() == ["x"]


def test_reading_refuses_to_write(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as c:
        c.execute(insert(tables.switches).values(name="x", changed_at=AT))


def test_a_write_inside_a_write_is_refused_at_once(database: Database) -> None:
    with database.begin(), pytest.raises(NestedTransactionError), database.begin():
        pass
    _switch(database, AT)


def test_a_hundred_parallel_updates_lose_none(database: Database) -> None:
    with database.begin() as c:
        c.execute(insert(tables.buckets).values(name="n", tokens=0, stamp=0))

    def add(_: int) -> None:
        with database.begin() as c:
            query = select(tables.buckets.c.tokens).where(tables.buckets.c.name == "n").with_for_update()
            tokens = c.execute(query).scalar_one()
            c.execute(update(tables.buckets).values(tokens=tokens + 1))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, range(100)))
    with database.read() as c:
        assert c.execute(select(tables.buckets.c.tokens)).scalar_one() == 100


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_runs_with_the_settings_the_design_names(database: Database) -> None:
    def pragma(name: str, *, durable: bool) -> object:
        with database.begin(durable=durable) as c:
            return c.execute(text(f"PRAGMA {name}")).scalar_one()

    assert pragma("journal_mode", durable=True) == "wal"
    assert pragma("foreign_keys", durable=True) == 1
    assert pragma("busy_timeout", durable=True) == 10_000
    assert pragma("synchronous", durable=True) == 2
    assert pragma("synchronous", durable=False) == 1
    assert pragma("synchronous", durable=True) == 2


def test_the_migrated_schema_is_the_tables(empty_database_url: str) -> None:
    database = open_database(empty_database_url)
    database.migrate()
    with database.begin() as c:
        context = MigrationContext.configure(c, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []
    database.close()


_CALLS = ("agreed", "interactions", "opportunity_moves")


@pytest.mark.parametrize("made", [(), _CALLS])
def test_a_database_of_before_the_calls_gets_what_it_lacks(empty_database_url: str, made: tuple[str, ...]) -> None:
    database = open_database(empty_database_url)
    database.migrate()
    with database.begin() as c:
        for name in _CALLS:
            if name not in made:
                c.execute(text(f"DROP TABLE {name}"))
        c.execute(text("ALTER TABLE teammates DROP COLUMN meeting_url"))
        c.execute(text("UPDATE alembic_version SET version_num = '0004'"))
    database.migrate()
    with database.begin() as c:
        assert compare_metadata(MigrationContext.configure(c), tables.metadata) == []
    database.close()


def test_a_team_of_before_the_meeting_rooms_is_kept_and_has_none(empty_database_url: str) -> None:
    database = open_database(empty_database_url)
    database.migrate()
    with database.begin() as c:
        team.save_team(c, [team.Person("mara", "Mara", "mara@stageplay.example.com", ("csm",))], {})
        c.execute(text("ALTER TABLE teammates DROP COLUMN meeting_url"))
        c.execute(text("UPDATE alembic_version SET version_num = '0005'"))
    database.migrate()
    with database.begin() as c:
        assert compare_metadata(MigrationContext.configure(c), tables.metadata) == []
        (mara,) = team.teammates(c)
        assert (mara.name, mara.meeting_url) == ("Mara", "")
        team.save_team(c, [replace(mara, meeting_url="https://meet.example.com/mara")], {})
        assert team.teammates(c)[0].meeting_url == "https://meet.example.com/mara"
    database.close()


def _migrate_in_a_process(url: str, count: int) -> None:
    for _ in range(count):
        database = open_database(url)
        database.migrate()
        database.close()


def test_racing_processes_migrate_once(empty_database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    racers = [spawn.Process(target=_migrate_in_a_process, args=(empty_database_url, 2)) for _ in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0, 0]
    database = open_database(empty_database_url)
    with database.read() as c:
        assert c.execute(text("SELECT version_num FROM alembic_version")).all() == [("0006",)]
        assert len(keys.key(c, "touch")) == 32
    database.close()


def test_keys_are_made_once_and_kept(database: Database) -> None:
    with database.read() as c:
        before = {name: keys.key(c, name) for name in keys.NAMES}
    database.migrate()
    with database.read() as c:
        assert {name: keys.key(c, name) for name in keys.NAMES} == before
        with pytest.raises(LookupError, match="no key 'nothing'"):
            keys.key(c, "nothing")
    assert len(set(before.values())) == len(keys.NAMES)


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "secret"])
def test_an_address_that_cannot_be_used_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(DatabaseUrlError, match="write sqlite:///var/stageplay") as refusal:
        open_database(url)
    assert "secret" not in str(refusal.value)


def test_the_folder_of_a_new_file_is_made(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/var/deep/stageplay.db")
    database.migrate()
    database.close()
    assert (tmp_path / "var" / "deep" / "stageplay.db").exists()
