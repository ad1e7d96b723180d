"""Forward-only revisions of the schema, run by `Database.migrate()`."""
