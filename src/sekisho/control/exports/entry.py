"""What one line of a provider's export says, in one shape."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

FEMTO = 10**15
"""Parts of a USD that amounts are counted in: exports have more digits than nano-USD."""
LARGEST = 10**15
"""No line has more tokens, or USD."""


class ExportError(Exception):
    """A file that cannot be read as what it should be: where, why, and what helps."""

    def __init__(self, reason: str, place: str = ""):
        super().__init__(f"{place}: {reason}" if place else reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    day: date
    model: str = ""
    """As the provider writes it; empty: the line is of all models together."""
    input: int | None = None
    """Tokens that were neither read from nor written to a cache. None, as with the next two: the line says
    nothing of tokens."""
    cached: int | None = None
    """Read from a cache, or written to it."""
    output: int | None = None
    cost: int | None = None
    """In 1e-15 USD; None: the line says nothing of money."""
    rounded: int = 0
    """How far `cost` may be off, because the export rounds it; in the same unit."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that is not compared."""

    why: str


Row = Mapping[str, Any]
"""A line by its columns, or an object of JSON."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of export."""

    name: str
    providers: tuple[str, ...]
    """Catalogue rows whose calls such an export is about."""
    needs: frozenset[str]
    """Columns, or members of an object, that it is recognised by."""
    read: Callable[["Cells"], Entry | Skipped | None]
    """None: the line says nothing."""


class Cells:
    """A line, whose cells are read with their place in every error."""

    def __init__(self, row: Row, place: str):
        self._row = row
        self.place = place

    def wrong(self, name: str, reason: str) -> ExportError:
        return ExportError(f"{name}: {str(self._row.get(name))[:60]!r} {reason}", self.place)

    def text(self, *names: str) -> str:
        """Of the first of these columns that there is; empty where there is none."""
        for name in names:
            value = self._row.get(name)
            if value is not None:
                return str(value).strip()
        return ""

    def tokens(self, *names: str) -> int:
        """0 where there are none."""
        name, amount = self._number(names)
        if amount % 1 or amount < 0:
            raise self.wrong(name, "is no number of tokens")
        return int(amount)

    def amount(self, *names: str) -> Decimal:
        """A number that may be no whole one, and below 0."""
        return self._number(names)[1]

    def usd(self, *names: str) -> int:
        """In 1e-15 USD."""
        name, amount = self._number(names)
        if amount < 0:
            raise self.wrong(name, "is a cost below 0: leave credits and refunds out of the export")
        return femto(amount)

    def _number(self, names: tuple[str, ...]) -> tuple[str, Decimal]:
        for name in names:
            value = self._row.get(name)
            if value is None or value == "":
                continue
            try:
                amount = Decimal(str(value).strip().replace(",", ""))
            except InvalidOperation:
                amount = Decimal("NaN")
            if isinstance(value, bool | dict | list) or not amount.is_finite() or amount.adjusted() > 14:
                raise self.wrong(name, "is no number")
            return name, amount if amount.adjusted() > -30 else Decimal(0)
        return names[0], Decimal(0)

    def day(self, *names: str) -> date:
        """The day (UTC) of a date, a time of ISO 8601, or seconds since the epoch."""
        name = next((name for name in names if self.text(name)), names[0])
        text = self.text(name).removesuffix(" UTC")
        try:
            if re.fullmatch(r"\d{9,11}(\.\d+)?", text, re.ASCII):
                return datetime.fromtimestamp(float(text), UTC).date()
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            raise self.wrong(name, "is no day: they are written 2026-11-01") from None
        zone: timezone = UTC
        return (moment.astimezone(zone) if moment.tzinfo else moment).date()


def femto(usd: Decimal) -> int:
    """To the nearest 1e-15 USD."""
    numerator, denominator = usd.as_integer_ratio()
    return (2 * numerator * FEMTO + denominator) // (2 * denominator)
