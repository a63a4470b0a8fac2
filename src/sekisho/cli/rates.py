"""`sekisho rates`: what a USD is worth in other currencies, for reports in them."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from sekisho.cli.database import opened
from sekisho.cli.period import read_day
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.cli.who import Who, user_name
from sekisho.control.services.currencies import CurrencyService
from sekisho.core.clock import Clock
from sekisho.core.money import MILLION
from sekisho.metering.currency import Currency

rates = typer.Typer(help="What a USD is worth in other currencies, from a day on.", no_args_is_help=True)


@rates.command("set")
def set_rate(
    currency: Annotated[str, typer.Argument(help="Three letters, like JPY.")],
    rate: Annotated[str, typer.Argument(help="What a USD is worth, like 151.20.")],
    begins: Annotated[str | None, typer.Option("--from", help="The first day; else today in UTC.")] = None,
    who: Who = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Let a rate hold from a day on, until the currency's next."""
    with opened(as_json=as_json) as store:
        today = datetime.fromtimestamp(time.time(), UTC).date()
        day = today if begins is None else read_day(begins, "--from")
        found = CurrencyService(store, Clock()).set(currency, rate, day, who or user_name())
        _print([found], as_json=as_json)


@rates.command("list")
def list_rates(*, as_json: AsJson = False) -> None:
    """List all rates."""
    with opened(as_json=as_json) as store:
        _print(CurrencyService(store, Clock()).list(), as_json=as_json)


def _print(found: list[Currency], *, as_json: bool) -> None:
    told: list[dict[str, Any]] = [
        {"currency": each.code, "from": day.isoformat(), "rate": f"{(Decimal(rate) / MILLION).normalize():f}"}
        for each in found
        for day, rate in each.rates
    ]
    if as_json:
        print_json(told)
    else:
        rows = [each.values() for each in told]
        screen().print(table(("CURRENCY", "FROM", "A USD IS"), rows, right={"A USD IS"}))
