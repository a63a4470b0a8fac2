"""`sekisho eval-router`: how good automatic routing is on prompts of one's own."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from sekisho import settings
from sekisho.cli.calibrate_router import ScorerName
from sekisho.cli.database import USAGE
from sekisho.cli.failure import Misused, fail
from sekisho.cli.router_file import FileError, case_of, read_lines
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.core.money import Price, usd_text
from sekisho.core.route import Auto, Snapshot
from sekisho.core.tier import TIERS
from sekisho.pipeline.auto import choice
from sekisho.plugins.scorers import Scorers
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.auto_entry import BUILT_IN, NAME
from sekisho.routing.compile import compile_document
from sekisho.routing.evaluation import (
    Case,
    Comparison,
    Outcome,
    agreement,
    easy_and_hard,
    recovered_on_average,
)
from sekisho.routing.problem import DocumentError

ModelName = Annotated[str | None, typer.Option(help="Of the file, or of the document.", show_default=False)]
WEAK, STRONG = "the weak model", "the strong model"
"""Where nobody names them."""
AS_LED = "as the document leads"
HEADINGS = ("", "FOR THE STRONG MODEL", "QUALITY", "KEPT", "GAP RECOVERED", "USD A CALL", "SAVED")


@dataclass(frozen=True, slots=True)
class Evaluation:
    cases: Sequence[Case]
    outcomes: Sequence[Outcome]
    """Baselines first."""
    on_average: float | None
    """See `recovered_on_average`."""


def eval_router(
    file: Annotated[Path, typer.Argument(help="Prompts, one JSON object a line.", show_default=False)],
    config: Annotated[
        Path | None, typer.Option(help="A document: its `auto`, scorer and prices.", show_default=False)
    ] = None,
    weak: ModelName = None,
    strong: ModelName = None,
    scorer: ScorerName = BUILT_IN,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how well a scorer agrees with a labelled file, what quality it keeps and what it saves."""
    try:
        snapshot = None if config is None else _snapshot(config)
        auto = _auto(snapshot)
        judge = auto.scorer if auto is not None and scorer == BUILT_IN else Scorers().find(scorer)
        lines = list(read_lines(file))
        names = {weak, strong, *(model for line in lines for model in line.quality)}
        prices = _prices(snapshot, {*names, *({} if auto is None else auto.routes())} - {None})
        cases = [case_of(line, judge, prices) for line in lines]
        found = _evaluation(cases, auto, (weak, strong))
    except (LookupError, Misused) as error:
        fail(str(error.args[0]), USAGE)
    except (FileError, DocumentError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    if as_json:
        print_json(_told(found))
    else:
        screen().print(*_shown(found), sep="\n")


def _snapshot(config: Path) -> Snapshot:
    known = catalog.load(settings.load().catalog_dir)
    parsed = document.read(config.read_bytes(), str(config))
    return compile_document(parsed, known, os.environ, Scorers().find)


def _auto(snapshot: Snapshot | None) -> Auto | None:
    """What the document leads by: `sekisho/auto`, or else the first of its other names that lead."""
    routes = () if snapshot is None else snapshot.routes.values()
    autos = {route.name: route.auto for route in routes if route.auto is not None}
    return autos.get(NAME) or next(iter(autos.values()), None)


def _prices(snapshot: Snapshot | None, models: Collection[str | None]) -> dict[str, Price]:
    """Those that the document knows, of each model's first target."""
    found = {}
    for model in models:
        route = None if snapshot is None or model is None else snapshot.find(model)
        price = None if route is None else route.targets[0].endpoint.price
        if model is not None and price is not None:
            found[model] = price
    return found


def _evaluation(cases: Sequence[Case], auto: Auto | None, named: tuple[str | None, str | None]) -> Evaluation:
    """Raises Misused."""
    rated = [case for case in cases if case.quality]
    weak, strong = _pair(rated, auto, named)
    rated = rated or easy_and_hard(cases, weak, strong)
    if not rated:
        msg = "the file says of no prompt what `tier` it is, nor the `quality` of models' answers"
        raise Misused(msg)
    comparison = Comparison(rated, weak, strong)
    outcomes, divided = comparison.baselines(), comparison.divided()
    if auto is not None:
        models = [choice(auto, case.judged).name for case in rated]
        if all(model in case.quality for case, model in zip(rated, models, strict=True)):
            outcomes.append(comparison.outcome(AS_LED, models))
    return Evaluation(cases, (*outcomes, *divided), recovered_on_average(divided))


def _pair(rated: Sequence[Case], auto: Auto | None, named: tuple[str | None, str | None]) -> tuple[str, str]:
    """(weak, strong): as named, else as the document has them, else the two of the file by their quality."""
    weak, strong = named
    if auto is not None:
        weak = weak or auto.default.name
        strong = strong or (None if auto.strong is None else auto.strong.name)
    if not rated:
        return weak or WEAK, strong or STRONG
    known = set.intersection(*[set(case.quality) for case in rated])
    if weak is None and strong is None and len(known) == 2:
        weak, strong = sorted(known, key=lambda model: sum(case.quality[model] for case in rated))
    if weak is None or weak not in known:
        raise Misused(_unrated("--weak", weak, known))
    if strong is None or strong not in known:
        raise Misused(_unrated("--strong", strong, known))
    return weak, strong


def _unrated(option: str, model: str | None, known: Collection[str]) -> str:
    said = "" if model is None else f"not every line has the quality of {model}; "
    return f"{option}: {said}name one of {', '.join(sorted(known)) or 'those that every line has'}"


# --- what is printed --------------------------------------------------------------------------------


def _told(found: Evaluation) -> dict[str, Any]:
    """For machines."""
    agreed = agreement(found.cases)
    return {
        "prompts": len(found.cases),
        "agreement": {tier: dict(said) for tier, said in agreed.items()},
        "outcomes": [
            {name: value for name, value in asdict(each).items() if name != "cost"}
            | {"cost_usd": None if each.cost is None else float(usd_text(round(each.cost)))}
            for each in found.outcomes
        ],
        "recovered_on_average": found.on_average,
    }


def _shown(found: Evaluation) -> Iterator[RenderableType]:
    agreed = agreement(found.cases)
    if agreed:
        right = sum(said[tier] for tier, said in agreed.items())
        total = sum(said.total() for said in agreed.values())
        yield Text(f"Agreement: {right} of {total} ({right / total:.1%})", style="bold")
        rows = (
            (
                tier,
                *(agreed[tier][said] or None for said in TIERS),
                f"{agreed[tier][tier] / agreed[tier].total():.0%}",
            )
            for tier in TIERS
            if tier in agreed
        )
        yield table(("", *TIERS, "AGREED"), rows, right={*TIERS, "AGREED"})
        yield Text("")
    rows = (
        (
            each.name,
            f"{each.strong:.1%}",
            f"{each.quality:.4g}",
            *(None if part is None else f"{part:.1%}" for part in (each.kept, each.recovered)),
            None if each.cost is None else usd_text(round(each.cost)),
            None if each.saved is None else f"{each.saved:.1%}",
        )
        for each in found.outcomes
    )
    yield table(HEADINGS, rows, right=set(HEADINGS[1:]))
    if found.on_average is not None:
        yield Text(
            f"Of the gap {found.on_average:.1%} is recovered on average over all shares; by chance 50%"
        )
