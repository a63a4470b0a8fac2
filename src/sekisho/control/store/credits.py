"""What was paid ahead, as limits: who has credits is served while charges do not exceed them."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, RowMapping, select

from sekisho.control.store.tables import api_keys, holders, prepaid, tariffs
from sekisho.core.limit import Limit
from sekisho.core.money import Rates
from sekisho.core.tariff import Tariff


def read_credits(connection: Connection) -> dict[str, Limit]:
    """By holder. Raises StoreError."""
    rows = connection.execute(select(prepaid).order_by(prepaid.c.made)).mappings().all()
    paid: dict[str, list[RowMapping]] = {}
    for row in rows:
        paid.setdefault(row["holder"], []).append(row)
    if not paid:
        return {}
    kept, belonging = read_tariffs(connection), _organisations(connection)
    return {holder: _limit(entries, kept.get(belonging[holder], ())) for holder, entries in paid.items()}


def read_tariffs(connection: Connection) -> dict[str, tuple[Tariff, ...]]:
    """By organisation, in order of their beginnings."""
    found: dict[str, tuple[Tariff, ...]] = {}
    for row in connection.execute(select(tariffs).order_by(tariffs.c.begins)).mappings():
        found[row["organisation"]] = (*found.get(row["organisation"], ()), tariff(row))
    return found


def tariff(row: RowMapping) -> Tariff:
    prices = msgspec.convert(row["prices"], dict[str, Rates])
    return Tariff(begins=row["begins"], markup=row["markup"], prices=prices)


def _organisations(connection: Connection) -> dict[str, str]:
    """Of everything that may have credits."""
    found: dict[str, str] = {}
    for table in (holders, api_keys):
        rows = connection.execute(select(table.c.id, table.c.organisation))
        found.update((row.id, row.organisation) for row in rows)
    return found


def _limit(entries: Sequence[RowMapping], charged_by: tuple[Tariff, ...]) -> Limit:
    first = entries[0]
    return Limit(
        id=f"credits_{first['holder']}",
        level=first["level"],
        holder=first["holder"],
        measure="usd",
        amount=max(0, sum(entry["amount"] for entry in entries)),
        period="total",
        since=first["made"],
        tariffs=charged_by,
    )
