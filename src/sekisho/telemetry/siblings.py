"""Metrics of several worker processes as one: each leaves its counts in a folder, each can add them up."""

import asyncio
import contextlib
import os
from pathlib import Path

from sekisho.telemetry.metrics import CallMetrics

EXPORT_SECONDS = 1.0


class Siblings:
    """`worker` None: the process is alone, and nothing is written."""

    def __init__(self, folder: Path, worker: int | None, metrics: CallMetrics):
        self._folder = folder
        self._worker = worker
        self._metrics = metrics

    def inherit(self) -> None:
        """Go on from the counts of a worker that died in this one's place. Once, at start."""
        if self._worker is not None:
            with contextlib.suppress(OSError):
                self._metrics.absorb(self._file(self._worker).read_bytes())

    def render(self) -> bytes:
        """The counts of all workers in Prometheus' text format; siblings' are up to a second old."""
        return self._metrics.render(self._read())

    async def run(self) -> None:
        """Write this worker's counts every second, until cancelled."""
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            with contextlib.suppress(OSError):  # a full disk must not cost more than a stale number
                self._write()
            await asyncio.sleep(EXPORT_SECONDS)

    def _write(self) -> None:
        draft = self._folder / f"{self._worker}.draft"
        draft.write_bytes(self._metrics.export())
        os.replace(draft, self._file(self._worker))

    def _read(self) -> list[bytes]:
        if self._worker is None:
            return []
        mine = self._file(self._worker)
        found = []
        for path in self._folder.glob("*.metrics"):
            if path != mine:
                with contextlib.suppress(OSError):
                    found.append(path.read_bytes())
        return found

    def _file(self, worker: int | None) -> Path:
        return self._folder / f"{worker}.metrics"


def clear(folder: Path) -> None:
    """Forget an earlier start's workers. Called once, before workers start."""
    for path in folder.glob("*.metrics"):
        with contextlib.suppress(OSError):
            path.unlink()
