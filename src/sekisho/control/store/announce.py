"""How processes hear of changes to what they hold in memory.

The number is what they go by: who reads it knows whether there is anything new, in every database. On
PostgreSQL whoever listens is woken besides (see `Listener`).
"""

from sqlalchemy import Connection, select, update

from sekisho.control.store.tables import revision

CHANNEL = "sekisho_revision"


def announce(connection: Connection) -> None:
    """Tell all processes, once this transaction is committed, that keys or what they belong to have changed.

    From here to its end no other transaction can announce: numbers rise in the order of the commits.
    """
    connection.execute(update(revision).values({"keys": revision.c["keys"] + 1}))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")


def read_revision(connection: Connection) -> int:
    """The number that every change counts up."""
    return int(connection.execute(select(revision.c["keys"])).scalar_one())


def hold_changes(connection: Connection) -> None:
    """Keep others from announcing until this transaction ends: for who looks first and then changes."""
    connection.execute(select(revision.c["keys"]).with_for_update())
