"""Several gateway processes on one port: starts them, replaces those that die, stops them together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from sekisho.telemetry import siblings

POLL_SECONDS = 0.1
SHORT_LIFE = 2.0
"""Seconds. A worker that dies sooner was not able to start at all."""
GIVE_UP_AFTER = 3
"""Short lives in a row, over all workers, after which the command fails instead of trying for ever."""
log = structlog.get_logger()


class Supervisor:
    """The kernel spreads connections over the workers (SO_REUSEPORT); this process only looks after them."""

    def __init__(self, arguments: Sequence[str], workers: int, data_dir: Path):
        self._arguments = list(arguments)
        self._workers = workers
        self._data_dir = data_dir
        self._children: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._stopping = False
        self._short_lives = 0

    def run(self) -> int:
        """Until SIGTERM or SIGINT; returns the exit code."""
        siblings.clear(self._data_dir / "run")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for worker in range(self._workers):
            self._start(worker)
        while self._children:
            time.sleep(POLL_SECONDS)
            for worker, (child, born) in list(self._children.items()):
                if child.poll() is not None:
                    self._ended(worker, child.returncode, time.monotonic() - born)
        return 1 if self._short_lives >= GIVE_UP_AFTER else 0

    def _start(self, worker: int) -> None:
        command = [
            sys.executable,
            "-m",
            "sekisho",
            *self._arguments,
            "--workers",
            "1",
            "--worker",
            str(worker),
        ]
        child = subprocess.Popen(command)
        self._children[worker] = (child, time.monotonic())
        if self._stopping:  # told to stop after this worker's turn had come, but before it could be told
            child.terminate()

    def _ended(self, worker: int, code: int, lived: float) -> None:
        del self._children[worker]
        if self._stopping:
            return
        log.error("worker_died", worker=worker, code=code, lived_seconds=round(lived, 1))
        self._short_lives = self._short_lives + 1 if lived < SHORT_LIFE else 0
        if self._short_lives >= GIVE_UP_AFTER:
            self._stop()
        else:
            self._start(worker)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for child, _born in self._children.values():
            if child.poll() is None:
                os.kill(child.pid, signal.SIGTERM)
