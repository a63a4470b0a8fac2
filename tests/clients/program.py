"""Runs somebody else's program in an environment that knows only the gateway."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path

LIMIT = 90.0
"""Seconds."""


async def run(command: list[str], home: Path, environment: Mapping[str, str]) -> str:
    """What it printed. Raises AssertionError with all it said unless it ended well."""
    known = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=home, env={**known, **environment}, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), LIMIT)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
    said = f"{out.decode('utf-8', 'replace')}\n{err.decode('utf-8', 'replace')}"
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}\n{said}"
    return out.decode("utf-8", "replace")
