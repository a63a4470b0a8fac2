"""Publishes the configuration document: compiles it when its file changes, and keeps the last good one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from sekisho.routing.problem import DocumentError

WATCH_SECONDS = 0.5
log = structlog.get_logger()
Compiled = TypeVar("Compiled")


class DocumentWatcher(Generic[Compiled]):
    """Looks at one file twice a second. `publish` gets every new version that compiles; one that does not
    is refused with all its problems in the log, and what was served before goes on being served."""

    def __init__(self, path: Path, compile_text: Callable[[bytes], Compiled]):
        self._path = path
        self._compile = compile_text
        self._seen: tuple[int, int, int] | None = None
        self.refused = 0
        """Versions of the file that did not compile, since start."""

    def load(self) -> Compiled:
        """The first reading. Raises OSError or DocumentError: a process does not start on a bad document."""
        self._seen = self._signature()
        return self._compile(self._path.read_bytes())

    async def run(self, publish: Callable[[Compiled], Awaitable[None]]) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.check(publish)

    async def check(self, publish: Callable[[Compiled], Awaitable[None]]) -> None:
        """Publish the file anew if it has changed since the last look."""
        try:
            signature = self._signature()
            if signature == self._seen:
                return
            self._seen = signature
            compiled = await asyncio.to_thread(self._read)
        except OSError as error:
            if self._seen is not None:  # told once, not twice a second
                self._seen = None
                self._refuse(f"{self._path}: {error.strerror}")
        except DocumentError as error:
            self._refuse(str(error))
        else:
            await publish(compiled)

    def _read(self) -> Compiled:
        return self._compile(self._path.read_bytes())

    def _refuse(self, problems: str) -> None:
        self.refused += 1
        log.error("document_refused", problems=problems, serving="the last good document")

    def _signature(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return (status.st_mtime_ns, status.st_size, status.st_ino)
