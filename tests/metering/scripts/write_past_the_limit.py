"""Append 400 records where no file may grow past 5,000 bytes, and print what became of them."""

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from sekisho.core.record import CallRecord
from sekisho.metering.journal import FileJournal, JournalLimits
from sekisho.telemetry import log


async def main(directory: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
    journal = FileJournal(directory, limits=JournalLimits(retry_seconds=0.001))
    released = 0

    def release() -> None:
        nonlocal released
        released += 1

    for number in range(400):
        record = CallRecord(
            id=f"gen-{number}",
            started=1_790_000_000.0,
            key_id="key_a",
            operation="chat",
            dialect="openai_chat",
            requested_model="a/b",
            status=200,
            outcome="ok",
        )
        journal.append(record, release)
        if number % 40 == 39:
            await asyncio.sleep(0)
    while journal.waiting_bytes:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0.001)
    await journal.close()
    report = {
        "released": released,
        "lost": journal.lost,
        "waiting_bytes": journal.waiting_bytes,
        "failed": journal.failures > 0,
    }
    sys.stdout.write(json.dumps(report))


log.configure()
asyncio.run(main(Path(sys.argv[1])))
