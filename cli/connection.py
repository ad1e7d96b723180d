"""Reaching what a part needs: Temporal as its environment says, its search attributes, a database of this version."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConnectConfig
from temporalio.service import RPCError

from cli.processes import ProcessError
from gateway.intake import Lifecycles
from gateway.refusals import RefusedError
from lifecycle.playbook import Lifecycle
from store import migrations
from store.database import Database, open_database
from workflows.interface import ATTRIBUTES

MIGRATIONS = Path(migrations.__file__).parent
PATIENCE = timedelta(seconds=60)
PAUSE = timedelta(milliseconds=250)


async def connect(config: ClientConnectConfig, patience: timedelta = PATIENCE) -> Client:
    """Connect to Temporal, trying again for a while: at a joint start the server is the slowest.

    Raises:
        ProcessError: it did not answer in time.
    """
    for _ in range(int(patience / PAUSE)):
        try:
            return await Client.connect(**config)
        except RuntimeError as error:
            reason = error
            await asyncio.sleep(PAUSE.total_seconds())
    raise ProcessError(
        f"Temporal at {config['target_host']} does not answer: {reason}\n"
        "  why: every customer's workflow runs there.\n"
        "  fix: start it, or correct TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS and API key."
    )


async def register_attributes(client: Client) -> None:
    """Add our search attributes to the namespace where they are absent; any number of processes may race.

    Raises:
        ProcessError: they are absent and may not be added.
    """
    service, namespace = client.operator_service, client.namespace
    present = await service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    absent = [name for name in ATTRIBUTES if name not in present.custom_attributes]
    if not absent:
        return
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    wanted = AddSearchAttributesRequest(namespace=namespace, search_attributes=dict.fromkeys(absent, keyword))
    try:
        await service.add_search_attributes(wanted)
    except RPCError as error:
        present = await service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
        if set(ATTRIBUTES) - set(present.custom_attributes):
            raise ProcessError(
                f"the namespace {namespace} lacks search attributes: {', '.join(absent)} ({error.message})\n"
                "  why: customers are listed by stage, band and tier.\n"
                "  fix: let an administrator add them, each with the type Keyword."
            ) from error


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database of this version, for the length of a block.

    Raises:
        ProcessError: it does not answer, or it is older.
    """
    database = open_database(url)
    try:
        require_schema(database)
        yield database
    finally:
        database.close()


def current_lifecycle(c: Connection) -> Lifecycle:
    """The lifecycle that is applied.

    Raises:
        ProcessError: none is.
    """
    try:
        return Lifecycles().current(c)[1]
    except RefusedError as refused:
        raise ProcessError(f"{refused.problem}; {refused.fix}") from refused


def has_schema(database: Database) -> bool:
    """Whether the database was ever migrated, to whatever version."""
    with database.read() as c:
        return MigrationContext.configure(c).get_current_revision() is not None


def require_schema(database: Database) -> None:
    """Refuse a database that was not brought to this version; a newer one is fine, since migrations only add first.

    Raises:
        ProcessError: it does not answer, or it is older.
    """
    try:
        with database.read() as c:
            found = MigrationContext.configure(c).get_current_revision()
    except SQLAlchemyError as error:
        raise ProcessError(
            f"the database does not answer ({type(error).__name__})\n  why: everything is kept there.\n"
            "  fix: start it, or correct STAGEPLAY_DATABASE_URL."
        ) from error
    script = ScriptDirectory(str(MIGRATIONS))
    ours = {revision.revision for revision in script.walk_revisions()}
    if found is None:
        raise ProcessError(
            "there is nothing in the database yet\n  why: no Stageplay ran with it.\n"
            "  fix: `stageplay up` starts everything here; for a database of your own run `stageplay migrate` first."
        )
    if found in ours and found != script.get_current_head():
        raise ProcessError(
            "the database is not of this version\n  why: nothing but `stageplay migrate` changes it.\n"
            "  fix: run `stageplay migrate`, then start this again."
        )
