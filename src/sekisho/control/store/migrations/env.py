"""Alembic's entry: it gets the connection, and its transaction, from whoever runs it."""

from alembic import context

from sekisho.control.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters few things in place
    transactional_ddl=True,  # it does roll tables back, and whoever made the connection commits
)
context.run_migrations()
