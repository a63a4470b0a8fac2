"""What a USD is worth in other currencies, as the operator says: dated, and never fetched."""

import re
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy import insert as insert_into

from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.words import checked_name
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import currency_rates
from sekisho.core.clock import Clock
from sekisho.metering.currency import USD, Currency, read_rate

_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


class CurrencyService:
    """Waits for the database: not for the event loop. May raise StoreError."""

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock

    def set(self, code: str, rate: str, begins: date, made_by: str) -> Currency:
        """Let a USD be worth so much from that day on, until the currency's next rate. One of the same day is
        replaced. Raises Refused."""
        code = _checked(code)
        if code == USD.code:
            raise Refused("a USD is worth a USD", "currency")
        try:
            worth = read_rate(rate)
        except ValueError as error:
            raise Refused(str(error), "rate") from None
        values = {"currency": code, "begins": begins.isoformat(), "rate": worth}
        values |= {"made": self._clock.now(), "made_by": checked_name(made_by, "who")}
        same = (currency_rates.c.currency == code, currency_rates.c.begins == begins.isoformat())
        with self._store.write() as connection:
            connection.execute(delete(currency_rates).where(*same))
            connection.execute(insert_into(currency_rates).values(values))
        return self.find(code)

    def find(self, code: str) -> Currency:
        """Raises Refused, and Missing where it has no rate."""
        code = _checked(code)
        if code == USD.code:
            return USD
        found = [each for each in self.list() if each.code == code]
        if not found:
            msg = f"there is no rate of {code}: sekisho rates set {code} RATE --from DATE"
            raise Missing(msg, "currency")
        return found[0]

    def list(self) -> list[Currency]:
        """All that have rates."""
        wanted = select(currency_rates).order_by(currency_rates.c.currency, currency_rates.c.begins)
        rates: dict[str, list[tuple[date, int]]] = {}
        with self._store.read() as connection:
            for row in connection.execute(wanted).mappings():
                begins = date.fromisoformat(row["begins"])
                rates.setdefault(row["currency"], []).append((begins, row["rate"]))
        return [Currency(code=code, rates=tuple(found)) for code, found in rates.items()]


def _checked(code: str) -> str:
    code = code.strip().upper()
    if not _CODE.fullmatch(code):
        msg = f"{code[:20]!r} is no currency: write its three letters, like JPY"
        raise Refused(msg, "currency")
    return code
