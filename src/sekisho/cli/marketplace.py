"""The market for commands: the catalogue of this installation with the operator's sets of scores."""

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sekisho import settings
from sekisho.cli.failure import fail
from sekisho.cli.screen import print_json, screen, table
from sekisho.cli.wording import Wording
from sekisho.core.money import usd_text
from sekisho.providers import catalog
from sekisho.providers.market import quality
from sekisho.providers.market.listing import Market
from sekisho.providers.market.quality import BadSet

USAGE = 2
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the same as CSV.")]
RankedBy = Annotated[
    str | None, typer.Option("--set", help="The set of scores to rank by. Default: the latest.")
]
Rows = Sequence[Mapping[str, Any]]
RIGHT = frozenset(
    {"rank", "score", "input", "output", "total", "score_per_usd", "context", "providers", "models"}
    | {"all_incidents", "api", "severe", "open", "measured", "calls", "retention_days", "cache_read"}
    | {"cache_write", "month"}
)
"""Columns of numbers."""


def scores_folder() -> Path:
    """Where the operator's sets are."""
    return settings.load().catalog_dir / "quality"


def market(ranked_by: str | None = None) -> Market:
    """Everything as of today; what is wrong ends the command."""
    try:
        sets = (*quality.shipped(), *quality.added(scores_folder()))
        return Market(catalog.load(settings.load().catalog_dir), sets, datetime.now(UTC).date(), ranked_by)
    except KeyError:
        names = ", ".join(each.name for each in sets)
        fail(f"--set: there is no set {ranked_by}; there are {names}", USAGE)
    except BadSet as error:
        fail(f"{error}; mend it, or delete the file")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def show(rows: Rows, columns: Sequence[str], say: Wording, footer: Iterable[str]) -> None:
    """A table for people: `columns` of the rows, then where it all comes from."""
    headings = [say(each) for each in columns]
    cells = ([_cell(row.get(each), each, say) for each in columns] for row in rows)
    right = {say(each) for each in columns if each in RIGHT}
    console = screen()
    console.print(table(headings, cells, right=right))
    for line in footer:
        console.print(line, style="dim", markup=False)


def hand_over(rows: Rows, *, as_json: bool) -> None:
    """The same for machines, as JSON or CSV: all members of all rows."""
    if as_json:
        print_json(list(rows))
        return
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _flat(value) for name, value in row.items()} for row in rows)


def usd(rate: int | None) -> str | None:
    """USD for a million tokens, with two decimals at least."""
    if rate is None:
        return None
    whole, _, rest = usd_text(rate).partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def sources(found: Market, say: Wording, *, ranked: bool) -> list[str]:
    """The footer of a table of models."""
    first = found.catalog.priced
    told = [f"価格: {first}" if say.language == "ja" else f"Prices: {first}"]
    if ranked and found.ranking is not None:
        each = found.ranking
        word = "スコア" if say.language == "ja" else "Scores"
        told.append(f"{word}: {each.title}, {each.date}, {each.source}")
    return told


def _cell(value: object, column: str, say: Wording) -> object:
    if isinstance(value, bool):
        return say("yes" if value else "no")
    if isinstance(value, float):
        return f"{value:.4g}" if column == "score_per_usd" else f"{value:.4f}"
    if isinstance(value, int) and column == "context":
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    return value


def _flat(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value
