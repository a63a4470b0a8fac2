"""`sekisho reconcile`: the books against a provider's own account."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from sekisho import settings
from sekisho.cli.database import USAGE
from sekisho.cli.failure import Misused, fail
from sekisho.cli.options import taking
from sekisho.cli.period import check_zone
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.control.exports.entry import FEMTO, ExportError
from sekisho.control.exports.file import FORMATS, open_export
from sekisho.control.services.reconcile import TOKENS, Compared, NoProvider, Reconciliation, Side, reconcile
from sekisho.control.services.standalone import open_books
from sekisho.control.store.engine import StoreError
from sekisho.core.money import NANO, usd_text

AUTO = "auto"
DIFFERS = 1
_NAMES = ", ".join(each.name for each in FORMATS)


@dataclass(frozen=True, kw_only=True)
class ReconcileOptions:
    provider: Annotated[
        list[str] | None,
        typer.Option(help="Whose export it is, as the document names providers. May be repeated."),
    ] = None
    format: Annotated[str, typer.Option(help=f"{AUTO}, or one of: {_NAMES}.")] = AUTO
    tolerance: Annotated[
        str, typer.Option(metavar="PERCENT", help="What is no difference, of the larger side.")
    ] = "0.1"
    time_zone: Annotated[str, typer.Option(help="Where the export's days begin.")] = "UTC"
    as_json: AsJson = False


@taking(ReconcileOptions)
def reconcile_file(
    file: Annotated[Path, typer.Argument(help="An export of usage or cost.")], asked: ReconcileOptions
) -> None:
    """Compare the books with an export of OpenAI, Anthropic, AWS or Google, and name every difference. Ends
    with 1 where there is one."""
    found = _found(file, asked)
    if asked.as_json:
        print_json(_told(found))
    else:
        _show(found)
    if found.differences:
        raise typer.Exit(DIFFERS)


def _found(file: Path, asked: ReconcileOptions) -> Reconciliation:
    try:
        check_zone(asked.time_zone)
        wanted = _format(asked.format)
        how = Compared(tuple(asked.provider or ()), _percent(asked.tolerance), asked.time_zone)
        with open_books(settings.load()) as store, open_export(file, wanted) as export:
            return reconcile(store, export, how)
    except (Misused, NoProvider) as error:
        fail(str(error), USAGE)
    except ExportError as error:
        fail(f"{file}: {error}", USAGE)
    except StoreError as error:
        fail(f"the database: {error}", USAGE)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", USAGE)


def _format(name: str) -> str | None:
    if name == AUTO:
        return None
    if not any(each.name.startswith(name) for each in FORMATS):
        msg = f"--format: must be {AUTO} or one of {_NAMES}"
        raise Misused(msg)
    return name


def _percent(text: str) -> Decimal:
    try:
        share = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or not 0 <= share <= 100:
        msg = f"--tolerance: {text[:40]!r} is no percentage from 0 to 100"
        raise Misused(msg)
    return share


def _usd(femto: int | None) -> str | None:
    """Rounded half up to nano-USD, once."""
    unit = FEMTO // NANO
    return None if femto is None else usd_text((femto + unit // 2) // unit)


def _told(found: Reconciliation) -> dict[str, Any]:
    return {
        "format": found.format,
        "providers": list(found.providers),
        "first_day": found.first.isoformat(),
        "last_day": found.last.isoformat(),
        "lines": found.lines,
        "not_compared": dict(found.skipped),
        "ours": _side(found.ours),
        "theirs": _side(found.theirs),
        "differences": [
            {
                "day": each.day.isoformat(),
                "model": each.model,
                "reason": each.reason,
                "ours": _side(each.ours),
                "theirs": _side(each.theirs),
            }
            for each in found.differences
        ],
    }


def _side(side: Side) -> dict[str, Any]:
    tokens = {name: getattr(side, name) for name in TOKENS}
    return {"calls": side.calls, "unpriced": side.unpriced, **tokens, "cost_usd": _usd(side.cost)}


def _show(found: Reconciliation) -> None:
    rows = [
        row
        for each in found.differences
        for row in (
            (each.day, each.model or "all models", "books", *_cells(each.ours), each.reason),
            ("", "", "export", *_cells(each.theirs), ""),
        )
    ]
    rows += [
        (f"{found.first} to {found.last}", "TOTAL", "books", *_cells(found.ours), ""),
        ("", "", "export", *_cells(found.theirs), ""),
    ]
    numbers = ("INPUT", "CACHED", "OUTPUT", "COST USD")
    screen().print(table(("DAY", "MODEL", "", *numbers, "PROBABLY"), rows, right=set(numbers)))
    for why, count in found.skipped.items():
        typer.echo(f"{count:,} lines were not compared: {why}.")
    days = f"{found.lines:,} lines of {found.format}, calls to {', '.join(found.providers)}"
    typer.echo(f"{days}: {_count(found.differences)}.")


def _cells(side: Side) -> list[str | None]:
    tokens = (getattr(side, name) for name in TOKENS)
    return [*(None if count is None else f"{count:,}" for count in tokens), _usd(side.cost)]


def _count(differences: Iterable[object]) -> str:
    count = len(list(differences))
    return "no difference" if count == 0 else "1 difference" if count == 1 else f"{count:,} differences"
