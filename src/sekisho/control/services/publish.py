"""Publishes the configuration document: compiles it when its file or the catalogue changes, and keeps the
last good one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from sekisho.providers import catalog
from sekisho.providers.catalog import Catalog
from sekisho.providers.models.kept import CURRENT
from sekisho.routing.problem import DocumentError

WATCH_SECONDS = 0.5
log = structlog.get_logger()
Compiled = TypeVar("Compiled")
Version = tuple[int, int, int]
"""Another one for another version of a file."""
Seen = tuple[Version | None, Version | None]


class DocumentWatcher(Generic[Compiled]):
    """Looks at one file twice a second. `publish` gets every new version that compiles; one that does not
    is refused with all its problems in the log, and what was served before goes on being served.

    `path`: None where there is no document, and its text is empty. `also`: a file that need not be there, on
    which what is compiled depends as well.
    """

    def __init__(self, path: Path | None, compile_text: Callable[[bytes], Compiled], also: Path):
        self._path = path
        self._compile = compile_text
        self._also = also
        self._seen: Seen | None = None
        self.refused = 0
        """Versions of the file that did not compile, since start."""

    def load(self) -> Compiled:
        """The first reading. Raises OSError or DocumentError: a process does not start on a bad document."""
        self._seen = self._signature()
        return self._read()

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
        return self._compile(b"" if self._path is None else self._path.read_bytes())

    def _refuse(self, problems: str) -> None:
        self.refused += 1
        log.error("document_refused", problems=problems, serving="the last good document")

    def _signature(self) -> Seen:
        return (None if self._path is None else _version(self._path)), _version_if_any(self._also)


class KeptCatalogue:
    """The catalogue of an installation, read anew where its folder has another edition."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.file = folder / CURRENT
        """That changes with the edition."""
        self._seen: Version | None = None
        self._catalog: Catalog | None = None

    def now(self) -> Catalog:
        """Raises OSError."""
        seen = _version_if_any(self.file)
        if self._catalog is None or seen != self._seen:
            self._catalog, self._seen = catalog.load(self._folder), seen
        return self._catalog


def _version(path: Path) -> Version:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _version_if_any(path: Path) -> Version | None:
    try:
        return _version(path)
    except FileNotFoundError:
        return None
