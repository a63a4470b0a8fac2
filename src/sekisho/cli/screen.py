"""What commands print: tables for people, one JSON document for machines."""

import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 240
"""Columns where nobody's screen sets a width: nothing is cut."""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]


def screen() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def table(headings: Iterable[str], rows: Iterable[Iterable[object]], *, right: Collection[str] = ()) -> Table:
    """Columns under `headings`, those in `right` aligned so; None is shown as a dash. No text is markup."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        cells = ("–" if cell is None else cell for cell in row)
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))
    return made


def iso(seconds: float) -> str:
    """Seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
