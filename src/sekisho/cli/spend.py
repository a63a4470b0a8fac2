"""`sekisho report spend`: what calls cost and what is charged for them, as a table or lines for a
spreadsheet."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import typer

from sekisho import settings
from sekisho.cli.database import USAGE
from sekisho.cli.failure import Misused, fail
from sekisho.cli.options import taking
from sekisho.cli.period import read_period
from sekisho.cli.screen import AsJson, iso, print_json, screen, table
from sekisho.cli.sheet import print_csv
from sekisho.control.services.currencies import CurrencyService
from sekisho.control.services.refusal import Refused
from sekisho.control.services.spend import BYS, NAMED, By, Line, Question, Spend, spend
from sekisho.control.services.standalone import open_books
from sekisho.control.store.engine import StoreError
from sekisho.core.clock import Clock
from sekisho.metering.currency import NoRate

MOST_BY = 2
NUMBERS = ("calls", "input", "cached", "output", "cost", "charge", "waived", "unpriced", "uncharged")
"""Columns of machines. `input` are all prompt tokens; those of `cached` among them were read from a cache."""
AMOUNTS = ("cost", "charge", "waived")


@dataclass(frozen=True, kw_only=True)
class SpendOptions:
    by: Annotated[
        list[str] | None,
        typer.Option(help=f"One line for each: {', '.join(BYS)}; or for each of two: team,model."),
    ] = None
    since: Annotated[str | None, typer.Option(help="The first day, or a time, or 7d.")] = None
    until: Annotated[str | None, typer.Option(help="The last day, or a time; else now.")] = None
    days: Annotated[float | None, typer.Option(min=0.001, help="How far to look back; else 30 days.")] = None
    time_zone: Annotated[str, typer.Option(help="Where days begin, like Asia/Tokyo.")] = "UTC"
    currency: Annotated[
        str, typer.Option(help="What amounts are shown in, at each day's own rate (see `sekisho rates`).")
    ] = "USD"
    as_json: AsJson = False
    as_csv: Annotated[bool, typer.Option("--csv", help="Print lines for a spreadsheet.")] = False


@taking(SpendOptions)
def report_spend(asked: SpendOptions) -> None:
    """Show what calls cost, and what organisations are charged for them."""
    if asked.as_json and asked.as_csv:
        fail("choose either --json or --csv", USAGE)
    found = _found(asked)
    if asked.as_json:
        print_json(_told(found))
    elif asked.as_csv:
        headings = [heading for by in found.question.by for heading in _headings(by)]
        print_csv((*headings, *_number_names(found)), (_csv_row(found, line) for line in found.lines))
    else:
        _show(found)


def _found(asked: SpendOptions) -> Spend:
    try:
        since, until = read_period(asked.since, asked.until, asked.days, asked.time_zone, time.time())
        by = _by(asked.by or ())
        with open_books(settings.load()) as store:
            currency = CurrencyService(store, Clock()).find(asked.currency)
            question = Question(since=since, until=until, by=by, zone=asked.time_zone, currency=currency)
            return spend(store, question)
    except Misused as error:
        fail(str(error), USAGE)
    except (Refused, NoRate) as error:
        fail(str(error))
    except StoreError as error:
        fail(f"the database: {error}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def _by(said: Iterable[str]) -> tuple[By, ...]:
    names = [name.strip() for each in said for name in each.split(",")]
    known = {str(name): name for name in BYS}
    for name in names:
        if name not in known:
            msg = f"--by: must be one of {', '.join(BYS)}, not {name[:40]!r}"
            raise Misused(msg)
    if len(names) > MOST_BY or len(set(names)) < len(names):
        raise Misused("--by: takes one, or two different ones")
    return tuple(known[name] for name in names)


# --- for machines ---------------------------------------------------------------------------------


def _told(found: Spend) -> dict[str, Any]:
    question = found.question
    return {
        "since": iso(question.since),
        "until": iso(question.until),
        "time_zone": question.zone,
        "currency": question.currency.code,
        "by": list(question.by),
        "overlaps": found.overlaps,
        "lost_before": None if found.lost_before is None else iso(found.lost_before),
        "lines": [{**_ids(found, line), **_numbers(found, line)} for line in found.lines],
        "total": _numbers(found, found.total),
    }


def _ids(found: Spend, line: Line) -> dict[str, str | None]:
    told: dict[str, str | None] = {}
    for by, each in zip(found.question.by, line.ids, strict=True):
        told[by] = each
        if by in NAMED:
            told[f"{by}_name"] = found.names.get(each or "")
    return told


def _headings(by: By) -> tuple[str, ...]:
    return (by, f"{by}_name") if by in NAMED else (by,)


def _number_names(found: Spend) -> list[str]:
    code = found.question.currency.code.lower()
    return [f"{name}_{code}" if name in AMOUNTS else name for name in NUMBERS]


def _values(found: Spend, line: Line) -> Iterator[int | Decimal]:
    currency, sums = found.question.currency, line.sums
    yield sums.calls
    yield sums.usage.prompt
    yield sums.cache_read
    yield sums.output
    yield Decimal(currency.text(line.cost))
    yield Decimal(currency.text(line.charge))
    yield Decimal(currency.text(line.waived))
    yield sums.unpriced
    yield line.uncharged


def _numbers(found: Spend, line: Line) -> dict[str, int | str]:
    """Amounts are texts, so that no machine rounds them."""
    named = zip(_number_names(found), _values(found, line), strict=True)
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in named}


def _csv_row(found: Spend, line: Line) -> list[object]:
    return [*_ids(found, line).values(), *_values(found, line)]


# --- for people -----------------------------------------------------------------------------------


def _show(found: Spend) -> None:
    if not found.total.sums.calls and not found.total.cost and not found.total.waived:
        typer.echo("\n".join(("No call is on the books in that time.", *_notes(found))))
        return
    question = found.question
    code = question.currency.code
    headings = ["CALLS", "INPUT", "CACHED", "OUTPUT", f"COST {code}", f"CHARGE {code}", "UNPRICED"]
    by = [name.upper() for name in question.by]
    rows = [(*_shown_names(found, line), *_shown(found, line)) for line in found.lines if question.by]
    first = ("TOTAL", *[""] * (len(by) - 1)) if by else ()
    rows.append((*first, *_shown(found, found.total)))
    screen().print(table((*by, *headings), rows, right=set(headings)))
    for note in _notes(found):
        typer.echo(note)


def _shown_names(found: Spend, line: Line) -> list[str | None]:
    told = list(found.names.values())
    return [
        _shown_name(each, found.names.get(each or ""), told) if by in NAMED else each
        for by, each in zip(found.question.by, line.ids, strict=True)
    ]


def _shown_name(each: str | None, name: str | None, told: Sequence[str]) -> str | None:
    if name is None:
        return each
    return name if told.count(name) == 1 else f"{name} ({each})"


def _shown(found: Spend, line: Line) -> list[str | None]:
    currency, sums = found.question.currency, line.sums
    counts = (sums.calls, sums.usage.prompt, sums.cache_read, sums.output)
    amounts = (currency.text(line.cost), currency.text(line.charge))
    return [*(f"{count:,}" for count in counts), *amounts, f"{sums.unpriced:,}" if sums.unpriced else None]


def _notes(found: Spend) -> Iterator[str]:
    total = found.total
    if total.sums.unpriced:
        yield (
            f"{total.sums.unpriced:,} calls went where no price is known: what they cost is not in the sums."
            f" {total.uncharged:,} of them are not in the charges either."
        )
    if total.waived:
        amount = f"{found.question.currency.text(total.waived)} {found.question.currency.code}"
        yield f"{amount} more were paid for calls that brought nothing: nobody is charged for them."
    if found.lost_before is not None:
        before = iso(found.lost_before)
        yield f"Single calls from before {before} are deleted, and are in no sum that needs them."
    if found.overlaps:
        yield "A call counts under each of its tags: the lines overlap, and add up to more than the total."
