"""Tallies in the database. As with rollups, a call counts in one row of each kind that it is of: of its hour,
or later of its day."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from operator import attrgetter

import msgspec
from sqlalchemy import Connection, delete, func, select, tuple_

from sekisho.control.store import bulk
from sekisho.control.store.engine import Store
from sekisho.control.store.spending import Stretch, read_parts
from sekisho.control.store.tables import calls as call_table
from sekisho.control.store.tables import tallies
from sekisho.metering.alike import DIMENSIONS, HOUR, Alike
from sekisho.metering.rollup import DAY
from sekisho.metering.tally import (
    KINDS,
    NUMBERS,
    USERS,
    Numbers,
    Place,
    Raw,
    Tallies,
    added,
    placed,
    tags_text,
    tally,
)

LOCK = "rollups"
"""Held by whoever changes rollups or tallies."""
LENGTHS = (HOUR, DAY)
BATCH = 2000
"""Rows that are folded in one transaction."""
MOST = 10_000
"""Rows of one kind and key in a day that was folded. Its own, so that nobody's names push those of others
out."""
OTHER = "other"
"""What the rest is counted under."""
_PLACE = ("kind", "seconds", "start", *DIMENSIONS, "name", "asked")
_COLUMNS = (*_PLACE, "id", *NUMBERS)
_KEY = _PLACE.index("key_id")
# Sums stop at the largest number: the absurd count of one provider must not end the books.
_ADDED = ", ".join(
    f"{name} = CASE WHEN tallies.{name} <= 0 THEN tallies.{name} + excluded.{name}"
    f" WHEN excluded.{name} > {bulk.LARGEST} - tallies.{name} THEN {bulk.LARGEST}"
    f" ELSE tallies.{name} + excluded.{name} END"
    for name in NUMBERS
)
_CONFLICT = f"ON CONFLICT (kind, seconds, start, key_id, id) DO UPDATE SET {_ADDED}"
_BY = ("key", *DIMENSIONS[1:], "user", "tag")
"""The same as `DIMENSIONS`, as reports call them, and what else calls are told apart by."""
_json = msgspec.json.Encoder().encode
_tags = msgspec.json.Decoder(tuple[str, ...] | None).decode
_numbers = attrgetter(*NUMBERS)


def add(connection: Connection, gathered: Iterable[Alike]) -> None:
    """Count calls, in the transaction that puts them on the books and no other, under `LOCK`."""
    _write(connection, tally(gathered))


def count_anew(connection: Connection, since: float, until: float) -> None:
    """Those of calls that began from `since` on and before `until`: whole hours of days that are not folded,
    or whole days, in seconds since the epoch. The database adds them up, hour by hour."""
    of_them = (tallies.c.start >= since, tallies.c.start < until)
    lengths = (tallies.c.kind.in_(KINDS), tallies.c.seconds.in_(LENGTHS))
    connection.execute(delete(tallies).where(*lengths, *of_them))
    while (first := _first(connection, since, until)) is not None:
        hour = first // HOUR
        since = (hour + 1) * HOUR
        _write(connection, placed(_alike(connection, hour)))


def is_folded(connection: Connection, day: int) -> bool:
    """Whether rows of some hours of the day have become some of the day, which began then."""
    of_day = (tallies.c.kind.in_(KINDS), tallies.c.seconds == DAY, tallies.c.start == day)
    return connection.execute(select(tallies.c.id).where(*of_day).limit(1)).first() is not None


def fold(store: Store, before: float) -> bool:
    """Make rows of a day of some of the oldest hour, if its day had ended at `before` (seconds since the
    epoch). Returns whether there were any. Raises StoreError."""
    with store.write() as connection:
        store.lock(connection, LOCK)
        return any(_fold(connection, kind, before) for kind in KINDS)


def _fold(connection: Connection, kind: str, before: float) -> bool:
    hourly = (tallies.c.kind == kind, tallies.c.seconds == HOUR)
    start = connection.execute(select(func.min(tallies.c.start)).where(*hourly)).scalar()
    if start is None or start // DAY * DAY + DAY > before:
        return False
    columns = [tallies.c[name] for name in (*_PLACE, "id", *NUMBERS)]
    of_hour = (*hourly, tallies.c.start == start)
    order = (tallies.c.key_id, tallies.c.id)
    rows = connection.execute(select(*columns).where(*of_hour).order_by(*order).limit(BATCH)).all()
    last = rows[-1]
    connection.execute(delete(tallies).where(*of_hour, tuple_(*order) <= (last.key_id, last.id)))
    found: Tallies = {}
    for row in rows:
        place: Place = (kind, DAY, start // DAY * DAY, *row[3 : len(_PLACE)])
        found[place] = tuple(row[len(_PLACE) + 1 :])
    _write(connection, _bounded(connection, found))
    return True


def _bounded(connection: Connection, found: Tallies) -> Tallies:
    """The same sums, those for names too many under `OTHER`. All of one kind and day."""
    known: dict[str, set[str]] = {}
    kept: Tallies = {}
    for place, numbers in found.items():
        kind, seconds, start, key = place[0], place[1], place[2], str(place[_KEY])
        if key not in known:
            same = (tallies.c.kind == kind, tallies.c.seconds == seconds, tallies.c.start == start)
            rows = connection.execute(select(tallies.c.id).where(*same, tallies.c.key_id == key))
            known[key] = set(rows.scalars())
        if len(known[key]) < MOST:
            known[key].add(_id(place))
        elif _id(place) not in known[key]:
            place = _of_the_rest(place)
        kept[place] = added(kept[place], numbers) if place in kept else numbers
    return kept


def _of_the_rest(place: Place) -> Place:
    kind, seconds, start, *names, name, asked = place
    at = DIMENSIONS.index("app")
    names[at] = names[at] and OTHER
    rest = OTHER if kind == USERS else tags_text([OTHER])
    return (kind, seconds, start, *names, name and rest, asked)


def _first(connection: Connection, since: float, until: float) -> float | None:
    """When the first call began, of those between."""
    started = call_table.c.started
    wanted = select(func.min(started)).where(started >= since, started < until)
    found: float | None = connection.execute(wanted).scalar()
    return found


def _alike(connection: Connection, hour: float) -> Iterator[tuple[Raw, Numbers]]:
    stretch = Stretch(hour * HOUR, (hour + 1) * HOUR)
    for part in read_parts(connection, _BY, stretch):
        *names, user, tags = part.names
        yield (hour, part.asked, _tags(tags or "null") or (), user, tuple(names)), _numbers(part.sums)


def _write(connection: Connection, found: Tallies) -> None:
    """Add sums to those that there are."""
    rows = [(*place, _id(place), *bulk.held(numbers)) for place, numbers in found.items()]
    bulk.insert(connection, tallies, _COLUMNS, rows, _CONFLICT)


def _id(place: Place) -> str:
    return blake2b(_json(place[_KEY:]), digest_size=10).hexdigest()
