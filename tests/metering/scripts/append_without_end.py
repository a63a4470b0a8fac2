"""Append to the journal in a tight loop and print the id of every record that was released."""

import asyncio
import os
import sys
from pathlib import Path

from sekisho.core.record import CallRecord
from sekisho.metering.journal import FileJournal, JournalLimits


async def main(directory: Path, prefix: str) -> None:
    journal = FileJournal(directory, limits=JournalLimits(segment_bytes=50_000))
    number = 0
    while True:
        for _ in range(7):
            number += 1
            name = f"gen-{prefix}{number}"
            record = CallRecord(
                id=name,
                started=1_790_000_000.0,
                key_id="key_a",
                operation="chat",
                dialect="openai_chat",
                requested_model="a/b",
                status=200,
                outcome="ok",
                cost=3,
            )
            journal.append(record, lambda name=name: os.write(1, f"{name}\n".encode()))
        await asyncio.sleep(0)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
