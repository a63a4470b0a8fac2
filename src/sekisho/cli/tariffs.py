"""`sekisho tariffs`: what organisations are charged for their calls."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
import typer

from sekisho.cli.database import opened
from sekisho.cli.failure import Misused
from sekisho.cli.options import taking
from sekisho.cli.period import read_moment
from sekisho.cli.screen import AsJson, iso, print_json, screen, table
from sekisho.cli.who import Who, user_name
from sekisho.control.services.tariffs import KeptTariff, TariffService
from sekisho.core.clock import Clock
from sekisho.core.money import MILLION, Rates, nano_from_usd, usd_text
from sekisho.core.tariff import Tariff

PERCENT = MILLION // 100
PRICED = ("input", "output", "cache_read", "cache_write")

tariffs = typer.Typer(
    help="What organisations are charged: the cost and a mark-up, or prices of their own.",
    no_args_is_help=True,
)


@dataclass(frozen=True, kw_only=True)
class NewTariff:
    markup: Annotated[str, typer.Option(help="On top of what providers are paid: 5%, 2.5%.")] = "0%"
    price: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=IN/OUT[/CACHE_READ[/CACHE_WRITE]]",
            help="USD for a million tokens of a model, in the place of cost and mark-up. May be repeated.",
        ),
    ] = None
    begins: Annotated[
        str | None, typer.Option("--from", help="A day, or a time, from which on it holds; else now.")
    ] = None
    time_zone: Annotated[str, typer.Option(help="Where that day begins, like Asia/Tokyo.")] = "UTC"
    who: Who = None


@tariffs.command("set")
@taking(NewTariff)
def set_tariff(organisation: str, asked: NewTariff, *, as_json: AsJson = False) -> None:
    """Charge an organisation so, until its next tariff."""
    with opened(as_json=as_json) as store:
        now = time.time()
        begins = now if asked.begins is None else read_moment(asked.begins, asked.time_zone, "--from")
        tariff = Tariff(begins=begins, markup=_markup(asked.markup), prices=_prices(asked.price or ()))
        kept = TariffService(store, Clock()).set(organisation, tariff, asked.who or user_name())
        _print([kept], as_json=as_json)


@tariffs.command("list")
def list_tariffs(
    organisation: Annotated[str | None, typer.Argument(help="An id or name; else all.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List tariffs with the time from which on each holds."""
    with opened(as_json=as_json) as store:
        _print(TariffService(store, Clock()).list(organisation), as_json=as_json)


def _print(kept: Iterable[KeptTariff], *, as_json: bool) -> None:
    if as_json:
        print_json([_told(each) for each in kept])
        return
    rows = [
        (
            each.organisation,
            iso(each.tariff.begins),
            _percent(each.tariff.markup),
            "\n".join(f"{model}={_written(rates)}" for model, rates in each.tariff.prices.items()) or None,
            f"{each.made_by}, {iso(each.made)}",
        )
        for each in kept
    ]
    screen().print(table(("ORGANISATION", "FROM", "MARK-UP", "PRICES, USD/1M", "MADE BY"), rows))


def _told(kept: KeptTariff) -> dict[str, Any]:
    prices = {
        model: {name: usd_text(rate) for name in PRICED if (rate := getattr(rates, name)) is not None}
        for model, rates in kept.tariff.prices.items()
    }
    return {
        "organisation": kept.organisation,
        "from": iso(kept.tariff.begins),
        "markup_percent": _percent(kept.tariff.markup).removesuffix("%"),
        "prices": prices,
        "made": iso(kept.made),
        "made_by": kept.made_by,
    }


def _percent(markup: int) -> str:
    return f"{(Decimal(markup) / PERCENT).normalize():f}%"


def _written(rates: Rates) -> str:
    return "/".join(usd_text(rate) for name in PRICED if (rate := getattr(rates, name)) is not None)


def _markup(text: str) -> int:
    try:
        share = Decimal(text.removesuffix("%").strip()) * PERCENT
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or share.adjusted() > 20 or share % 1:
        msg = f"--markup: {text[:40]!r} is no percentage with up to four decimals: write 5%"
        raise Misused(msg)
    return int(share)


def _prices(said: Iterable[str]) -> dict[str, Rates]:
    found: dict[str, Rates] = {}
    for text in said:
        model, _, written = text.rpartition("=")
        try:
            amounts = [nano_from_usd(amount) for amount in written.split("/")]
        except ValueError:
            amounts = []
        if not model or not 2 <= len(amounts) <= len(PRICED):
            msg = f"--price: {text[:80]!r} is no price of a model: write openai/gpt-5-mini=0.30/2.40"
            raise Misused(msg)
        found[model] = msgspec.convert(dict(zip(PRICED, amounts, strict=False)), Rates)
    return found
