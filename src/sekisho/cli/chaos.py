"""`sekisho chaos`: a bad day for a configuration's providers, and what its calls make of it."""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from sekisho import settings
from sekisho.app import Configuration, Gateway, Options, configuration
from sekisho.cli import chaos_card
from sekisho.cli.failure import fail
from sekisho.cli.screen import AsJson, print_json, screen
from sekisho.control.store.engine import StoreError
from sekisho.core.route import Route, Snapshot
from sekisho.providers import catalog
from sekisho.routing.document import RecordsEntry, ServerEntry
from sekisho.routing.names import nearest, nearest_of
from sekisho.routing.problem import DocumentError
from sekisho.settings import Drain, Settings
from sekisho.telemetry import log as logs
from sekisho.testkit.chaos import stage
from sekisho.testkit.chaos.caller import DIALECTS, Kind
from sekisho.testkit.chaos.rehearsal import Rehearsal, Result, Running
from sekisho.testkit.chaos.scenario import CATALOGUE, Scenario

HOST = "127.0.0.1"
USAGE = 2
DRAIN = Drain(limit=1)
KINDS: Sequence[Kind] = ("chat", "messages")
NAMES = ", ".join(scenario.name for scenario in CATALOGUE)


@dataclass(frozen=True, slots=True)
class Plot:
    """What is to be rehearsed, with which."""

    snapshot: Snapshot
    route: Route
    scenarios: Sequence[Scenario]
    fast: bool
    kinds: Sequence[Kind] = KINDS


def chaos(
    config: Annotated[
        Path | None, typer.Option(help="The document to rehearse. None: two providers, one of each API.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Its model to call. None: the one with the most to choose from.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help=f"This scenario: {NAMES}. May be said again.")
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(help=f"This kind of client: {', '.join(DIALECTS)}. None: {' and '.join(KINDS)}."),
    ] = None,
    *,
    fast: Annotated[
        bool, typer.Option("--fast", help="Limits of time of a second or two, instead of the route's own.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rehearse an outage: every fault that providers have, for each kind of client. No provider is called:
    all are played on this machine; the gateway is a real one. Exit code 1: something was lost."""
    logs.configure("critical", json=False)
    plot = replace(_plot(config, model, only or [], fast=fast), kinds=_kinds(client))
    results = _watched(plot)
    if as_json:
        print_json(chaos_card.told(plot.route.name, results))
    else:
        screen().print(chaos_card.shown(plot.route.name, results))
    if any(result.lost for result in results):
        raise typer.Exit(1)


def _watched(plot: Plot) -> list[Result]:
    """Shows on stderr, to people, how far it is: the real limits of time take minutes."""
    done = 0
    console = Console(stderr=True)
    with console.status("Raising the wall ...") as status:

        def told(_result: Result) -> None:
            nonlocal done
            done += 1
            status.update(f"{done} of {2 * len(plot.kinds) * len(plot.scenarios)} cases are through")

        try:
            return uvloop.run(rehearse(plot, told))
        except (StoreError, OSError) as error:
            fail(str(error))


def builtin(scenarios: Sequence[Scenario] = CATALOGUE, *, fast: bool) -> Plot:
    """Two providers, one of each API."""
    compiled = configuration(stage.DOCUMENT.encode(), "built in", catalog.load(), {})
    return Plot(compiled.snapshot, compiled.snapshot.routes["rehearsal"], scenarios, fast)


async def rehearse(plot: Plot, told: Callable[[Result], None]) -> list[Result]:
    """Every scenario for every kind of client, through a gateway of its own in this process."""
    rehearsal = Rehearsal(plot.snapshot, plot.route, plot.scenarios, plot.kinds, fast=plot.fast)
    staged = await rehearsal.open()
    try:
        async with _gateway(staged) as running:
            return await rehearsal.run(running, told)
    finally:
        await rehearsal.close()


@asynccontextmanager
async def _gateway(staged: Snapshot) -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory(prefix="sekisho-chaos-") as folder:
        data_dir = Path(folder)
        key = f"sk-chaos-{secrets.token_urlsafe(24)}"
        settings = Settings(data_dir, f"sqlite:///{data_dir / 'sekisho.db'}", admin_key=key)
        environment: Mapping[str, str] = {}  # nobody's proxies
        options = Options(host=HOST, port=0)
        fixed = Configuration(staged, ServerEntry(), RecordsEntry())
        gateway = Gateway(settings, options, environment, fixed)
        port = await gateway.start()
        try:
            yield Running(port, key, gateway.books)
        finally:
            await gateway.stop(DRAIN)


def _plot(config: Path | None, model: str | None, only: Sequence[str], *, fast: bool) -> Plot:
    """Ends the command where there is nothing to rehearse."""
    scenarios = [scenario for scenario in CATALOGUE if not only or scenario.name in only]
    names = [scenario.name for scenario in CATALOGUE]
    for name in only:
        if name not in names:
            near = nearest_of(name, names, limit=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
            fail(f"--only: there is no scenario {name}; {hint}", USAGE)
    if config is None and model is None:
        return builtin(scenarios, fast=fast)
    snapshot = _compiled(config)
    route = stage.route_of(snapshot) if model is None else snapshot.find(model)
    if route is None:
        near = nearest(model or "", snapshot)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        fail(f"the document serves no model{f' {model}' if model else ''}{hint}")
    return Plot(snapshot, route, scenarios, fast)


def _kinds(named: Sequence[str] | None) -> Sequence[Kind]:
    """Ends the command where there is no such kind."""
    for name in named or ():
        if name not in DIALECTS:
            fail(f"--client: there is no kind of client {name}; known: {', '.join(DIALECTS)}", USAGE)
    return [kind for kind in DIALECTS if kind in (named or KINDS)]


def _compiled(config: Path | None) -> Snapshot:
    if config is None:
        return builtin(fast=True).snapshot
    try:
        known = catalog.load(settings.load().catalog_dir)
        return configuration(config.read_bytes(), str(config), known, os.environ).snapshot
    except DocumentError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{config}: {error.strerror}")
