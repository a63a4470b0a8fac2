"""Reports over millions of calls on both databases, and the calls that are served beside them."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from tests.services import Postgres

from bench.cases import quantile
from bench.findings import Findings, Table, at_most
from bench.gateways import Sekisho
from bench.ground import Ground, say
from bench.load import Caller
from bench.report_books import DAYS, HOUR, Size, check, fill
from bench.report_run import LONG, SINGLE
from sekisho.control.store.engine import Store

PORT = 9113
CALLS = 5_000


def reports(ground: Ground) -> Findings:
    """Every report over ten million calls, and the hot path while they run."""
    size = Size(ground.count(DAYS * 24, 24), int(time.time()) // HOUR * HOUR)
    findings = Findings()
    with _databases(ground.folder) as urls:
        for name, url in urls.items():
            _measure(ground, name, url, size, findings)
    return findings


@contextmanager
def _databases(folder: Path) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-postgres-") as name:
        where = Path(name)
        where.chmod(0o711)  # its processes may be another user's
        server = Postgres(where)
        server.start()
        try:
            yield {"SQLite": f"sqlite:///{folder / 'reports.db'}", "PostgreSQL": server.url()}
        finally:
            server.stop()


def _measure(ground: Ground, name: str, url: str, size: Size, findings: Findings) -> None:
    began = time.monotonic()
    store = Store(url)
    fill(store, size)
    check(store, size)
    store.close()
    say(f"{size.calls:,} calls on {name} in {time.monotonic() - began:.0f} s")
    folder = ground.folder / f"reports-{name}"
    folder.mkdir()
    gateway = Sekisho(folder).start(PORT, SEKISHO_DATABASE_URL=url)
    assert gateway.process is not None
    with gateway.process:
        gateway.wait(60)
        caller = Caller(gateway)
        quiet = [caller.call() for _ in range(ground.count(CALLS, 1000))]
        command = [sys.executable, "-m", "bench.report_run", url]
        beside = []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
            while running.poll() is None:
                beside.append(caller.call())
            assert running.stdout is not None
            taken = msgspec.json.decode(running.stdout.read(), type=dict[str, float])
        caller.close()
    summed = max(seconds for report, seconds in taken.items() if report not in SINGLE | LONG)
    added = quantile(beside, 0.99) - quantile(quiet, 0.99)
    findings.figures += [
        at_most(f"slowest report over {size.calls:,} calls, {name}", 1, summed, "s"),
        at_most(f"p99 that reports add to calls, {name}", 0.5, added, "ms"),
    ]
    findings.tables.append(
        Table(
            f"Reports over {size.calls:,} calls on {name}",
            ("report", "s"),
            [(report, f"{seconds:.3f}") for report, seconds in taken.items()],
            "The best of three, but for that by user and tag together, which reads calls one by one; at the "
            "lowest priority, beside calls on one connection. The slowest is named without that, and without "
            "the 30,000 lines by user and day.",
        )
    )
