"""Other currencies than USD: what a USD was worth on a day, and how amounts are rounded and written.

Rates are kept by the operator; nothing is fetched.
"""

from bisect import bisect_right
from datetime import date
from decimal import Decimal, InvalidOperation

from sekisho.core.message import Value
from sekisho.core.money import MILLION, usd_text

NO_DECIMALS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})
THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""Whose minor unit (ISO 4217) is not two digits."""
EXACT_PLACES = 15
"""Decimal places of exact amounts in USD: millionths of a nano-USD. Rates add six."""


class NoRate(Exception):
    """The operator keeps no rate for a day."""

    def __init__(self, code: str, day: date):
        super().__init__(f"there is no rate of {code} for {day}: sekisho rates set {code} RATE --from {day}")


class Currency(Value, frozen=True, kw_only=True):
    """What amounts are shown in."""

    code: str = "USD"
    rates: tuple[tuple[date, int], ...] = ()
    """First day, and millionths of the currency for a USD, in order; of USD itself there are none."""

    @property
    def digits(self) -> int:
        """Decimal places that are shown: of USD all that are kept."""
        if self.code == "USD":
            return 9
        return 0 if self.code in NO_DECIMALS else 3 if self.code in THREE_DECIMALS else 2

    def converted(self, exact: int, day: date) -> int:
        """An exact amount of one day, exact again (`shown` knows how). Raises NoRate."""
        if self.code == "USD":
            return exact
        at = bisect_right(self.rates, day, key=lambda rate: rate[0])
        if at == 0:
            raise NoRate(self.code, day)
        return exact * self.rates[at - 1][1]

    def shown(self, exact: int) -> int:
        """An exact amount, or a sum of them, rounded half up to the last digit that is shown."""
        places = EXACT_PLACES + (0 if self.code == "USD" else 6) - self.digits
        unit = int(10**places)
        return (exact + unit // 2) // unit

    def text(self, exact: int) -> str:
        """The same as a decimal number."""
        amount = self.shown(exact)
        if self.code == "USD":
            return usd_text(amount)
        unit = 10**self.digits
        whole, rest = divmod(abs(amount), unit)
        sign = "-" if amount < 0 else ""
        return f"{sign}{whole}.{rest:0{self.digits}d}" if self.digits else f"{sign}{whole}"


USD = Currency()


def read_rate(text: str) -> int:
    """Millionths of a currency for a USD, of what people write. Raises ValueError."""
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or not -7 < rate.adjusted() < 10 or rate <= 0 or rate * MILLION % 1:
        msg = f"{text[:40]!r} is no rate: write what a USD is worth, like 151.20, with up to six decimals"
        raise ValueError(msg)
    return int(rate * MILLION)
