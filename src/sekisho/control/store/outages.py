"""How calls fared, in the database: one row for each hour and fate, added to in the transaction that puts
calls on the books."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete, func, select

from sekisho.control.store import bulk, calls
from sekisho.control.store.tables import calls as call_table
from sekisho.control.store.tables import outages
from sekisho.metering.frame import AnyRecord
from sekisho.metering.outages import Fate, Weight, weigh

_PLACE = ("start", "provider", "model", "cause", "ending")
_SUMS = ("requests", "tokens", "cost")
_ADDED = ", ".join(f"{name} = outages.{name} + excluded.{name}" for name in _SUMS)
_CONFLICT = f"ON CONFLICT ({', '.join(_PLACE)}) DO UPDATE SET {_ADDED}"


def add(connection: Connection, records: Iterable[AnyRecord]) -> None:
    """Count records, in the transaction that puts them on the books and no other, and one at a time."""
    rows = [(*fate, each.requests, each.tokens, each.cost) for fate, each in weigh(records).items()]
    bulk.insert(connection, outages, (*_PLACE, *_SUMS), rows, _CONFLICT)


def count_anew(connection: Connection, since: float, until: float) -> None:
    """Those of calls that began from `since` on and before `until`: whole hours, in seconds since the
    epoch."""
    connection.execute(delete(outages).where(outages.c.start >= since, outages.c.start < until))
    add(connection, calls.select(connection, call_table.c.started >= since, call_table.c.started < until))


def read(connection: Connection, since: float) -> Iterator[tuple[Fate, Weight]]:
    """From the hour on that began at `since`, or after it; of all these hours together."""
    told_apart = (outages.c.provider, outages.c.model, outages.c.cause, outages.c.ending)
    sums = (func.sum(outages.c[name]) for name in _SUMS)
    query = select(*told_apart, *sums).where(outages.c.start >= since).group_by(*told_apart)
    for row in connection.execute(query):
        yield (0, *row[:4]), Weight(int(row[4]), float(row[5]), float(row[6]))
