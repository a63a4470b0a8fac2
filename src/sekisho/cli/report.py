"""`sekisho report`: what the books say of many calls together."""

import time
from typing import Annotated, Any

import typer

from sekisho.cli.database import books
from sekisho.cli.failure import fail
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.cli.sheet import print_csv
from sekisho.cli.spend import report_spend
from sekisho.control.services.outages import BYS, By, Outages, Weighed, outages, rescued, share
from sekisho.core.money import usd_text

USAGE = 2
DAY = 86_400.0
COLUMNS = ("total", "failed", "retry", "fallback", "continuation", "lost")
SCALES = ("requests", "tokens", "cost")
HEADINGS = ("TOTAL", "FAILED AT FIRST", "RETRIED", "FELL BACK", "CONTINUED", "LOST", "RESCUED", "SUCCESS")

report = typer.Typer(help="What the books say of many calls together.", no_args_is_help=True)


report.command("spend")(report_spend)


@report.command("outages")
def report_outages(
    days: Annotated[float, typer.Option(min=0.001, help="How far to look back.")] = 30,
    by: Annotated[str | None, typer.Option(help="One line for each: provider, model or cause.")] = None,
    *,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print lines for a spreadsheet.")] = False,
) -> None:
    """Show how many calls failed at first, how they were rescued, and what was lost: weighed by requests,
    by tokens and by money."""
    if as_json and as_csv:
        fail("choose either --json or --csv", USAGE)
    found = _found(days, _by(by))
    if as_json:
        print_json({"days": days, "by": by, "outages": [_told(each) for each in found]})
    elif as_csv:
        headings = ("name", "scale", *COLUMNS, "rescued_share", "success_share")
        print_csv(headings, (_csv_row(each, scale) for each in found for scale in SCALES))
    else:
        _show(found, by)


def _by(name: str | None) -> By | None:
    for known in BYS:
        if name == known:
            return known
    if name is not None:
        fail(f"--by: must be one of {', '.join(BYS)}, not {name}", USAGE)
    return None


def _found(days: float, by: By | None) -> list[Outages]:
    with books() as store:
        return outages(store, time.time() - days * DAY, by)


def _shares(found: Outages, scale: str) -> tuple[float | None, float | None]:
    """(rescued, not lost) of all."""
    total, lost = getattr(found.total, scale), getattr(found.lost, scale)
    return share(rescued(found, scale), total), share(total - lost, total)


def _told(found: Outages) -> dict[str, Any]:
    """For machines: nano-USD as a plain number of USD."""
    told: dict[str, Any] = {"name": found.name}
    for scale in SCALES:
        numbers = {column: _number(getattr(found, column), scale) for column in COLUMNS}
        saved, success = _shares(found, scale)
        told["cost_usd" if scale == "cost" else scale] = {
            **numbers,
            "rescued_share": saved,
            "success_share": success,
        }
    return told


def _number(weighed: Weighed, scale: str) -> int | float:
    value: int = getattr(weighed, scale)
    return float(usd_text(value)) if scale == "cost" else value


def _csv_row(found: Outages, scale: str) -> tuple[object, ...]:
    shares = ("" if each is None else f"{each:.6f}" for each in _shares(found, scale))
    numbers = (_shown(getattr(found, column), scale) for column in COLUMNS)
    return (found.name or "", "cost_usd" if scale == "cost" else scale, *numbers, *shares)


def _shown(weighed: Weighed, scale: str) -> str:
    value: int = getattr(weighed, scale)
    return usd_text(value) if scale == "cost" else str(value)


def _show(found: list[Outages], by: str | None) -> None:
    if not found:
        typer.echo("No call that a provider was asked for is on the books in that time.")
        return
    rows = []
    for each in found:
        for scale in SCALES:
            shares = (None if share is None else f"{share:.2%}" for share in _shares(each, scale))
            name = (each.name if scale == SCALES[0] else "",) if by else ()
            numbers = (_grouped(getattr(each, column), scale) for column in COLUMNS)
            rows.append((*name, "USD" if scale == "cost" else scale, *numbers, *shares))
    named = (by.upper(),) if by else ()
    screen().print(table((*named, "BY", *HEADINGS), rows, right=set(HEADINGS)))


def _grouped(weighed: Weighed, scale: str) -> str:
    value: int = getattr(weighed, scale)
    return usd_text(value) if scale == "cost" else f"{value:,}"
