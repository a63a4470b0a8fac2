"""Migrate a database and print how many rows the table of revisions has."""

import sys

from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.tables import revision

store = Store(sys.argv[1])
migrate(store)
with store.read() as connection:
    sys.stdout.write(f"revisions={len(connection.execute(revision.select()).all())}\n")
if "--no-alembic" in sys.argv:
    assert "alembic" not in sys.modules
