"""The journal keeps what it acknowledged, and a broken disk never holds up a call."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.core.record import CallRecord
from sekisho.metering import segment
from sekisho.metering.journal import FileJournal, JournalLimits

SCRIPTS = Path(__file__).parent / "scripts"


def record(number: int, app: str | None = None) -> CallRecord:
    return CallRecord(
        id=f"gen-{number}",
        started=1_790_000_000.0 + number,
        key_id="key_a",
        operation="chat",
        dialect="openai_chat",
        requested_model="a/b",
        status=200,
        outcome="ok",
        app=app,
    )


def on_disk(directory: Path) -> list[str]:
    found = []
    for path in segment.find(directory):
        offset, ended = 0, False
        while not ended:
            portion = segment.read(path, offset, final=True)
            assert portion.damaged == 0
            found += [read.id for read in portion.records]
            offset, ended = portion.next_offset, portion.ended
    return found


async def append(journal: FileJournal, *records: CallRecord) -> None:
    """Return when all are released."""
    futures = [asyncio.get_running_loop().create_future() for _ in records]
    for one, future in zip(records, futures, strict=True):
        journal.append(one, lambda future=future: future.set_result(None))
    await asyncio.gather(*futures)


async def test_a_record_is_on_disk_when_it_is_released_and_not_released_before(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    seen: list[list[str]] = []
    journal.append(record(1), lambda: seen.append(on_disk(tmp_path)))
    journal.append(record(2), lambda: seen.append(on_disk(tmp_path)))
    assert seen == []
    await append(journal, record(3))
    assert seen == [["gen-1", "gen-2", "gen-3"]] * 2
    await journal.close()


async def test_a_release_that_raises_does_not_hold_back_the_others(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context["exception"]))
    fault = RuntimeError("the connection is gone")

    def fail() -> None:
        raise fault

    journal.append(record(1), fail)
    await append(journal, record(2))
    assert problems == [fault]
    await journal.close()


async def test_text_that_is_not_unicode_is_lost_loudly_but_released(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    await append(journal, record(1, app="\ud800"), record(2))
    assert (on_disk(tmp_path), journal.lost) == (["gen-2"], 1)
    await journal.close()


async def test_full_and_old_segments_make_way_for_new_ones(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, limits=JournalLimits(segment_bytes=1))
    for number in range(3):
        await append(journal, record(number))
    await journal.close()
    assert len(segment.find(tmp_path)) == 3
    journal = FileJournal(tmp_path, limits=JournalLimits(segment_seconds=0))
    for number in range(3, 5):
        await append(journal, record(number))
    await journal.close()
    assert len(segment.find(tmp_path)) == 5
    assert sorted(on_disk(tmp_path)) == [f"gen-{number}" for number in range(5)]
    assert not any(segment.alive(path) for path in segment.find(tmp_path))


async def test_what_was_appended_last_is_written_when_the_journal_closes(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    released: list[int] = []
    journal.append(record(1), lambda: released.append(1))
    await journal.close()
    assert (released, on_disk(tmp_path)) == ([1], ["gen-1"])


async def test_records_wait_in_memory_while_the_directory_is_gone_and_reach_the_disk_later(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "journal"
    limits = JournalLimits(segment_bytes=1, retry_seconds=0.01)
    journal = FileJournal(directory, limits=limits)
    await append(journal, record(0))
    moved = directory.rename(tmp_path / "elsewhere")
    await append(journal, record(1), record(2))
    await append(journal, record(3))
    assert journal.failures >= 1
    assert journal.waiting_bytes > 0
    moved.rename(directory)
    while journal.waiting_bytes:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0.01)
    await append(journal, record(4))
    await journal.close()
    assert sorted(on_disk(directory)) == [f"gen-{number}" for number in range(5)]
    assert journal.lost == 0


async def test_too_much_waiting_costs_the_oldest_records_and_is_counted(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = FileJournal(directory, limits=JournalLimits(segment_bytes=1, waiting_bytes=1_000))
    await append(journal, record(0))
    moved = directory.rename(tmp_path / "elsewhere")
    await append(journal, *(record(number) for number in range(1, 51)))
    assert 0 < journal.waiting_bytes <= 1_000
    moved.rename(directory)
    await journal.close()
    kept = on_disk(directory)
    assert kept[-1] == "gen-50"
    assert journal.lost == 51 - len(kept) > 0


def run(script: str, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_a_write_cut_short_by_a_full_disk_spoils_no_record_and_loses_none(tmp_path: Path) -> None:
    """The limit on file sizes tears a write in the middle just as a full disk does."""
    result = run("write_past_the_limit.py", str(tmp_path))
    assert result == {"released": 400, "lost": 0, "waiting_bytes": 0, "failed": True}
    assert on_disk(tmp_path) == [f"gen-{number}" for number in range(400)]
    assert len(segment.find(tmp_path)) > 10


def test_a_directory_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        FileJournal(tmp_path / "file" / "journal")


def test_everything_acknowledged_before_a_sigkill_is_on_disk_once(tmp_path: Path) -> None:
    for round_number in range(5):
        directory = tmp_path / str(round_number)
        process = subprocess.Popen(
            [sys.executable, str(SCRIPTS / "append_without_end.py"), str(directory)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        acknowledged = process.stdout.read(40_000 + 1_111 * round_number)
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read()
        process.wait()
        process.stdout.close()
        kept = on_disk(directory)
        assert len(set(kept)) == len(kept)
        assert set(acknowledged.decode().rpartition("\n")[0].split("\n")) <= set(kept)
