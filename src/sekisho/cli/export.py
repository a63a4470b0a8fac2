"""`sekisho export`: records as files for other programs."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from sekisho.cli.database import USAGE, books
from sekisho.cli.failure import fail
from sekisho.cli.screen import AsJson, print_json
from sekisho.control.services.bucket import SCHEME, Bucket, NotStored
from sekisho.control.services.export import FORMATS, Exported, Format, NoParquet, export_calls

export = typer.Typer(help="Write records to files for other programs.", no_args_is_help=True)


@export.callback()
def _group() -> None:
    """What is exported is a command of its own, however many there are."""


@export.command("calls")
def export_calls_to(
    to: Annotated[str, typer.Option(help="A folder, made where there is none; or s3://BUCKET/PREFIX.")],
    file_format: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    since: Annotated[
        str | None, typer.Option(help="First day, as 2026-11-01 (UTC). Default: the first on the books.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Last day, that day included. Default: yesterday.")
    ] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(help="Of another server with S3's API, like http://127.0.0.1:9000.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write all calls on the books to files, one a day. Files of the same days are replaced."""
    chosen = _format(file_format)
    first = 0.0 if since is None else _midnight(_day(since, "--since"))
    last = datetime.now(UTC).date() - timedelta(days=1) if until is None else _day(until, "--until")
    span = (first, _midnight(last + timedelta(days=1)))
    written = _stored(to, endpoint_url, chosen, span) if to.startswith(SCHEME) else _written(to, chosen, span)
    if as_json:
        print_json([{"file": file, "calls": count} for file, count in written])
        return
    for file, count in written:
        typer.echo(f"{file}: {count} calls")
    if not written:
        typer.echo("There are no calls on the books in that time.")


def _written(folder: str, chosen: Format, span: tuple[float, float]) -> list[tuple[str, int]]:
    return [(str(each.file), each.calls) for each in _exported(Path(folder), chosen, span)]


def _stored(
    address: str, endpoint: str | None, chosen: Format, span: tuple[float, float]
) -> list[tuple[str, int]]:
    """Each file goes as soon as it is whole."""
    found = []
    try:
        bucket = Bucket(address, os.environ, endpoint)
        with TemporaryDirectory(prefix="sekisho-export-") as folder:
            for each in _exported(Path(folder), chosen, span):
                found.append((bucket.store(each.file), each.calls))
                each.file.unlink()
    except NotStored as error:
        fail(str(error))
    return found


def _exported(folder: Path, chosen: Format, span: tuple[float, float]) -> Iterator[Exported]:
    with books() as store:
        try:
            yield from export_calls(store, folder, chosen, *span)
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
