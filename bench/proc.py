"""Processes: started on chosen cores, measured through /proc, ended together."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
GATEWAY_CORE = {CORES[0]}
OTHER_CORES = set(CORES[1:]) or GATEWAY_CORE
"""Where load generators and upstreams run; with one core only they must share it, and the report says so."""
OPEN_FILES = 20_000


def raise_open_files() -> int:
    """Ask for as many descriptors as 8,000 relayed streams take; how many there are now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, OPEN_FILES)
    if 0 <= hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, PermissionError):
            wanted = hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted) if hard >= 0 else hard))
    return wanted


class Process:
    """One child and its descendants, on given cores."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        cores: set[int],
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ):
        self.name = name
        self.log = log
        self.started = time.monotonic()
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                cwd=folder,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def pids(self) -> list[int]:
        return descendants(self._child.pid)

    def cpu(self) -> float:
        """CPU seconds that it and its descendants have used."""
        return sum(_cpu(pid) for pid in self.pids())

    def settled_cpu(self, patience: float = 20.0) -> float:
        """CPU seconds once it has gone quiet: work that a gateway puts off is work of the calls too."""
        deadline = time.monotonic() + patience
        used = self.cpu()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.cpu()
            if now - used < 0.02:
                return now
            used = now
        return used

    def memory(self) -> tuple[int, int]:
        """(resident, proportional) bytes."""
        sizes = [_memory(pid) for pid in self.pids()]
        return sum(size[0] for size in sizes), sum(size[1] for size in sizes)

    def forget_peak(self) -> None:
        """`peak` counts from here."""
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")

    def peak(self) -> int:
        """The most resident bytes since `forget_peak`, of each process at its own moment."""
        return sum(_peak(pid) for pid in self.pids())

    def open_files(self) -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())

    def tail(self) -> str:
        return self.log.read_text("utf-8", "replace")[-2000:]

    def kill(self) -> None:
        """At once, without a word."""
        os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def stop(self) -> None:
        if not self.alive:
            return
        os.killpg(self._child.pid, signal.SIGTERM)
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def descendants(pid: int) -> list[int]:
    """`pid` and everything below it that still lives."""
    found = [pid]
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        for thread in threads:
            children = Path(f"/proc/{pid}/task/{thread}/children").read_text("ascii").split()
            for child in children:
                found.extend(descendants(int(child)))
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found


def _cpu(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rpartition(") ")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS  # with children already waited for


def _memory(pid: int) -> tuple[int, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii", "replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    sizes = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return _kilobytes(sizes, "Rss"), _kilobytes(sizes, "Pss")


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    return _kilobytes({name: value for name, _, value in (line.partition(":") for line in lines)}, "VmHWM")


def _kilobytes(sizes: Mapping[str, str], name: str) -> int:
    return int(sizes.get(name, "0 kB").split()[0]) * 1024
