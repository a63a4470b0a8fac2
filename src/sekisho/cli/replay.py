"""`sekisho replay`: what recorded calls would have come to under another document. Calls nobody."""

import os
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from sekisho import settings
from sekisho.cli.database import USAGE, books
from sekisho.cli.failure import Misused, fail
from sekisho.cli.period import read_period
from sekisho.cli.screen import AsJson, iso, print_json, screen, table
from sekisho.cli.sheet import print_csv
from sekisho.control.services.replay import Replayed, replay
from sekisho.core.money import usd_text
from sekisho.core.route import Snapshot
from sekisho.metering.histogram import quantile
from sekisho.pipeline.replay import Line
from sekisho.plugins.scorers import Scorers
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.compile import compile_document
from sekisho.routing.problem import DocumentError

COLUMNS = (
    "asked", "before", "after", "calls", "cost_before", "cost_after", "unpriced", "uncounted",
    "total_ms_before", "total_ms_after", "first_token_ms_before", "first_token_ms_after",
)  # fmt: skip
HEADINGS = ("ASKED", "WENT TO", "WOULD GO TO", "CALLS", "USD", "USD THEN", "DIFFERENCE", "MS", "MS THEN")
RIGHT = frozenset(HEADINGS[3:])
UNKNOWN = (
    "what requests asked of targets themselves (headers, `provider`, further models, parameters, images) and "
    "how large they would be for another model: tokens are those that were counted",
    "how endpoints fared then: all count as well, so that fallbacks, retries and hedges are in no number",
    "what limits, budgets and prompt caches would make of it: cached tokens are priced as cached there too",
    "how fast an endpoint is that answered no call in that time; medians are of calls of all lengths",
    "conversations that clients did not name: `sticky` sends them by weight",
)


def run_replay(
    config: Annotated[Path, typer.Option(help="The document to plan by.", show_default=False)],
    since: Annotated[str, typer.Option(help="How far to look back, as 7d or 12h; or a day or time.")] = "7d",
    until: Annotated[str | None, typer.Option(help="The last day, or a time; else now.")] = None,
    time_zone: Annotated[str, typer.Option(help="Where days begin, like Asia/Tokyo.")] = "UTC",
    *,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print lines for a spreadsheet.")] = False,
) -> None:
    """Plan recorded calls against another document, and print what would change. Calls nobody."""
    if as_json and as_csv:
        fail("choose either --json or --csv", USAGE)
    try:
        period = read_period(since, until, None, time_zone, time.time())
        snapshot = _snapshot(config)
    except Misused as error:
        fail(str(error), USAGE)
    except DocumentError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    with books() as store:
        found = replay(store, snapshot, *period)
    if as_json:
        print_json(_told(found, period))
    elif as_csv:
        print_csv(COLUMNS, (tuple(_member(line).values()) for line in found.lines))
    else:
        _show(found, period)


def _snapshot(config: Path) -> Snapshot:
    known = catalog.load(settings.load().catalog_dir)
    parsed = document.read(config.read_bytes(), str(config))
    return compile_document(parsed, known, os.environ, Scorers().find)


def _told(found: Replayed, period: tuple[float, float]) -> dict[str, Any]:
    total, first = found.expected()
    lines = [_member(line) for line in found.lines]
    return {
        "since": iso(period[0]),
        "until": iso(period[1]),
        "calls": found.calls,
        "refused": sum(line.calls for line in found.lines if line.refused),
        "not_replayed": found.others,
        "unknown_keys": found.unknown_keys,
        "cost_before": _usd(found.lines, "cost_before"),
        "cost_after": _usd(found.lines, "cost_after"),
        "total_ms_after": quantile(total, 0.5),
        "first_token_ms_after": quantile(first, 0.5),
        "lines": [
            {**line, **{name: str(line[name]) for name in ("cost_before", "cost_after")}} for line in lines
        ],
        "not_known": list(UNKNOWN),
    }


def _member(line: Line) -> dict[str, Any]:
    expected = line.expected
    return {
        "asked": line.requested_model,
        "before": line.before,
        "after": f"refused: {line.after}" if line.refused else line.after,
        "calls": line.calls,
        "cost_before": Decimal(usd_text(line.cost_before)),
        "cost_after": Decimal(usd_text(line.cost_after)),
        "unpriced": line.unpriced,
        "uncounted": line.uncounted,
        "total_ms_before": quantile(line.pace.total, 0.5),
        "total_ms_after": quantile(expected.total, 0.5) if expected else None,
        "first_token_ms_before": quantile(line.pace.first_token, 0.5),
        "first_token_ms_after": quantile(expected.first_token, 0.5) if expected else None,
    }


def _usd(lines: Sequence[Line], member: str) -> str:
    return usd_text(sum(getattr(line, member) for line in lines))


def _show(found: Replayed, period: tuple[float, float]) -> None:
    changed = [line for line in found.lines if line.changes]
    console = screen()
    typer.echo(f"{found.calls:,} calls from {iso(period[0])} to {iso(period[1])}")
    if changed:
        console.print(table(HEADINGS, map(_row, changed), right=RIGHT))
    same = found.calls - sum(line.calls for line in changed)
    before, after = (
        sum(getattr(line, name) for line in found.lines) for name in ("cost_before", "cost_after")
    )
    typer.echo(f"{same:,} calls would be as they were")
    typer.echo(
        f"All together: {usd_text(before)} USD, {usd_text(after)} USD then ({_signed(after - before)})"
    )
    for count, words in (
        (sum(line.calls for line in found.lines if line.refused), "would be refused"),
        (sum(line.unpriced for line in found.lines), "have no price before or then, and stand in no sum"),
        (sum(line.uncounted for line in found.lines), "failed without tokens, and stand in no sum"),
        (found.others, "are left out: refused before any planning, or answered with what another call got"),
        (found.unknown_keys, "are of keys that the books do not know; what those may do is not known"),
    ):
        if count:
            typer.echo(f"{count:,} calls {words}")
    for words in UNKNOWN:
        console.print(f"Not known: {words}", style="dim", markup=False)


def _row(line: Line) -> tuple[object, ...]:
    member = _member(line)
    return (
        line.requested_model,
        line.before or "nobody",
        member["after"],
        f"{line.calls:,}",
        usd_text(line.cost_before),
        None if line.refused else usd_text(line.cost_after),
        None if line.refused else _signed(line.cost_after - line.cost_before),
        member["total_ms_before"],
        member["total_ms_after"],
    )


def _signed(nano: int) -> str:
    return f"{'+' if nano > 0 else ''}{usd_text(nano)}"
