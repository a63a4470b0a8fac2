"""`sekisho status`: providers' public status pages, read or brought from elsewhere."""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sekisho import settings
from sekisho.cli.failure import fail
from sekisho.cli.marketplace import AsCsv, hand_over, show
from sekisho.cli.screen import AsJson, iso, print_json
from sekisho.cli.wording import Lang, wording
from sekisho.control.services.stability import kept_in
from sekisho.control.services.status_pages import PageAsker
from sekisho.control.services.status_update import Updated, from_files, from_network
from sekisho.core.clock import Clock
from sekisho.providers.status.incident import DAYS, BadFeed, count
from sekisho.upstream.client import Client

status = typer.Typer(help="Providers' public status pages.", no_args_is_help=True)
COLUMNS = ("provider", "began", "ended", "severity", "api", "title")


@status.command("update")
def update(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|PAGE=FILE]...",
            help="Documents of status pages. None: the pages themselves are asked.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Read status pages and keep what they say. A page that cannot be read, or be true, changes nothing."""
    folder = settings.load().status_dir
    found = list(from_files(files, folder, time.time())) if files else asyncio.run(_asked(folder))
    if as_json:
        print_json([_told(each) for each in found])
    else:
        for each in found:
            typer.echo(_line(each), err=each.error is not None)
    if any(each.error for each in found):
        raise typer.Exit(1)


@status.command("list")
def list_incidents(
    page: Annotated[str | None, typer.Option(help="Only of this page.")] = None,
    lang: Lang = None,
    *,
    api: Annotated[bool, typer.Option("--api", help="Only those of the API.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the incidents that are known, the latest first."""
    try:
        histories = [each for each in kept_in(settings.load().status_dir) if page in (None, each.provider)]
    except BadFeed as error:
        fail(str(error))
    rows = [
        {
            "provider": each.provider,
            "began": iso(incident.began),
            "ended": None if incident.ended is None else iso(incident.ended),
            "severity": incident.severity,
            "api": incident.api,
            "title": incident.title,
        }
        for each in histories
        for incident in each.incidents
        if incident.api or not api
    ]
    rows.sort(key=lambda row: str(row["began"]), reverse=True)
    if as_json or as_csv:
        hand_over(rows, as_json=as_json)
        return
    show(rows, COLUMNS, wording(lang), [f"{each.source}: {iso(each.checked)}" for each in histories])


async def _asked(folder: Path) -> list[Updated]:
    clock = Clock()
    client = Client(clock=clock.monotonic)
    try:
        return await from_network(PageAsker(client, clock, os.environ), folder)
    finally:
        await client.close()


def _told(each: Updated) -> dict[str, Any]:
    if each.history is None:
        return {"page": each.page, "error": each.error}
    counted = msgspec.to_builtins(count(each.history.incidents, each.history.checked))
    return {"page": each.page, "checked": iso(each.history.checked), **counted}


def _line(each: Updated) -> str:
    if each.history is None:
        return f"{each.page}: {each.error}; nothing was changed"
    counted = count(each.history.incidents, each.history.checked)
    return (
        f"{each.page}: {counted.incidents} incidents in {DAYS} days, {counted.api} of the API, "
        f"{counted.severe} of those major or critical"
    )
