"""Alembic's entry: runs the numbered migrations over the connection it is handed."""

from alembic import context

from contactcenter.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
