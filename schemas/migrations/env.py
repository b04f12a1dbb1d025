"""Alembic's entry: runs the migrations on the connection that `tasks.database.migrate` hands it."""

from alembic import context

from schemas.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, version_table="codegrader_schema")
with context.begin_transaction():
    context.run_migrations()
