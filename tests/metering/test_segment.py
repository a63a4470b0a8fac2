"""Segments: read by whole lines only, whoever wrote them and however they ended."""

import os
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.record import CallRecord
from sekisho.metering import frame, segment
from sekisho.metering.segment import Segment


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


def read_all(path: Path, *, final: bool) -> tuple[list[CallRecord], int, bool, int]:
    offset, damaged, torn, records = 0, 0, False, []
    while True:
        portion = segment.read(path, offset, final=final)
        records += [
            msgspec.json.decode(msgspec.json.encode(written), type=CallRecord) for written in portion.records
        ]
        damaged += portion.damaged
        torn = torn or portion.torn
        offset = portion.next_offset
        if portion.ended:
            return records, damaged, torn, offset


def test_a_segment_is_alive_until_its_writer_gives_it_up(tmp_path: Path) -> None:
    mine = Segment(tmp_path, 1_790_000_000.0)
    mine.write(frame.encode(record(1)))
    assert segment.find(tmp_path) == [mine.path]
    assert segment.alive(mine.path)
    mine.close()
    assert not segment.alive(mine.path)


def test_an_empty_segment_leaves_nothing_behind(tmp_path: Path) -> None:
    Segment(tmp_path, 1_790_000_000.0).close()
    assert list(tmp_path.iterdir()) == []


def test_only_old_remains_of_segments_that_never_came_to_be_are_swept(tmp_path: Path) -> None:
    for name in ("old.new", "young.new", "old.log"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "old.new", (100, 100))
    os.utime(tmp_path / "old.log", (100, 100))
    segment.sweep(tmp_path, before=200)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.log", "young.new"]


def test_an_unfinished_last_line_waits_for_a_living_writer_and_is_skipped_after_a_dead_one(
    tmp_path: Path,
) -> None:
    lines = [frame.encode(record(number)) for number in range(3)]
    path = tmp_path / "a.log"
    path.write_bytes(lines[0] + lines[1] + lines[2][:-9])
    assert read_all(path, final=False) == ([record(0), record(1)], 0, False, len(lines[0] + lines[1]))
    assert read_all(path, final=True) == ([record(0), record(1)], 0, True, path.stat().st_size)
    path.write_bytes(b"".join(lines)[:-1])
    assert read_all(path, final=True) == ([record(0), record(1), record(2)], 0, False, path.stat().st_size)


def test_damaged_lines_cost_only_themselves(tmp_path: Path) -> None:
    lines = [frame.encode(record(number)) for number in range(4)]
    path = tmp_path / "a.log"
    path.write_bytes(lines[0] + b"\n" + lines[1][:20] + lines[2] + b"\x00" * 5000 + b"\n" + lines[3])
    records, damaged, torn, _ = read_all(path, final=True)
    assert ([found.id for found in records], damaged, torn) == (["gen-0", "gen-3"], 3, False)


def test_more_lines_than_one_portion_and_lines_longer_than_one_chunk_are_read_whole(tmp_path: Path) -> None:
    written = [record(number) for number in range(5_000)]
    written[1_234] = record(1_234, app="関所" * segment.CHUNK)
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(map(frame.encode, written)))
    assert read_all(path, final=True) == (written, 0, False, path.stat().st_size)


@given(st.lists(st.binary(max_size=300) | st.just(frame.encode(record(7)))), st.booleans())
def test_no_content_makes_the_reader_fail_or_stop(tmp_path_factory, pieces: list[bytes], final: bool) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.log"
    path.write_bytes(b"".join(pieces))
    _, _, _, offset = read_all(path, final=final)
    assert offset == path.stat().st_size if final else offset <= path.stat().st_size
