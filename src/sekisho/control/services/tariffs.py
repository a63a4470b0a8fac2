"""What organisations are charged: kept in the database, since that is where organisations are."""

import msgspec
from sqlalchemy import RowMapping, delete, select
from sqlalchemy import insert as insert_into

from sekisho.control.services.holders import one
from sekisho.control.services.refusal import Refused
from sekisho.control.services.words import checked_name
from sekisho.control.store.announce import announce
from sekisho.control.store.credits import tariff as read
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import tariffs
from sekisho.core.clock import Clock
from sekisho.core.message import Value
from sekisho.core.money import MILLION
from sekisho.core.tariff import Tariff

MOST_MARKUP = 100 * MILLION
"""A hundred times the cost on top: more is a slip of the hand."""
MOST_PRICES = 1000
LARGEST_RATE = 10**15
"""Nano-USD for a million tokens: a USD a token."""


class KeptTariff(Value, frozen=True, kw_only=True):
    """A tariff, whose it is, and who made it when."""

    organisation: str
    tariff: Tariff
    made: float
    made_by: str


class TariffService:
    """Waits for the database: not for the event loop. May raise StoreError."""

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock

    def set(self, organisation: str, tariff: Tariff, made_by: str) -> KeptTariff:
        """Charge an organisation (id or name) so from `tariff.begins` on. One that begins at the same moment
        is replaced. Raises Refused, Missing."""
        _check(tariff)
        with self._store.write() as connection:
            found = one(connection, ("organisation",), organisation)
            kept = KeptTariff(
                organisation=found.id,
                tariff=tariff,
                made=self._clock.now(),
                made_by=checked_name(made_by, "who"),
            )
            same = (tariffs.c.organisation == found.id, tariffs.c.begins == tariff.begins)
            connection.execute(delete(tariffs).where(*same))
            values = {
                "organisation": found.id,
                "begins": tariff.begins,
                "markup": tariff.markup,
                "prices": msgspec.to_builtins(dict(tariff.prices)),
                "made": kept.made,
                "made_by": kept.made_by,
            }
            connection.execute(insert_into(tariffs).values(values))
            announce(connection)  # credits are charged by it
            return kept

    def list(self, organisation: str | None = None) -> list[KeptTariff]:
        """By organisation, then in order of their beginnings. Raises Missing."""
        wanted = select(tariffs).order_by(tariffs.c.organisation, tariffs.c.begins)
        with self._store.read() as connection:
            if organisation is not None:
                found = one(connection, ("organisation",), organisation, beginnings=True)
                wanted = wanted.where(tariffs.c.organisation == found.id)
            return [_kept(row) for row in connection.execute(wanted).mappings()]


def _kept(row: RowMapping) -> KeptTariff:
    return KeptTariff(
        organisation=row["organisation"], tariff=read(row), made=row["made"], made_by=row["made_by"]
    )


def _check(tariff: Tariff) -> None:
    if not -MILLION <= tariff.markup <= MOST_MARKUP:
        raise Refused("a mark-up is from -100 % to 10000 %", "markup")
    if len(tariff.prices) > MOST_PRICES:
        msg = f"there are {len(tariff.prices)} prices; {MOST_PRICES} are allowed"
        raise Refused(msg, "prices")
    for model, rates in tariff.prices.items():
        checked_name(model, "a model")
        told = [rate for rate in msgspec.structs.astuple(rates) if rate is not None]
        if not all(0 <= rate <= LARGEST_RATE for rate in told):
            msg = f"the price of {model[:100]} is none from 0 to 1000000 USD for a million tokens"
            raise Refused(msg, "prices")
