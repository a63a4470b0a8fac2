"""`sekisho catalog`: newer editions of models and prices, and further sets of scores."""

import importlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sekisho import settings
from sekisho.cli.database import USAGE
from sekisho.cli.failure import fail
from sekisho.cli.marketplace import market, scores_folder
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.providers import catalog as rows
from sekisho.providers.market import quality
from sekisho.providers.market.quality import BadSet, QualitySet
from sekisho.providers.models import edition, kept
from sekisho.providers.models.edition import BadEdition, Change, Comparison, Edition

catalog = typer.Typer(help="Newer models and prices, further sets of scores.", no_args_is_help=True)
scores = typer.Typer(help="Sets of quality scores.", no_args_is_help=True)
catalog.add_typer(scores, name="quality")
TAKEN = "A gateway that runs on this folder takes it within a second."


@catalog.command("update")
def update(
    file: Annotated[
        Path | None, typer.Option("--from", help="An edition. Default: the installed genai-prices.")
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Take it although it looks wrong.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take newer models and prices, show what changes, and keep what was. Needs no network."""
    folder = settings.load().catalog_dir
    new = _newer(file)
    before = kept.current(folder)
    old = max((each for each in (before, kept.shipped()) if each), key=lambda each: each.date)
    found = edition.compared(old, new, rows.rows())
    if as_json:
        print_json(_members(old, new, found))
    else:
        _show(old, new, found)
    if found.absurd and not force:
        fail("\n  ".join(["refused, nothing was changed; --force takes it all the same:", *found.absurd]))
    if dry_run:
        return
    for each in (before, old):
        new = edition.carried(each, new) if each else new
    try:
        target = kept.keep(folder, new)
    except OSError as error:
        fail(f"{error.filename or folder}: {error.strerror}; nothing was changed")
    if not as_json:
        typer.echo(f"{target}: in use. {TAKEN}")


@catalog.command("restore")
def restore() -> None:
    """Go back to the edition before the last update."""
    folder = settings.load().catalog_dir
    try:
        back = kept.restore(folder)
    except (BadEdition, OSError) as error:
        fail(f"{error}; nothing was changed")
    typer.echo(f"{back.source}, {back.date}: in use. {TAKEN}")


@scores.command("add")
def add_scores(
    file: Annotated[Path, typer.Argument(help="CSV with the columns model and score.", show_default=False)],
    name: Annotated[str, typer.Option(help="Short: `own-2026`. A set of the same name is replaced.")],
    source: Annotated[str, typer.Option(help="Where the scores come from: an address, or who made them.")],
    date: Annotated[str, typer.Option(help="The day they are of: 2026-11-01.")],
    title: Annotated[str | None, typer.Option(help="For people. Default: the name.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a set of scores to rank by. Names that the catalogue does not know are kept, and listed."""
    head = QualitySet(name=name, title=title or name, source=source, date=date, scores=())
    if name in quality.SHIPPED:
        fail(f"--name: {name} is the name of a set that ships; choose another", USAGE)
    try:
        found = quality.from_csv(file.read_text("utf-8-sig"), str(file), head)
        folder = scores_folder()
        folder.mkdir(parents=True, exist_ok=True)
        kept.replace(folder / f"{name}.json", msgspec.json.encode(found))
    except UnicodeDecodeError:
        fail(f"{file}: is not UTF-8; save it as UTF-8 and try again")
    except BadSet as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    unmatched = [each.score.name for each in market(name).scores() if each.model is None]
    if as_json:
        print_json({"name": name, "scores": len(found.scores), "unmatched": unmatched})
        return
    typer.echo(
        f"{name}: {len(found.scores)} scores, {len(found.scores) - len(unmatched)} of models known here"
    )
    for each in unmatched:
        typer.echo(f"  not in the catalogue: {each}")


@scores.command("list")
def list_scores(*, as_json: AsJson = False) -> None:
    """The sets that there are."""
    found = market()
    counts: dict[str, list[bool]] = {}
    sets: dict[str, QualitySet] = {}
    for each in found.rated:
        sets[each.quality.name] = each.quality
        counts.setdefault(each.quality.name, []).append(each.model is not None)
    listed: list[dict[str, Any]] = [
        {
            "name": name,
            "title": each.title,
            "date": each.date,
            "source": each.source,
            "scores": len(counts[name]),
            "known": sum(counts[name]),
        }
        for name, each in sets.items()
    ]
    if as_json:
        print_json(listed)
        return
    screen().print(table(list(listed[0]), (each.values() for each in listed), right=("scores", "known")))


def _newer(file: Path | None) -> Edition:
    """The edition to update to; what is wrong with it ends the command."""
    try:
        if file is not None:
            return kept.read_file(file)
        module = importlib.import_module("sekisho.providers.compiler.models")
    except BadEdition as error:
        fail(f"{error}; nothing was changed")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}; nothing was changed")
    except ImportError:
        fail("needs genai-prices: pip install -U 'sekisho[prices]', or name an edition with --from FILE")
    made: Edition = module.compile_edition(datetime.now(UTC).date())
    return made


def _show(old: Edition, new: Edition, found: Comparison) -> None:
    console = screen()
    if found.changes:
        lines = (
            (
                each.provider,
                each.model,
                each.kind,
                edition.rates_text(each.before),
                edition.rates_text(each.after),
            )
            for each in found.changes
        )
        headings = ("provider", "model", "change", "before USD/1M", "after USD/1M")
        console.print(table(headings, lines, right=headings[3:]))
    counts = ", ".join(f"{_count(found.changes, kind)} {word}" for kind, word in WORDS)
    typer.echo(f"{old.source} of {old.date} -> {new.source} of {new.date}: {counts}")


WORDS = (("added", "models added"), ("removed", "removed"), ("price", "prices changed"))


def _count(changes: Iterable[Change], kind: str) -> int:
    return sum(change.kind == kind for change in changes)


def _members(old: Edition, new: Edition, found: Comparison) -> dict[str, Any]:
    return {
        "from": {"source": old.source, "date": old.date},
        "to": {"source": new.source, "date": new.date},
        "changes": [msgspec.to_builtins(change) for change in found.changes],
        "absurd": list(found.absurd),
    }
