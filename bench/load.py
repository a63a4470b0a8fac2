"""Load: wrk for unary calls, one raw socket for latency."""

import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.gateways import HOST, Subject
from bench.proc import OTHER_CORES

SCRIPT = Path(__file__).parent / "unary.lua"


class LoadFailed(Exception):
    """Answers were missing or not what was asked for: nothing measured over them would mean anything."""


@dataclass(frozen=True, slots=True)
class Burst:
    requests: int
    seconds: float
    p50: float
    p99: float
    cpu: float
    """CPU seconds of the subject, what it put off included."""

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_each(self) -> float:
        """Microseconds."""
        return self.cpu / self.requests * 1e6


def wrk(subject: Subject, body: bytes, folder: Path, *, connections: int, seconds: float) -> Burst:
    """A burst of calls, all of which must be answered with 2xx."""
    body_file, header_file = folder / "body.json", folder / "headers.txt"
    body_file.write_bytes(body)
    header_file.write_text("".join(f"{name}: {value}\n" for name, value in subject.headers.items()), "utf-8")
    process, url = subject.process, f"http://{HOST}:{subject.port}{subject.path}"
    before = process.cpu() if process is not None else 0.0
    done = subprocess.run(
        [*["wrk", "-t1", "--timeout", "30s"], f"-c{connections}", f"-d{seconds:g}s", "-s", str(SCRIPT), url],
        env={**os.environ, "BENCH_BODY": str(body_file), "BENCH_HEADERS": str(header_file)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, OTHER_CORES),
    )
    used = process.settled_cpu() - before if process is not None else 0.0
    found = [line for line in done.stdout.splitlines() if line.startswith("BENCH ")]
    if not found:
        raise LoadFailed(f"wrk against {subject.name}: {done.stdout}{done.stderr}")
    said = json.loads(found[0].removeprefix("BENCH "))
    if said["status"] or said["broken"] or not said["requests"]:
        raise LoadFailed(f"wrk against {subject.name}: {found[0]}")
    return Burst(said["requests"], said["seconds"], said["p50"], said["p99"], used)


class Prober:
    """Another client, who asks for little every few milliseconds and notes how long it took."""

    def __init__(self, port: int):
        self.taken: list[float] = []
        """Seconds, from when it wanted to ask."""
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with socket.create_connection((HOST, self._port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self._over.wait(0.002):
                started = time.perf_counter()
                connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n")
                if not connection.recv(65536):
                    raise LoadFailed("the connection was closed")
                self.taken.append(time.perf_counter() - started)


class Caller:
    """One keep-alive connection that times its calls."""

    def __init__(self, subject: Subject):
        self._request = subject.raw(subject.body())
        self._socket = socket.create_connection((HOST, subject.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._length = 0

    def call(self) -> float:
        """Seconds from the request's first byte to the answer's last."""
        started = time.perf_counter()
        self._socket.sendall(self._request)
        got = self._socket.recv(65536)
        while not self._whole(got):
            more = self._socket.recv(65536)
            if not more:
                raise LoadFailed("the connection was closed")
            got += more
        taken = time.perf_counter() - started
        if not got.startswith(b"HTTP/1.1 200"):
            raise LoadFailed(got[:300].decode("utf-8", "replace"))
        return taken

    def _whole(self, got: bytes) -> bool:
        if self._length:
            return len(got) >= self._length
        head, found, _ = got.partition(b"\r\n\r\n")
        if not found:
            return False
        marker = b"content-length: "
        at = head.lower().find(marker)
        if at < 0:
            return got.endswith(b"0\r\n\r\n")
        size = int(head[at + len(marker) :].split(b"\r\n", 1)[0])
        return len(got) >= len(head) + 4 + size

    def close(self) -> None:
        self._socket.close()
