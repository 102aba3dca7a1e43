"""Alembic's entry: upgrades the connection that the store hands over, in its transaction."""

from alembic import context

from app.store_schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
