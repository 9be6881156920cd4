"""Alembic's entry: runs in the transaction that `syncd.state.migrate` has opened."""

from alembic import context

from syncd.state.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
