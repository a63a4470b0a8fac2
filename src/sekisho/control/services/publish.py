"""Publishes the configuration document: compiles it when its file changes, and keeps the last good one."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from sekisho.core.route import Snapshot
from sekisho.routing.problem import DocumentError

WATCH_SECONDS = 0.5
log = structlog.get_logger()


class DocumentWatcher:
    """Looks at one file twice a second. `publish` gets every new snapshot; a document that does not compile
    is refused with all its problems in the log, and what was served before goes on being served."""

    def __init__(
        self, path: Path, compile_text: Callable[[bytes], Snapshot], publish: Callable[[Snapshot], None]
    ):
        self._path = path
        self._compile = compile_text
        self._publish = publish
        self._seen: tuple[int, int, int] | None = None
        self.refused = 0
        """Versions of the file that did not compile, since start."""

    def load(self) -> Snapshot:
        """The first reading. Raises OSError or DocumentError: a process does not start on a bad document."""
        self._seen = self._signature()
        return self._compile(self._path.read_bytes())

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.check()

    async def check(self) -> None:
        """Publish the file anew if it has changed since the last look."""
        try:
            signature = self._signature()
            if signature == self._seen:
                return
            self._seen = signature
            snapshot = await asyncio.to_thread(self._read)
        except OSError as error:
            self._refuse(f"{self._path}: {error.strerror}")
        except DocumentError as error:
            self._refuse(str(error))
        else:
            self._publish(snapshot)
            log.info("document_published", revision=snapshot.revision, models=len(snapshot.routes))

    def _read(self) -> Snapshot:
        return self._compile(self._path.read_bytes())

    def _refuse(self, problems: str) -> None:
        self.refused += 1
        log.error("document_refused", problems=problems, serving="the last good document")

    def _signature(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return (status.st_mtime_ns, status.st_size, status.st_ino)
