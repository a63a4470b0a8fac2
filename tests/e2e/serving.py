"""`sekisho serve` as a program of its own, and what is read off its log."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from sekisho.upstream.origin import Origin

ADMIN_KEY = "sk-sekisho-admin-for-programs"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Nothing of this machine's keys and proxies."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "HOME": str(data_dir.parent), "SEKISHO_DATA_DIR": str(data_dir), "COLUMNS": "200", **more}


async def program(*arguments: str, environment: dict[str, str], patience: float = 60) -> tuple[int, str, str]:
    """Run `sekisho` to its end: (exit code, stdout, stderr)."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sekisho", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(patience):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@dataclass(frozen=True)
class Place:
    """Where a gateway runs."""

    host: str = "127.0.0.1"
    prefix: Sequence[str] = ()
    """The command that runs a command there."""


@dataclass
class Serving:
    process: asyncio.subprocess.Process
    url: str
    log: Path
    data_dir: Path

    @property
    def origin(self) -> Origin:
        parts = urlsplit(self.url)
        return Origin("http", str(parts.hostname), parts.port or 80)

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's events of this name so far."""
        lines = [line for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    async def logged(self, name: str, times: int) -> list[dict[str, Any]]:
        """Wait until so many events of this name are in the log."""
        async with asyncio.timeout(30):
            while len(found := self.events(name)) < times:
                assert self.process.returncode is None, self.log.read_text(encoding="utf-8")
                await asyncio.sleep(0.02)
        return found

    def http(self, key: str = ADMIN_KEY) -> httpx2.AsyncClient:
        """A client without kept connections: with several workers, each request may reach another one."""
        return httpx2.AsyncClient(
            base_url=self.url,
            headers={"authorization": f"Bearer {key}"},
            limits=httpx2.Limits(max_keepalive_connections=0),
            timeout=20,
        )

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def serving(
    folder: Path,
    *arguments: str,
    workers: int = 1,
    data_dir: Path | None = None,
    place: Place = Place(),
    **more: str,
) -> AsyncIterator[Serving]:
    """`sekisho serve` until it listens with all its workers; files are below `folder`."""
    data_dir = data_dir or folder / "data"
    port = free_port()
    log = folder / f"log-{port}"
    command = ("serve", "--host", place.host, "--port", str(port), "--workers", str(workers), *arguments)
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(*place.prefix, sys.executable, "-m", "sekisho", *command),
            env=environment(data_dir, **more),
            stdout=out,
            stderr=out,
        )
    started = Serving(process, f"http://{place.host}:{port}", log, data_dir)
    try:
        await started.logged("listening", workers)
        yield started
    finally:
        try:
            await started.stop()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
