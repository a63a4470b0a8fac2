"""Processes that a command starts, and ends with itself."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import Process


async def end(process: Process, number: signal.Signals, patience: float) -> None:
    """Ask it to end, and kill it where it has not after `patience` seconds."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        async with asyncio.timeout(patience):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
