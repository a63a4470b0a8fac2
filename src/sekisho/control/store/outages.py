"""How calls fared, in the database: one row for each hour and fate, added to in the transaction that puts
calls on the books."""

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, and_, case, delete, func, select, true

from sekisho.control.store import bulk, calls
from sekisho.control.store.tables import outages
from sekisho.core.port import Uptime
from sekisho.metering.alike import HOUR, Alike, gather
from sekisho.metering.outages import Fate, Weight, weigh
from sekisho.metering.rollup import DAY

HALF_HOUR = 1800
BATCH = 2000
"""Records that are counted together."""

_PLACE = ("start", "provider", "model", "cause", "ending")
_SUMS = ("requests", "tokens", "cost")
_ADDED = ", ".join(f"{name} = outages.{name} + excluded.{name}" for name in _SUMS)
_CONFLICT = f"ON CONFLICT ({', '.join(_PLACE)}) DO UPDATE SET {_ADDED}"


def add(connection: Connection, gathered: Iterable[Alike]) -> None:
    """Count calls, in the transaction that puts them on the books and no other, and one at a time."""
    rows = [(*fate, each.requests, each.tokens, each.cost) for fate, each in weigh(gathered).items()]
    bulk.insert(connection, outages, (*_PLACE, *_SUMS), rows, _CONFLICT)


def fill(connection: Connection) -> None:
    """Count all calls of a database that nobody else is using."""
    records = calls.select(connection)
    while some := list(islice(records, BATCH)):
        add(connection, gather(some))


def count_anew(connection: Connection, hour: int, gathered: Iterable[Alike]) -> None:
    """Those of the hour that began then, in seconds since the epoch: `gathered` are all of it."""
    connection.execute(delete(outages).where(outages.c.start == hour))
    add(connection, gathered)


def read(connection: Connection, since: float) -> Iterator[tuple[Fate, Weight]]:
    """From the hour on that began at `since`, or after it; of all these hours together."""
    told_apart = (outages.c.provider, outages.c.model, outages.c.cause, outages.c.ending)
    sums = (func.sum(outages.c[name]) for name in _SUMS)
    query = select(*told_apart, *sums).where(outages.c.start >= since).group_by(*told_apart)
    for row in connection.execute(query):
        yield (0, *row[:4]), Weight(int(row[4]), float(row[5]), float(row[6]))


def read_uptimes(connection: Connection, now: float) -> dict[tuple[str, str], Uptime]:
    """Of the last half hour and day, in whole hours."""
    half_hour = outages.c.start >= (now - HALF_HOUR) // HOUR * HOUR
    failed = outages.c.cause != ""
    sums = [
        func.sum(case((condition, outages.c.requests), else_=0))
        for condition in (true(), failed, half_hour, and_(half_hour, failed))
    ]
    query = select(outages.c.provider, outages.c.model, *sums).group_by(outages.c.provider, outages.c.model)
    rows = connection.execute(query.where(outages.c.start >= (now - DAY) // HOUR * HOUR))
    return {
        (provider, model): Uptime(day=_percent(calls, lost), half_hour=_percent(late, late_lost))
        for provider, model, calls, lost, late, late_lost in rows
    }


def _percent(calls: int, failed: int) -> float | None:
    return round(100 * (1 - int(failed) / int(calls)), 2) if calls else None
