"""A gateway for a proof: the program of its own that `sekisho prove` starts, kills and starts again."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop

from sekisho import app, settings
from sekisho.app import Configuration, configuration
from sekisho.cli import serve
from sekisho.cli.workers import Supervisor
from sekisho.core.route import Route, Snapshot
from sekisho.providers import catalog
from sekisho.routing.document import RecordsEntry, ServerEntry
from sekisho.settings import Drain
from sekisho.telemetry import log as logs
from sekisho.testkit.chaos.stage import route_of
from sekisho.testkit.proof import stage

HOST = "127.0.0.1"
COMMAND = "prove-gateway"
GRACE = 2.0
"""Seconds; see `app.Options`. Clients of a proof are quick to read."""


class Staging(msgspec.Struct, frozen=True):
    """What is served, as a file that the command writes for its gateways."""

    config: str | None
    """Path of the document. None: the proof's own models alone."""
    model: str | None
    """Of the document. None: the one with the most to choose from."""
    fast: bool
    catalog_dir: str
    """Of the configuration's own prices."""
    addresses: dict[str, str] = {}
    """Provider -> where a scripted one answers in its place."""


def own_snapshot() -> Snapshot:
    return configuration(stage.DOCUMENT.encode(), "built in", catalog.load(), {}).snapshot


def route(staging: Staging) -> Route | None:
    """The configuration's own. Raises DocumentError, OSError; LookupError where there is none of the name."""
    if staging.config is None:
        return None
    path = Path(staging.config)
    known = catalog.load(Path(staging.catalog_dir))
    snapshot = configuration(path.read_bytes(), str(path), known, os.environ).snapshot
    found = route_of(snapshot) if staging.model is None else snapshot.find(staging.model)
    if found is None:
        raise LookupError(f"the document serves no model{f' {staging.model}' if staging.model else ''}")
    return found


def prove_gateway(
    staging: Annotated[Path, typer.Option()],
    port: Annotated[int, typer.Option()],
    workers: Annotated[int, typer.Option()] = 1,
    worker: Annotated[int | None, typer.Option()] = None,
) -> None:
    """What `sekisho prove` calls. Settings come from the environment, as for `serve`."""
    logs.configure("info", json=True)
    configured = settings.load()
    if workers > 1:
        arguments = [COMMAND, "--staging", str(staging), "--port", str(port)]
        raise SystemExit(Supervisor(arguments, workers, configured.data_dir).run())
    said = msgspec.json.decode(staging.read_bytes(), type=Staging)
    snapshot = stage.staged(own_snapshot(), route(said), said.addresses, fast=said.fast)
    options = app.Options(host=HOST, port=port, worker=worker, grace=GRACE)
    fixed = Configuration(snapshot, ServerEntry(), RecordsEntry())
    gateway = app.Gateway(configured, options, {}, fixed)
    uvloop.run(serve.run(gateway, options, Drain(limit=5)))
