"""`sekisho serve`: one gateway process, or several on one port."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvloop

from sekisho import app, settings
from sekisho.cli.failure import fail
from sekisho.cli.several import check_shareable
from sekisho.cli.workers import Supervisor
from sekisho.control.state.address import StateError, read_address
from sekisho.control.store.engine import StoreError
from sekisho.routing.problem import DocumentError
from sekisho.settings import SettingsError
from sekisho.telemetry import log as logs

PARENT_SECONDS = 1.0
log = structlog.get_logger()


def serve(
    config: Annotated[
        Path | None, typer.Option(help="The configuration document. None: providers from the environment.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 4000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes on the one port.")] = 1,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    worker: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve the gateway until told to stop (SIGTERM or Ctrl-C lets running calls end first)."""
    logs.configure(log_level, json=not sys.stderr.isatty())
    configured = settings.load()
    options = app.Options(host=host, port=port, config=config, worker=worker)
    try:
        drain = settings.drain()
        if workers > 1:
            check_shareable(options, configured)
            if configured.state_url is not None:
                read_address(configured.state_url)
            raise SystemExit(Supervisor(sys.argv[1:], workers, configured.data_dir).run())
        uvloop.run(run(app.Gateway(configured, options), options, drain))
    except (DocumentError, SettingsError, StoreError, StateError) as error:
        fail(str(error))
    except OSError as error:
        where = f"{host}:{port}" if error.filename is None else error.filename
        fail(f"{where}: {error.strerror or error}")


async def run(gateway: app.Gateway, options: app.Options, drain: settings.Drain) -> None:
    """Serve until SIGTERM or SIGINT. Raises what `Gateway.start` raises."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)  # before the first call can come, which is to be let end
    port = await gateway.start()
    if gateway.first_admin_key is not None:
        typer.echo(f"First start. This admin key is shown once:\n\n    {gateway.first_admin_key}\n", err=True)
    # What was built at start lives as long as the process: the collector need not look at it again, and
    # need not look so often at calls, which free themselves.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    log.info("listening", host=options.host, port=port, pid=os.getpid())
    orphaned = loop.create_task(_orphaned(stop)) if options.worker is not None else None
    await stop.wait()
    if orphaned is not None:
        orphaned.cancel()
    log.info("draining")
    await gateway.stop(drain)
    log.info("stopped")


async def _orphaned(stop: asyncio.Event) -> None:
    """Stop when the process that looks after the workers is gone: nobody else would ever stop them."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel tells in no other way on every system
        await asyncio.sleep(PARENT_SECONDS)
    stop.set()
