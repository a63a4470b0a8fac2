"""`sekisho export`: records as files for other programs."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.database import USAGE, books
from sekisho.cli.failure import fail
from sekisho.cli.screen import AsJson, print_json
from sekisho.control.services.export import FORMATS, Exported, Format, NoParquet, export_calls

export = typer.Typer(help="Write records to files for other programs.", no_args_is_help=True)


@export.callback()
def _group() -> None:
    """What is exported is a command of its own, however many there are."""


@export.command("calls")
def export_calls_to(
    to: Annotated[Path, typer.Option(help="The folder; made where there is none.")],
    file_format: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    since: Annotated[
        str | None, typer.Option(help="First day, as 2026-11-01 (UTC). Default: the first on the books.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Last day, that day included. Default: yesterday.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write all calls on the books to files, one a day. Files of the same days are replaced."""
    chosen = _format(file_format)
    first = 0.0 if since is None else _midnight(_day(since, "--since"))
    last = datetime.now(UTC).date() - timedelta(days=1) if until is None else _day(until, "--until")
    written = _written(to, chosen, first, _midnight(last + timedelta(days=1)))
    if as_json:
        print_json([{"file": str(each.file), "calls": each.calls} for each in written])
        return
    for each in written:
        typer.echo(f"{each.file}: {each.calls} calls")
    if not written:
        typer.echo("There are no calls on the books in that time.")


def _written(to: Path, chosen: Format, since: float, until: float) -> list[Exported]:
    with books() as store:
        try:
            return list(export_calls(store, to, chosen, since, until))
        except NoParquet as error:
            fail(str(error))


def _format(name: str) -> Format:
    known: Format | None = next((each for each in FORMATS if each == name), None)
    if known is None:
        fail(f"--format: must be one of {', '.join(FORMATS)}, not {name}", USAGE)
    return known


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option}: must be a day like 2026-11-01, not {text}", USAGE)


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
