"""`sekisho rollups`: the sums that reports are read from."""

import typer

from sekisho.cli.database import books
from sekisho.cli.screen import AsJson, print_json
from sekisho.control.store.rollups import rebuild

rollups = typer.Typer(help="The sums that reports are read from.", no_args_is_help=True)


@rollups.callback()
def _group() -> None:
    """What is done to them is a command of its own, however many there are."""


@rollups.command("rebuild")
def rebuild_rollups(*, as_json: AsJson = False) -> None:
    """Count all calls on the books anew, hour by hour, beside a running gateway. Days whose calls are deleted
    keep their sums."""
    with books() as store:
        days = rebuild(store)
    if as_json:
        print_json({"days": days})
    else:
        typer.echo(f"Counted the calls of {days} days anew.")
