"""`sekisho check`: whether a configuration document compiles, and everything that is wrong with it."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sekisho import settings
from sekisho.core.route import Snapshot
from sekisho.plugins.scorers import Scorers
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.compile import Compiled, examine
from sekisho.routing.problem import DocumentError, Problem


def check(
    file: Annotated[Path, typer.Argument(help="the configuration document", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of prose")] = False,
) -> None:
    """Compile a configuration document without serving it, and name every problem. Needs no network."""
    compiled, problems = _compile(file)
    counts = _counts(compiled.snapshot) if compiled is not None else {}
    if as_json:
        found = [asdict(problem) for problem in problems]
        report = {"ok": compiled is not None, "file": str(file), **counts, "problems": found}
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        _show(file, counts, problems)
    if compiled is None:
        raise typer.Exit(1)


def _compile(file: Path) -> tuple[Compiled | None, tuple[Problem, ...]]:
    source = str(file)
    try:
        parsed = document.read(file.read_bytes(), source)
        known = catalog.load(settings.load().catalog_dir)
        compiled = examine(parsed, known, os.environ, Scorers().find)
    except OSError as error:
        return None, (Problem(source, 1, 1, "", f"cannot be read: {error.strerror}"),)
    except DocumentError as error:
        return None, error.problems
    return compiled, compiled.warnings


def _counts(snapshot: Snapshot) -> dict[str, int]:
    """`priced` and `unpriced` count endpoints: one provider serving one model."""
    listed = [route for route in snapshot.routes.values() if not route.virtual]
    priced = [target.endpoint.price is not None for route in listed for target in route.targets]
    return {
        "providers": len(snapshot.providers),
        "models": len(listed),
        "virtual_models": len(snapshot.routes) - len(listed),
        "priced": sum(priced),
        "unpriced": len(priced) - sum(priced),
        "open_providers": len(snapshot.open_providers),
    }


def _show(file: Path, counts: dict[str, int], problems: tuple[Problem, ...]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for problem in problems:
        console.print(_line(problem))
    errors = sum(problem.level == "error" for problem in problems)
    if errors:
        console.print(Text.assemble((f"{file}: {_many(errors, 'error')}; not usable", "bold red")))
        return
    console.print(Text.assemble(("OK", "bold green"), f" {file}: {_summary(counts, len(problems))}"))


def _summary(counts: dict[str, int], warnings: int) -> str:
    said = [
        _many(counts["providers"], "provider"),
        _many(counts["models"], "model"),
        _many(counts["virtual_models"], "virtual model"),
        f"{counts['priced']} priced, {counts['unpriced']} unpriced",
    ]
    if counts["open_providers"]:
        said.append(f"{_many(counts['open_providers'], 'provider')} open to any model name")
    said.append(_many(warnings, "warning"))
    return ", ".join(said)


def _line(problem: Problem) -> Text:
    line = Text(str(problem))
    line.stylize("yellow" if problem.level == "warning" else "red")
    line.stylize("bold", 0, len(f"{problem.file}:{problem.line}:{problem.column}"))
    return line


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
