"""`sekisho credits`: what organisations, teams and keys paid ahead, and what is left of it."""

from typing import Annotated

import typer

from sekisho import settings
from sekisho.cli.database import opened
from sekisho.cli.failure import Misused, fail
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.cli.who import Who, user_name
from sekisho.control.services import shown
from sekisho.control.services.credits import LEVELS, Balance, Credit, CreditService
from sekisho.control.services.standalone import open_books
from sekisho.control.store.engine import StoreError
from sekisho.core.clock import Clock
from sekisho.core.limit import Level
from sekisho.core.money import nano_from_usd

_WHOSE = "An organisation's id or name; a team's behind team:, a key's behind key:."
Holder = Annotated[str, typer.Argument(metavar="HOLDER", help=_WHOSE)]

paid_ahead = typer.Typer(help="What was paid ahead, and what is left of it.", no_args_is_help=True)


@paid_ahead.command(context_settings={"ignore_unknown_options": True})
def add(
    holder: Holder,
    usd: Annotated[str, typer.Argument(metavar="USD", help="Below 0, it is taken back.")],
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    who: Who = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add to what a holder has paid ahead. Nothing is ever changed or deleted."""
    level, wanted = _holder(holder)
    with opened(as_json=as_json) as store:
        try:
            amount = nano_from_usd(usd)
        except ValueError as error:
            raise Misused(str(error)) from None
        made = CreditService(store, Clock()).add(level, wanted, amount, who or user_name(), note)
        _print_entries([made], as_json=as_json)


@paid_ahead.command("list")
def list_entries(holder: Holder, *, as_json: AsJson = False) -> None:
    """List what a holder has paid ahead, oldest first."""
    level, wanted = _holder(holder)
    with opened(as_json=as_json) as store:
        service = CreditService(store, Clock())
        _print_entries(service.list(level, service.find(level, wanted)), as_json=as_json)


@paid_ahead.command()
def balance(holder: Holder, *, as_json: AsJson = False) -> None:
    """Show what is left: all that was paid ahead, without what was charged since."""
    level, wanted = _holder(holder)
    with opened(as_json=as_json) as store:
        found_id = CreditService(store, Clock()).find(level, wanted)
    try:
        with open_books(settings.load()) as store:
            found = CreditService(store, Clock()).balance(level, found_id)
    except StoreError as error:
        fail(f"the database: {error}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    if found is None:
        fail(f"{wanted} has never paid ahead")
    _print_balance(found, as_json=as_json)


def _holder(text: str) -> tuple[Level, str]:
    for level, (_, prefix) in LEVELS.items():
        if text.startswith(f"{prefix}:"):
            return level, text.removeprefix(f"{prefix}:")
    return "organisation", text


def _print_entries(found: list[Credit], *, as_json: bool) -> None:
    told = [shown.credit(each) for each in found]
    if as_json:
        print_json(told)
    else:
        headings = ("ID", "LEVEL", "HOLDER", "USD", "MADE", "BY", "NOTE")
        screen().print(table(headings, [each.values() for each in told], right={"USD"}))


def _print_balance(found: Balance, *, as_json: bool) -> None:
    told = shown.balance(found)
    if as_json:
        print_json(told)
        return
    screen().print(table(("", ""), told.items()))
    if found.uncharged:
        typer.echo(f"{found.uncharged:,} calls are not in the charges, since no price is known for them.")
