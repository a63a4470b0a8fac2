"""Lines for a spreadsheet."""

import csv
import sys
from collections.abc import Iterable
from decimal import Decimal

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def print_csv(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Texts that a spreadsheet would take for a formula have an apostrophe before them: clients choose names.
    Numbers are to be given as numbers; None is an empty cell."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([_guarded(cell) for cell in row] for row in rows)


def _guarded(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULAS):
        return f"'{cell}"
    return f"{cell:f}" if isinstance(cell, Decimal) else cell
