"""Bring a database to this version's tables, whoever else is starting at the same moment.

Alembic is loaded only where there is something to do: it costs more than starting the server.
"""

import importlib
from math import inf

from sqlalchemy import Connection, inspect

from sekisho.control.store import outages, rollups, tallies
from sekisho.control.store.engine import Store, StoreError

HEAD = "0017"
"""The newest file in `migrations/versions`."""
SUMMED = "0008"
"""From this one on every call is counted in a rollup too."""
WEIGHED = "0013"
"""And from this one on among the outages."""
TALLIED = "0016"
"""And from this one on in tallies."""


def migrate(store: Store) -> None:
    """Raises StoreError where the database cannot be reached, or was written by a newer version."""
    if store.exists():
        with store.read() as connection:
            if _version(connection) == HEAD:
                return
    with store.alone() as connection:
        version = _version(connection)
        if version == HEAD:
            return
        upgrade = importlib.import_module("sekisho.control.store.upgrade")
        if not upgrade.knows(version):
            raise StoreError(f"the database is at version {version}, which only a newer Sekisho knows")
        upgrade.run(connection)
        if version is not None:
            _count(connection, version)


def _count(connection: Connection, version: str) -> None:
    """Count the calls of a database that was at this version, where that did not."""
    if version < SUMMED:
        rollups.fill(connection)
        return
    if version < WEIGHED:
        outages.fill(connection)
    if version < TALLIED:
        tallies.count_anew(connection, 0.0, inf)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return version
