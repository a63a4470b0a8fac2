"""Gateways of a command's own: processes on loopback that are started, killed and started again."""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sekisho.cli import child
from sekisho.cli.demo_gateway import GatewayFailed, free_port

START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK = 0.02


@dataclass(slots=True)
class Host:
    """One gateway, of one worker or several, with files of its own."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None
    listening: int = 0
    """How many workers have said so up to now."""

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def workers(self) -> list[int]:
        """The process ids of all that have ever listened."""
        lines = [line for line in self.log.read_text("utf-8", "replace").splitlines() if line.startswith("{")]
        events = (json.loads(line) for line in lines if '"listening"' in line)
        return [int(event["pid"]) for event in events]


@dataclass(slots=True)
class Fleet:
    """Use it as a context. `arguments`: of the program, but for port and workers."""

    folder: Path
    arguments: Sequence[str]
    environment: Mapping[str, str]
    hosts: int
    workers: int
    _hosts: list[Host] = field(default_factory=list)

    @property
    def ports(self) -> list[int]:
        return [host.port for host in self._hosts]

    @property
    def data_dirs(self) -> list[Path]:
        return [host.data_dir for host in self._hosts]

    async def __aenter__(self) -> Self:
        for number in range(self.hosts):
            folder = self.folder / str(number)
            folder.mkdir()
            self._hosts.append(Host(folder, free_port(0)))
        async with AsyncExitStack() as otherwise:
            otherwise.push_async_callback(self._end, signal.SIGKILL)
            await asyncio.gather(*(self._start(host) for host in self._hosts))
            otherwise.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As operators stop them: every record comes home."""
        await self._end(signal.SIGTERM)

    async def kill(self, dice: random.Random) -> None:
        """One worker, at once, without a word; returns when another one serves in its place."""
        host = dice.choice(self._hosts)
        if self.workers == 1:
            assert host.process is not None
            host.process.kill()
            await host.process.wait()
            await self._start(host)
            return
        alive = [pid for pid in host.workers() if _is_alive(pid)]
        # Of the older half: workers that die young are taken for ones that cannot start.
        os.kill(dice.choice(alive[: max(1, len(alive) // 2)]), signal.SIGKILL)
        host.listening += 1
        await self._listens(host)

    async def _start(self, host: Host) -> None:
        with host.log.open("ab") as log:
            host.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sekisho", *self.arguments),
                *("--port", str(host.port), "--workers", str(self.workers)),
                env={**self.environment, "SEKISHO_DATA_DIR": str(host.data_dir)},
                stdout=log,
                stderr=log,
            )
        host.listening += self.workers
        await self._listens(host)

    async def _listens(self, host: Host) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                while len(host.workers()) < host.listening:
                    if host.process is None or host.process.returncode is not None:
                        break
                    await asyncio.sleep(LOOK)
                else:
                    return
        except TimeoutError:
            pass
        tail = host.log.read_text("utf-8", "replace")[-2000:]
        raise GatewayFailed(f"a gateway did not come up:\n{tail}")

    async def _end(self, number: signal.Signals) -> None:
        await asyncio.gather(*(_end(host, number) for host in self._hosts))


async def _end(host: Host, number: signal.Signals) -> None:
    process, host.process = host.process, None
    if process is not None and process.returncode is None:
        await child.end(process, number, STOP_SECONDS)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
