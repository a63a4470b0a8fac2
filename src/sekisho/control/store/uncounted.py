"""Calls that were admitted though the counters of their limits could not be asked.

Their process tells the counters of them once it can. It may die before: so they are noted with their records,
until somebody has seen to it, or nobody need to any more.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select

from sekisho.control.store import bulk
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import uncounted
from sekisho.metering.frame import AnyRecord

KEPT = 900.0
"""Seconds after a call's end: for longer than anybody looks for it."""


def add(connection: Connection, records: Iterable[AnyRecord]) -> None:
    """In the transaction that puts them on the books."""
    rows = [
        (record.started + record.total_ms / 1000, record.id) for record in records if record.is_uncounted()
    ]
    bulk.insert(connection, uncounted, ("ended", "call_id"), rows)


def find(connection: Connection, since: float, most: int) -> list[str]:
    """The ids of some that ended at `since` (seconds since the epoch) or later, the first ones."""
    query = select(uncounted.c.call_id).where(uncounted.c.ended >= since).order_by(uncounted.c.ended)
    return list(connection.execute(query.limit(most)).scalars())


def remove(connection: Connection, call_ids: Sequence[str]) -> None:
    connection.execute(delete(uncounted).where(uncounted.c.call_id.in_(call_ids)))


def sweep(store: Store, now: float) -> None:
    """Forget those that nobody came for. `now`: seconds since the epoch. Raises StoreError."""
    with store.write() as connection:
        connection.execute(delete(uncounted).where(uncounted.c.ended < now - KEPT))
