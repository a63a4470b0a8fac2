"""A gateway of its own for the demo: a child process with temporary data that leaves nothing behind."""

import asyncio
import http.client
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sekisho.cli import child

HOST = "127.0.0.1"
START_SECONDS = 20.0
STOP_SECONDS = 5.0


class GatewayFailed(Exception):
    """It did not come up, or a command beside it failed. The message ends with what it printed."""


class DemoGateway:
    def __init__(self, document: str | None, port: int):
        self.port = port
        self.seconds = 0.0
        """From the start of the process to its readiness."""
        self._document = document
        self._folder = tempfile.TemporaryDirectory(prefix="sekisho-demo-")
        self._path = Path(self._folder.name)
        self._process: asyncio.subprocess.Process | None = None
        self._environment = {
            name: value for name, value in os.environ.items() if name != "SEKISHO_DATABASE_URL"
        }
        self._environment["SEKISHO_DATA_DIR"] = str(self._path / "data")
        self._environment["SEKISHO_ADMIN_KEY"] = f"sk-demo-admin-{secrets.token_urlsafe(24)}"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        arguments = ["serve", "--host", HOST, "--port", str(self.port)]
        if self._document is not None:
            file = self._path / "sekisho.yaml"
            file.write_text(self._document, encoding="utf-8")
            arguments += ["--config", str(file)]
        started = time.monotonic()
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sekisho", *arguments, env=self._environment, stdout=log, stderr=log
            )
        async with AsyncExitStack() as otherwise:
            otherwise.push_async_callback(self._stop)
            await self._ready(started + START_SECONDS)
            otherwise.pop_all()
        self.seconds = time.monotonic() - started
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def wait(self) -> int:
        """Until the process ends by itself; its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def create_key(self, name: str) -> str:
        """A new key, made by the command that operators use."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sekisho", "keys", "create", "--name", name, "--json"),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate()
        if process.returncode != 0:
            raise GatewayFailed(f"`sekisho keys create` failed:\n{complaint.decode('utf-8', 'replace')}")
        return str(json.loads(said)["key"])

    @property
    def _log(self) -> Path:
        return self._path / "gateway.log"

    async def _ready(self, deadline: float) -> None:
        assert self._process is not None
        while not await asyncio.to_thread(_is_ready, self.port):
            if self._process.returncode is not None or time.monotonic() > deadline:
                tail = self._log.read_text("utf-8", "replace")[-3000:]
                raise GatewayFailed(f"`sekisho serve` did not come up:\n{tail}")
            await asyncio.sleep(0.02)

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            await child.end(process, signal.SIGTERM, STOP_SECONDS)
        self._folder.cleanup()


def free_port(wanted: int) -> int:
    """`wanted` where nobody listens there, else one that the system picks."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise GatewayFailed("this machine has no free port on loopback")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
