"""What limits have used, as the books have it: from that counters are rebuilt."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Integer, String, cast, false, func, not_, or_, select

from sekisho.control.services.ledger import Ledger
from sekisho.control.store import calls
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.tables import api_keys, holders
from sekisho.control.store.tables import calls as table
from sekisho.control.store.thread import StoreThread
from sekisho.core.calendar import window
from sekisho.core.clock import Clock
from sekisho.core.error import Unavailable
from sekisho.core.limit import STRETCH, Level, Limit
from sekisho.core.operation import Operation
from sekisho.core.record import SETTLEMENT
from sekisho.metering.counted import came_to, counter_for

PARTS = 120
"""Of a sliding period: calls of one part are read together, at the time of the last of them. So they count no
shorter than they should."""
T = TypeVar("T")
Entry = tuple[Limit, str, float, int]
"""A limit, one of its counters, seconds since the epoch, and what calls of then came to."""
_HOLDERS: dict[Level, ColumnElement[Any]] = {
    "organisation": table.c.organisation,
    "team": table.c.team,
    "project": table.c.project,
    "person": table.c.owner,
    "key": table.c.key_id,
}
_TOKENS = (
    table.c.usage_input,
    table.c.usage_cache_read,
    table.c.usage_cache_write,
    table.c.usage_cache_write_1h,
    table.c.usage_output,
)


class CountedBooks:
    """`store` and `thread` are such as nobody else waits for. Everything raises Unavailable."""

    def __init__(self, store: Store, thread: StoreThread, ledger: Ledger, clock: Clock):
        self._store = store
        self._thread = thread
        self._ledger = ledger
        self._clock = clock

    async def limits(self) -> list[Limit]:
        """All there are, of all holders and keys, also of those that are disabled: they may come back."""
        return await self._read(read_limits)

    async def used(self, limits: Sequence[Limit], ended: float) -> tuple[list[Entry], list[str]]:
        """What counts in the present periods of the limits, and the ids of all calls that ended at `ended`
        (seconds since the epoch) or later: both from one state of the database."""

        def read(connection: Connection) -> tuple[list[Entry], list[str]]:
            now = self._clock.now()
            entries = [entry for limit in limits for entry in _entries(connection, limit, now)]
            late = select(table.c.id).where(
                table.c.started >= ended - 86_400.0, table.c.started + table.c.total_ms / 1000.0 >= ended
            )
            return entries, list(connection.execute(late).scalars())

        await self.caught_up()
        return await self._read(read)

    async def caught_up(self) -> None:
        """Wait until all is on the books that this host's journal had when asked."""
        await self._ledger.flush()

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._store.read() as connection:
                return work(connection)

        try:
            return await self._thread.run(read)
        except StoreError as error:
            raise Unavailable(f"what limits have used cannot be read: {error}", retry_after=5) from None


def read_limits(connection: Connection) -> list[Limit]:
    """All there are. Raises StoreError."""
    found: dict[str, Limit] = {}
    for each in (holders, api_keys):
        for limits in connection.execute(select(each.c.limits)).scalars():
            found.update((limit.id, limit) for limit in msgspec.convert(limits, tuple[Limit, ...]))
    return list(found.values())


def _entries(connection: Connection, limit: Limit, now: float) -> Iterator[Entry]:
    if limit.measure == "concurrent" or limit.period is None:
        return
    counted = _conditions(limit, now)
    shared: ColumnElement[bool] = false()
    filtered = limit.model is not None or limit.provider is not None
    if limit.measure == "tokens" or (filtered and limit.measure == "usd"):
        # An answer of several targets says in its attempts what each of them came to; it is the exception,
        # and read whole.
        shared = cast(table.c.attempts, String).like('%"usage"%')
    each = {"user": table.c.end_user, "session": table.c.session}.get(limit.each or "", cast(None, String))
    part = (STRETCH[limit.period] if limit.measure != "usd" and limit.period != "total" else 10**12) / PARTS
    place = cast(table.c.started / part, Integer)
    plain = select(each, func.max(table.c.started), func.coalesce(func.sum(_amount(limit)), 0)).where(
        *counted, *_filters(limit), not_(shared)
    )
    for name, then, amount in connection.execute(plain.group_by(each, place)):
        if then is not None:
            yield limit, counter_for(limit, name, name), then, int(amount)
    for record in calls.select(connection, *counted, shared):
        yield limit, counter_for(limit, record.user, record.session), record.started, came_to(limit, record)


def _conditions(limit: Limit, now: float) -> list[ColumnElement[bool]]:
    """Which calls fall under the limit, whoever answered them."""
    period = limit.period or "total"
    if limit.measure == "usd" or period == "total":
        begins = window(period, limit.time_zone, now)[0]
    else:
        begins = now - STRETCH[period]
    operations = [str(Operation.CHAT)] if limit.measure == "requests" else [str(Operation.CHAT), SETTLEMENT]
    conditions = [
        _HOLDERS[limit.level] == limit.holder,
        table.c.started >= max(begins, limit.since),
        table.c.operation.in_(operations),
        # Nobody was asked: it was refused, or had somebody else's answer.
        table.c.provider.is_not(None),
        or_(table.c.explanation.is_(None), not_(cast(table.c.explanation, String).like('%"coalesced"%'))),
    ]
    if limit.tag is not None:
        # No LIKE: to that, on SQLite, large letters are small ones.
        written = func.coalesce(cast(table.c.tags, String), "")
        asked = [json.dumps(limit.tag, ensure_ascii=plain) for plain in (True, False)]
        conditions.append(or_(*(func.replace(written, each, "") != written for each in asked)))
    return conditions


def _filters(limit: Limit) -> list[ColumnElement[bool]]:
    wanted = ((table.c.model, limit.model), (table.c.provider, limit.provider))
    return [column == said for column, said in wanted if said is not None]


def _amount(limit: Limit) -> ColumnElement[Any]:
    if limit.measure == "requests":
        return cast(1, Integer)
    if limit.measure == "usd":
        return func.coalesce(table.c.cost, 0)
    amount: ColumnElement[Any] = func.coalesce(_TOKENS[0], 0)
    for column in _TOKENS[1:]:
        amount = amount + func.coalesce(column, 0)
    return amount
