"""Alembic's entry: run the revisions on the connection that `Database.migrate()` has opened, in its transaction."""

from alembic import context

from store import result_tables, rollout_tables, staff_tables  # noqa: F401 - their tables belong to the metadata
from store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
