"""Old calls go: a few rows at a time, or on PostgreSQL a day's partition at once.

A partition is made before its day begins. What has none (a record that a host brings after weeks, one of
a clock that is wrong) is in `calls_rest`, so that nothing is ever lost for want of a partition.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from sekisho.control.store.engine import Store
from sekisho.control.store.tables import calls

DAY = 86_400
DAYS_AHEAD = 3
BATCH = 500
"""Rows in one transaction: other writers wait for it."""
_FORM = "calls_%Y%m%d"
_PARTITIONS = (
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
    " WHERE inhparent = 'calls'::regclass"
)


def make_partitions(store: Store, now: float) -> None:
    """Partitions for today and the next days, where the database has such. `now`: seconds since the epoch.
    Raises StoreError."""
    if store.dialect != "postgresql":
        return
    today = int(now // DAY)
    with store.read() as connection:
        there = _partitions(connection)
    for day in range(today, today + DAYS_AHEAD + 1):
        if day not in there:
            _make_partition(store, day)


def drop_partitions(store: Store, before: float) -> None:
    """Drop those whose days had ended at `before`. Raises StoreError."""
    if store.dialect != "postgresql":
        return
    with store.read() as connection:
        old = [name for day, name in _partitions(connection).items() if (day + 1) * DAY <= before]
    for name in sorted(old):
        with store.write() as connection:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")


def delete_some(store: Store, before: float) -> int:
    """Delete a few of the calls that began before; returns how many. Raises StoreError."""
    oldest = select(calls.c.id).where(calls.c.started < before).order_by(calls.c.started).limit(BATCH)
    with store.write() as connection:
        found = list(connection.execute(oldest).scalars())
        # By time too: on PostgreSQL it says in which partitions not to look.
        gone = delete(calls).where(calls.c.id.in_(found), calls.c.started < before)
        return connection.execute(gone).rowcount if found else 0


def _make_partition(store: Store, day: int) -> None:
    name, start, end = _name(day), day * DAY, (day + 1) * DAY
    with store.write() as connection:
        store.lock(connection, "partitions")
        if day in _partitions(connection):
            return  # another process was faster
        connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE calls INCLUDING DEFAULTS)")
        connection.exec_driver_sql("LOCK TABLE calls_rest IN ACCESS EXCLUSIVE MODE")
        connection.exec_driver_sql(
            f"WITH moved AS (DELETE FROM calls_rest WHERE started >= {start} AND started < {end} RETURNING *)"
            f" INSERT INTO {name} SELECT * FROM moved"
        )
        connection.exec_driver_sql(
            f"ALTER TABLE calls ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"
        )


def _partitions(connection: Connection) -> dict[int, str]:
    """Name by day since the epoch."""
    found = {}
    for name in connection.exec_driver_sql(_PARTITIONS).scalars():
        try:
            began = datetime.strptime(name, _FORM).replace(tzinfo=UTC)
        except ValueError:
            continue  # the rest
        found[int(began.timestamp()) // DAY] = name
    return found


def _name(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime(_FORM)
