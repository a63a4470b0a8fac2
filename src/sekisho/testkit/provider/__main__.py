"""`python -m sekisho.testkit.provider --port 9001`: the scripted provider as a process of its own."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import uvloop

from sekisho.testkit.provider.server import ScriptedProvider


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sekisho.testkit.provider", description=__doc__)
    parser.add_argument("--port", type=int, default=9001, help="0: a free one; it is printed")
    parser.add_argument("--canned", action="store_true", help="answer from memory, for load; counts only")
    parser.add_argument("--ledger", type=Path, help="append every answer to this file before its last byte")
    parser.add_argument("--api-key", help="the only key accepted (default: any)")
    parser.add_argument("--strict", action="store_true", help="refuse members the provider's API lacks")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    provider = ScriptedProvider(
        api_key=arguments.api_key,
        strict=arguments.strict,
        record=False,
        canned=arguments.canned,
        ledger=arguments.ledger,
    )
    await provider.start(arguments.port)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sys.stdout.write(f"{provider.base_url}\n")
    sys.stdout.flush()
    with contextlib.suppress(asyncio.CancelledError):
        await stopped.wait()
    await provider.stop()


if __name__ == "__main__":
    uvloop.run(_serve(_arguments()))
