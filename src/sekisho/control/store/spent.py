"""What the calls of keys cost so far, read from the rollups."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from sekisho.control.store.tables import rollups
from sekisho.core.money import NANO
from sekisho.core.port import Spending


def spending(connection: Connection, key_ids: Collection[str], now: float) -> dict[str, Spending]:
    """Of each key that has any rollup. Weeks begin on Monday. Calls without a price count as nothing."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = (None, day, day - timedelta(days=day.weekday()), day.replace(day=1))
    sums = [half for begin in begins for half in _cost(begin)]
    query = select(rollups.c.key_id, *sums).where(rollups.c.key_id.in_(key_ids)).group_by(rollups.c.key_id)
    return {row[0]: _spending(row[1:]) for row in connection.execute(query)}


def _cost(since: datetime | None) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Dollars and the rest apart: the sum of absurd costs must not overflow everybody's books."""
    cost = rollups.c.cost
    counted = cost if since is None else case((rollups.c.start >= int(since.timestamp()), cost), else_=0)
    return func.coalesce(func.sum(counted // NANO), 0), func.coalesce(func.sum(counted % NANO), 0)


def _spending(halves: Sequence[Any]) -> Spending:
    total, day, week, month = (
        int(dollars) * NANO + int(rest) for dollars, rest in zip(halves[::2], halves[1::2], strict=True)
    )
    return Spending(total=total, day=day, week=week, month=month)
