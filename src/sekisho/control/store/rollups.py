"""Rollups in the database. A call counts in exactly one row: of its hour, or later of its day.

So a sum over any rows that begin at a day's beginning or later is right, whatever their length.
"""

import time
from collections.abc import Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from sekisho.control.store import bulk, calls, outages, tallies
from sekisho.control.store.engine import Store
from sekisho.control.store.rollup_apps import bounded
from sekisho.control.store.tables import calls as call_table
from sekisho.control.store.tables import expired, rollups
from sekisho.control.store.tallies import LOCK
from sekisho.metering.alike import DIMENSIONS, HOUR, gather
from sekisho.metering.frame import AnyRecord
from sekisho.metering.histogram import Histogram
from sekisho.metering.rollup import DAY, NUMBERS, Place, Rollups, Sums, by_day, roll_up

_COLUMNS = ("id", "start", "seconds", *DIMENSIONS, *NUMBERS, "total_ms", "first_token_ms")
_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3 + len(DIMENSIONS) :])
_CONFLICT = f"ON CONFLICT (id) DO UPDATE SET {_CHANGED}"
_PLACE = tuple(rollups.c[name] for name in ("start", "seconds", *DIMENSIONS))
_SUMS = tuple(rollups.c[name] for name in (*NUMBERS, "total_ms", "first_token_ms"))
_FETCH = 500
BATCH = 2000
"""Rows that are folded in one transaction."""
BUSY, REST = 0.5, 0.15
"""Seconds of rebuilding after which others get their turn, and how long: SQLite looks ten times a second."""
_json = msgspec.json.Encoder().encode
_histogram = msgspec.json.Decoder(Histogram).decode
_numbers = attrgetter(*NUMBERS)


def add(store: Store, connection: Connection, records: Sequence[AnyRecord]) -> None:
    """Count records, in the transaction that puts them on the books and no other."""
    gathered = gather(records)
    if gathered:
        store.lock(connection, LOCK)
        _write(connection, roll_up(gathered))
        tallies.add(connection, gathered)
        outages.add(connection, gathered)


def fold(store: Store, before: float) -> bool:
    """Make rows of a day of some hours of the oldest day, if it had ended at `before` (seconds since the
    epoch): a few keys' at a time, since other writers wait. Returns whether there were any. Raises
    StoreError."""
    hourly = rollups.c.seconds == HOUR
    with store.write() as connection:
        store.lock(connection, LOCK)
        oldest = connection.execute(select(func.min(rollups.c.start)).where(hourly)).scalar()
        if oldest is None or oldest // DAY * DAY + DAY > before:
            return False
        that_day = (hourly, rollups.c.start < oldest // DAY * DAY + DAY)
        some = select(rollups.c.id).where(*that_day).order_by(rollups.c.key_id).limit(BATCH)
        those = rollups.c.id.in_(list(connection.execute(some).scalars()))
        hours = _read(connection, those)
        connection.execute(delete(rollups).where(those))
        _write(connection, by_day(hours))
    return True


def rebuild(store: Store) -> int:
    """Count all calls on the books anew, hour by hour, while others go on; returns of how many days. One that
    is folded is counted at once; one whose calls are deleted, or about to be, stays as it is. Raises
    StoreError."""
    days: set[int] = set()
    since, rested = 0, time.monotonic()
    while True:
        with store.write() as connection:
            store.lock(connection, LOCK)
            counted = _count_next(connection, since)
        if counted is None:
            return len(days)
        days.add(counted.start // DAY)
        since = counted.stop
        if time.monotonic() - rested > BUSY:
            time.sleep(REST)
            rested = time.monotonic()


def fill(connection: Connection) -> None:
    """Count all calls of a database that nobody else is using."""
    since = 0
    while (counted := _count_next(connection, since)) is not None:
        since = counted.stop


def _count_next(connection: Connection, since: int) -> range | None:
    """Count the next hour that has calls, or sums, or its day, where some of that is folded. Returns its
    seconds; None where there is none."""
    since = max(since, int(connection.execute(select(expired.c.calls_before)).scalar_one()))
    firsts = (
        select(func.min(call_table.c.started)).where(call_table.c.started >= since),
        select(func.min(rollups.c.start)).where(rollups.c.start >= since),
    )
    found = [connection.execute(first).scalar() for first in firsts]
    first = min((int(each) for each in found if each is not None), default=None)
    if first is None:
        return None
    length = DAY if _is_folded(connection, first // DAY * DAY) else HOUR
    start = first // length * length
    end = start + length
    connection.execute(delete(rollups).where(rollups.c.start >= start, rollups.c.start < end))
    tallies.count_anew(connection, start, end)
    for hour in range(start, end, HOUR):
        of_hour = (call_table.c.started >= hour, call_table.c.started < hour + HOUR)
        gathered = gather(calls.select(connection, *of_hour))
        _write(connection, roll_up(gathered))
        outages.count_anew(connection, hour, gathered)
    return range(start, end)


def _is_folded(connection: Connection, day: int) -> bool:
    folded = select(rollups.c.id).where(rollups.c.start == day, rollups.c.seconds == DAY).limit(1)
    return connection.execute(folded).first() is not None or tallies.is_folded(connection, day)


def mark_expired(store: Store, before: float) -> None:
    """Note that calls that began before are being deleted: their days are not to be counted anew. Raises
    StoreError."""
    with store.write() as connection:
        store.lock(connection, LOCK)
        later = expired.c.calls_before < before
        connection.execute(update(expired).where(later).values(calls_before=before))


def _read(connection: Connection, *conditions: ColumnElement[bool]) -> Rollups:
    found: Rollups = {}
    for row in connection.execute(select(*_PLACE, *_SUMS).where(*conditions)):
        place: Place = (row[0], row[1], *row[2 : len(_PLACE)])
        # There may be one that an older version named otherwise, beside its own.
        found.setdefault(place, Sums()).add(_sums(row[len(_PLACE) :]))
    return found


def _write(connection: Connection, found: Rollups) -> None:
    """Add sums to those that there are."""
    there = _there(connection, found)
    kept = bounded(connection, found, [place for place in found if place not in there])
    if kept is not found:
        found, there = kept, _there(connection, kept)
    for place, sums in there.items():
        found[place].add(sums)
    rows = [
        (_id(place), *place, *bulk.held(_numbers(sums)), _text(sums.total_ms), _text(sums.first_token_ms))
        for place, sums in found.items()
    ]
    bulk.insert(connection, rollups, _COLUMNS, rows, _CONFLICT)


def _there(connection: Connection, found: Rollups) -> Rollups:
    """What the table has of the same places."""
    places = {_id(place): place for place in found}
    names = list(places)
    there: Rollups = {}
    for at in range(0, len(names), _FETCH):
        wanted = select(rollups.c.id, *_SUMS).where(rollups.c.id.in_(names[at : at + _FETCH]))
        there.update((places[row[0]], _sums(row[1:])) for row in connection.execute(wanted))
    return there


def _sums(values: Sequence[Any]) -> Sums:
    sums = Sums(*values[:-2])
    sums.total_ms, sums.first_token_ms = _histogram(values[-2]), _histogram(values[-1])
    return sums


def _text(histogram: Histogram) -> str:
    return _json(dict(sorted(histogram.items()))).decode()


def _id(place: Place) -> str:
    """One text for a place: what the table is looked up by, however many dimensions there are."""
    return blake2b(_json(place), digest_size=16).hexdigest()
