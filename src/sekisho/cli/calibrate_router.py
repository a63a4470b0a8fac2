"""`sekisho calibrate-router`: which threshold leaves which share of the calls to the strong model."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.database import USAGE, books
from sekisho.cli.failure import Misused, fail
from sekisho.cli.period import read_period
from sekisho.cli.router_file import FileError, case_of, read_lines
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.control.store.scores import read_scores
from sekisho.plugins.scorers import Scorers
from sekisho.routing.auto_entry import BUILT_IN
from sekisho.routing.evaluation import SHARES, division

NOTHING = (
    "no call in that time has a score; those of automatic routing have one, and all others where the "
    "document says `records: {scores: true}`"
)
ScorerName = Annotated[str, typer.Option("--scorer", help="With a file: who judges it.")]


def calibrate_router(
    file: Annotated[
        Path | None, typer.Argument(help="Prompts, one JSON object a line. None: recorded calls.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of calls that the strong model may have, as 0.3.")
    ] = None,
    since: Annotated[str, typer.Option(help="How far to look back, as 7d or 12h; or a day or time.")] = "7d",
    model: Annotated[str | None, typer.Option(help="Only calls that named this model.")] = None,
    scorer: ScorerName = BUILT_IN,
    *,
    as_json: AsJson = False,
) -> None:
    """Show which threshold of `auto` leaves which share of the calls to the strong model."""
    scores = _recorded(since, model) if file is None else scores_of(file, scorer)
    if not scores:
        fail(NOTHING if file is None else f"{file} holds no prompt")
    found = [(each, division(scores, each)) for each in (SHARES if share is None else (share,))]
    calls = sum(scores.values())
    if as_json:
        rows = [
            {"share_asked": asked, "threshold": each.threshold, "share": each.share} for asked, each in found
        ]
        print_json({"calls": calls, "thresholds": rows})
        return
    screen().print(f"{calls:,} scores")
    lines = ((f"{asked:.0%}", f"{each.threshold:.4f}", f"{each.share:.1%}") for asked, each in found)
    headings = ("AT MOST", "THRESHOLD", "FOR THE STRONG MODEL")
    screen().print(table(headings, lines, right=set(headings)))


def scores_of(file: Path, scorer: str) -> Mapping[float, int]:
    """Score -> prompts of a file that have it. What is wrong ends the command."""
    try:
        judge = Scorers().find(scorer)
        return Counter(case_of(line, judge).judged.score for line in read_lines(file))
    except LookupError as error:
        fail(str(error.args[0]), USAGE)
    except FileError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def _recorded(since: str, model: str | None) -> Mapping[float, int]:
    try:
        period = read_period(since, None, None, "UTC", time.time())
    except Misused as error:
        fail(str(error), USAGE)
    with books() as store, store.read() as connection:
        return read_scores(connection, *period, model)
