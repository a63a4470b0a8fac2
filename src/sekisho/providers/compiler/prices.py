"""Prices of genai-prices -> `core.money.Price`, for one day."""

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from sekisho.core.money import NANO, Price, Rates, Tier
from sekisho.providers.models.store import Past

DEAREST = "genai-prices, dearest rate of the day"
"""Source of prices that change with the hour. The books must rather say too much than too little."""

Kind = Literal["chat", "claude", "embeddings"]
_KINDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
}


def price_of(model: ModelInfo, day: dt.date, *, kind: Kind) -> Price | None:
    """The list price on `day`, with those of other service tiers; None where tokens have no price.

    Of `claude`, one-hour cache writes cost twice the input, where the data lacks them
    (https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing, 2026-11-22).
    What `embeddings` do not write has no price there, and costs nothing.
    """
    found = [_standard(prices, kind=kind) for prices in _of_the_day(model, day, {})]
    dearest = max((price for price in found if price is not None), key=_size, default=None)
    if dearest is None:
        return None
    service: dict[str, Price] = {}
    for name, context in _service_tiers(model):
        variants = [_standard(prices, kind=kind) for prices in _of_the_day(model, day, context)]
        other = max((price for price in variants if price is not None), key=_size)
        if other != dearest:
            service[name] = other
    return Price(
        base=dearest.base,
        tiers=dearest.tiers,
        service=service or None,
        source="" if all(price == dearest for price in found) else DEAREST,
    )


def past_of(model: ModelInfo, day: dt.date, *, kind: Kind) -> tuple[Past, ...]:
    """The prices before those of `day`, the latest first, each with the day on which it was over."""
    found: list[Past] = []
    later = price_of(model, day, kind=kind)
    for until in _changes(model, day):
        before = price_of(model, until - dt.timedelta(days=1), kind=kind)
        if before is not None and before != later:
            found.append(Past(price=before, until=until.isoformat()))
        later = before
    return tuple(found)


def _changes(model: ModelInfo, day: dt.date) -> list[dt.date]:
    """The days up to `day` on which prices changed, the latest first."""
    entries = model.prices if isinstance(model.prices, list) else []
    days = {
        entry.constraint.start_date for entry in entries if isinstance(entry.constraint, StartDateConstraint)
    }
    return sorted((each for each in days if each <= day), reverse=True)


def _of_the_day(model: ModelInfo, day: dt.date, context: dict[str, str]) -> Iterable[ModelPrice]:
    """The prices in force at every hour of the day at which they may change."""
    hours = {dt.time(0)}
    if isinstance(model.prices, list):
        for entry in model.prices:
            if isinstance(entry.constraint, TimeOfDateConstraint):
                hours |= {entry.constraint.start_time, entry.constraint.end_time}
    for hour in sorted(hours, key=str):
        yield model.get_prices(dt.datetime.combine(day, hour.replace(tzinfo=dt.UTC)), context)


def _service_tiers(model: ModelInfo) -> list[tuple[str, dict[str, str]]]:
    found: dict[str, dict[str, str]] = {}
    for variant in model.price_variants or ():
        for key, value in variant.when.items():
            if key == "service_tier" and value != "default":
                found[value] = {key: value}
            elif (key, value) == ("processing", "batch"):
                found["batch"] = {key: value}
    return sorted(found.items())


def _standard(prices: ModelPrice, *, kind: Kind) -> Price | None:
    values = {name: getattr(prices, key) for name, key in _KINDS.items()}
    if kind == "embeddings":
        values["output"] = values["output"] or Decimal(0)
    if values["input"] is None or values["output"] is None:
        return None
    starts = sorted(
        {tier.start for value in values.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    )
    request = _nano(prices.requests_kcount / 1000) if isinstance(prices.requests_kcount, Decimal) else 0
    rates = [_rates(values, start, request, kind=kind) for start in (None, *starts)]
    return Price(
        base=rates[0],
        tiers=tuple(Tier(above=start, rates=each) for start, each in zip(starts, rates[1:], strict=True)),
    )


def _rates(
    values: dict[str, Decimal | TieredPrices | None], start: int | None, request: int, *, kind: Kind
) -> Rates:
    found = {name: _at(value, start) for name, value in values.items()}
    if kind == "claude" and found["cache_write"] is not None and found["cache_write_1h"] is None:
        found["cache_write_1h"] = 2 * (found["input"] or 0)
    # input and output are there: `_standard` looked.
    return Rates(request=request, **found)  # type: ignore[arg-type]


def _at(value: Decimal | TieredPrices | None, start: int | None) -> int | None:
    """Nano-USD for a million tokens in the tier that begins above `start` tokens."""
    if isinstance(value, TieredPrices):
        amount = value.base
        for tier in value.tiers:
            if start is not None and tier.start <= start:
                amount = tier.price
        return _nano(amount)
    return None if value is None else _nano(value)


def _nano(usd: Decimal) -> int:
    """Rounded: some published rates are products of binary fractions (0.13999999999999999)."""
    return int((usd * NANO).quantize(Decimal(1), ROUND_HALF_UP))


def _size(price: Price) -> int:
    return price.base.input + price.base.output
