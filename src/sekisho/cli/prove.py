"""`sekisho prove`: whether money is counted right, here, with this configuration, database and state."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from sekisho import settings
from sekisho.cli import prove_card, prove_run
from sekisho.cli.demo_gateway import GatewayFailed
from sekisho.cli.failure import fail
from sekisho.cli.options import taking
from sekisho.cli.prove_gateway import Staging
from sekisho.cli.prove_run import Plan
from sekisho.cli.screen import AsJson, print_json, screen
from sekisho.control.state.address import StateError
from sekisho.control.store.engine import StoreError
from sekisho.routing.problem import DocumentError
from sekisho.telemetry import log as logs

USAGE = 2
REPEATS, FEW_REPEATS = 10, 2
STEADY = 185.0
"""Seconds: three whole minutes after the first call has arrived."""


@dataclass(frozen=True, kw_only=True)
class ProveOptions:
    config: Annotated[
        Path | None, typer.Option(help="The document. None: only what the proof brings along.")
    ] = None
    model: Annotated[
        str | None, typer.Option(help="Its model to call. None: the one with the most to choose from.")
    ] = None
    processes: Annotated[
        int | None, typer.Option(min=1, max=32, help="Gateways. None: 3 with a shared state, else 1.")
    ] = None
    workers: Annotated[int, typer.Option(min=1, max=32, help="Workers of each gateway.")] = 1
    repeats: Annotated[
        int | None,
        typer.Option(min=0, max=1000, help="Bursts in which one is killed: 10, or 2 with --fast."),
    ] = None
    steady: Annotated[
        float | None,
        typer.Option(min=0, max=86_400, help="Seconds of steady demand: 185, or none with --fast."),
    ] = None
    database_url: Annotated[
        str | None, typer.Option(help="The server to make a database on. None: SEKISHO_DATABASE_URL.")
    ] = None
    state_url: Annotated[
        str | None, typer.Option(help="Where to count in a namespace of its own. None: SEKISHO_STATE_URL.")
    ] = None
    fast: Annotated[bool, typer.Option("--fast", help="Half a minute instead of six.")] = False


@taking(ProveOptions)
def prove(*, asked: ProveOptions, as_json: AsJson = False) -> None:
    """Prove that money is counted right: bursts against every kind of limit, with providers that fail,
    clients that leave and gateways that are killed. No provider is called, and your books are not touched: a
    database and a namespace of the shared state are made for it, and removed. Exit code 1: a figure is not 0.
    """
    logs.configure("critical", json=False)
    plan = _plan(asked)
    try:
        proof = uvloop.run(prove_run.run(plan))
    except (DocumentError, LookupError, StoreError, StateError, GatewayFailed, OSError) as error:
        fail(str(error))
    failed = prove_card.failures(proof.figures, proof.minutes)
    if as_json:
        print_json(prove_card.as_json(proof.figures, proof.minutes, failed))
    else:
        screen().print(prove_card.shown(proof.figures, proof.minutes, failed))
    if failed:
        raise typer.Exit(1)


def _plan(asked: ProveOptions) -> Plan:
    """Ends the command where it cannot be made."""
    known = settings.load()
    state_url, fast = asked.state_url or known.state_url, asked.fast
    hosts = asked.processes or (3 if state_url else 1)
    if hosts * asked.workers > 1 and state_url is None:
        fail("several processes share no limits without SEKISHO_STATE_URL (or --state-url)", USAGE)
    config = None if asked.config is None else str(asked.config.resolve())
    return Plan(
        Staging(config, asked.model, fast, str(known.catalog_dir)),
        hosts=hosts,
        workers=asked.workers,
        repeats=asked.repeats if asked.repeats is not None else FEW_REPEATS if fast else REPEATS,
        steady=asked.steady if asked.steady is not None else 0.0 if fast else STEADY,
        database_url=asked.database_url or known.database_url,
        state_url=state_url,
        told=prove_card.Tell(Console(stderr=True)),
    )
