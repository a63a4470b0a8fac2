"""One record, one line: nothing that is not a whole record is ever taken for one."""

from zlib import crc32

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.explanation import Explanation
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering import frame

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
COUNTS = st.integers(0, 2**63 - 1)
RECORDS = st.builds(
    CallRecord,
    id=TEXT,
    started=st.floats(allow_nan=False, allow_infinity=False),
    key_id=TEXT,
    operation=TEXT,
    dialect=TEXT,
    requested_model=TEXT,
    app=st.none() | TEXT,
    status=st.integers(100, 599),
    outcome=st.sampled_from(["ok", "error", "cancelled", "interrupted"]),
    cost=st.none() | COUNTS,
    usage=st.none() | st.builds(Usage, input=COUNTS, output=COUNTS, estimated=st.booleans()),
    attempts=st.lists(
        st.builds(AttemptRecord, provider=TEXT, upstream_model=TEXT, milliseconds=COUNTS), max_size=3
    ).map(tuple),
    explanation=st.none() | st.builds(Explanation, dropped=st.lists(TEXT).map(tuple)),
    tags=st.lists(TEXT, max_size=3).map(tuple),
)


@given(RECORDS)
def test_a_record_comes_back_as_it_was_from_exactly_one_line(record: CallRecord) -> None:
    line = frame.encode(record)
    assert line.count(b"\n") == 1
    written = frame.decode(line[:-1])
    assert msgspec.json.decode(msgspec.json.encode(written), type=CallRecord) == record


@given(st.none() | COUNTS)
def test_a_line_tells_of_its_attempts_what_they_tell_themselves(cost: int | None) -> None:
    attempt = AttemptRecord(provider='"cost":', upstream_model="m", milliseconds=1, code="c")
    other = AttemptRecord(provider="p", upstream_model="m", milliseconds=1, cost=cost)
    record = CallRecord(
        id="gen-1", started=1.0, key_id="k", operation="chat", dialect="d", requested_model="m", status=200,
        outcome="ok", cost=5, attempts=(attempt, other),
    )  # fmt: skip
    written = frame.decode(frame.encode(record)[:-1])
    assert written is not None
    assert written.told_attempts() == record.told_attempts() == (True, True, cost is not None)


@given(RECORDS, st.data())
def test_a_line_that_lost_or_changed_anything_is_no_record(record: CallRecord, data: st.DataObject) -> None:
    line = frame.encode(record)[:-1]
    at = data.draw(st.integers(0, len(line) - 1))
    assert frame.decode(line[:at]) is None
    flipped = line[:at] + bytes([line[at] ^ data.draw(st.integers(1, 255))]) + line[at + 1 :]
    assert frame.decode(flipped) is None


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(msgspec.json.encode))
def test_any_bytes_even_with_a_right_checksum_are_refused_without_an_error(body: bytes) -> None:
    assert frame.decode(body) is None
    assert frame.decode(b"%08x %b" % (crc32(body), body)) is None


def test_what_stays_unread_is_text_and_json_all_the_same() -> None:
    start = b'{"id":"","started":0,"key_id":"","operation":"","dialect":"","requested_model":"","status":200'
    for tags, taken in ((b'["a"]', True), (b'["\xff"]', False), (b'["a"', False), (b"[" * 100_000, False)):
        body = start + b',"outcome":"ok","tags":' + tags + b"}"
        assert (frame.decode(b"%08x %b" % (crc32(body), body)) is not None) == taken
