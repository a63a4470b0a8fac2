"""From the journal to the books: every record once, whatever breaks in between."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.pool import NullPool

from sekisho.control.services.ledger import Ledger
from sekisho.control.store import calls as call_rows
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.tables import journal_segments, rollups
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.explanation import Candidate, Explanation, PlanRecord, Rejection
from sekisho.core.money import Rates
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering import frame, segment
from sekisho.metering.segment import Segment

Make = Callable[..., CallRecord]
Booked = Callable[[], list[str]]
APPEND = Path(__file__).parents[1] / "metering" / "scripts" / "append_without_end.py"
LOAD = Path(__file__).parent / "scripts" / "load_the_journal.py"


def lock_out(url: str) -> Connection:
    """Somebody else writes the table of calls until this is closed."""
    other = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool).connect()
    locking = "LOCK TABLE calls IN EXCLUSIVE MODE" if url.startswith("postgresql") else "BEGIN IMMEDIATE"
    other.exec_driver_sql(locking)
    return other


@pytest.fixture
def ledger(store: Store, journal: Path) -> Ledger:
    return Ledger(journal, store, StoreThread("ledger"), Clock())


def test_a_record_comes_back_from_the_books_as_it_was(
    ledger: Ledger, store: Store, journal: Path, record: Make
) -> None:
    records = [
        record("gen-plain"),
        record(
            "gen-'); DROP TABLE calls; --",
            stream=True,
            outcome="interrupted",
            error_code="upstream_truncated",
            usage=Usage(input=1, cache_read=2, cache_write=3, cache_write_1h=4, output=5, reasoning=6,
                        input_audio=7, output_audio=8, estimated=True),
            cost=2**62,
            attempts=(
                AttemptRecord(provider="さくら", upstream_model="m", milliseconds=3, code="x", status=500),
                AttemptRecord(provider="b", upstream_model="m", milliseconds=3),
            ),
            first_token_ms=9,
            total_ms=10,
            explanation=Explanation(
                plan=PlanRecord(
                    select="cheapest",
                    candidates=(Candidate("さくら/a/b=m", None, "out"), Candidate("b/a/b=m", 0.5)),
                    rejected=(Rejection("c/a/b=m", "is to be ignored"),),
                    more=3,
                ),
                dropped=("sampling.top_k",),
                prompt_cache="auto",
                rates=Rates(input=1, output=2),
                asked_tokens=1,
                asked_cost=2,
            ),
            app="関所 🏯 \x00 'quoted' \"twice\"",
            organisation="org_a", team="team_b", project="proj_c", owner="person_d", user="山田",
            session="s-1", tags=("会計", "batch"),
        ),
        record("gen-unpriced", unpriced=True, usage=Usage(output=1)),
    ]  # fmt: skip
    (journal / "a.log").write_bytes(b"".join(map(frame.encode, records)))
    assert ledger.load()
    with store.read() as connection:
        found = [call_rows.find(connection, one.id) for one in records]
    # PostgreSQL knows no text with a null character: it becomes the character for what is no character.
    nothing = "\0" if store.dialect == "sqlite" else "\ufffd"
    assert found == [
        msgspec.structs.replace(one, app=one.app and one.app.replace("\0", nothing)) for one in records
    ]
    with store.read() as connection:
        assert call_rows.find(connection, "gen-other") is None


def test_counts_beyond_64_bits_are_cut_and_keep_nobody_off_the_books(
    ledger: Ledger, store: Store, journal: Path, record: Make
) -> None:
    absurd = record("gen-1", usage=Usage(input=10**30, output=1), cost=2**63)
    (journal / "a.log").write_bytes(frame.encode(absurd) + frame.encode(record("gen-2")))
    ledger.load()
    with store.read() as connection:
        found = call_rows.find(connection, "gen-1")
        assert found is not None
        assert (found.usage, found.cost) == (Usage(input=2**63 - 1, output=1), 2**63 - 1)
        assert call_rows.find(connection, "gen-2") is not None


def test_a_living_segment_is_loaded_as_it_grows_and_deleted_after_its_writer(
    ledger: Ledger, journal: Path, record: Make, booked: Booked
) -> None:
    mine = Segment(journal, 1.0)
    for number in range(3):
        mine.write(frame.encode(record(f"gen-{number}")))
        ledger.load()
        ledger.load()
        assert len(booked()) == number + 1
    assert mine.path.exists()
    mine.write(frame.encode(record("gen-last")))
    mine.close()
    ledger.load()
    assert sorted(booked()) == ["gen-0", "gen-1", "gen-2", "gen-last"]
    assert not mine.path.exists()


def test_a_segment_that_was_done_is_never_loaded_again(
    ledger: Ledger, store: Store, journal: Path, record: Make, booked: Booked
) -> None:
    """Killed after the commit and before the deletion; or restored from a copy, after the calls went."""
    path = journal / "a.log"
    path.write_bytes(frame.encode(record("gen-1")))
    copy = path.read_bytes()
    ledger.load()
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM calls")
    path.write_bytes(copy)
    ledger.load()
    assert booked() == []
    assert not path.exists()


def test_a_segment_with_damaged_lines_is_kept_beside(
    ledger: Ledger, store: Store, journal: Path, record: Make, booked: Booked
) -> None:
    (journal / "a.log").write_bytes(
        frame.encode(record("gen-1")) + b"00000000 {}\n" + frame.encode(record("gen-2")) + b"torn"
    )
    ledger.load()
    assert sorted(booked()) == ["gen-1", "gen-2"]
    assert {path.name for path in journal.iterdir()} == {"a.damaged", "journal.id", "loading.lock"}
    with store.read() as connection:
        assert connection.execute(journal_segments.select()).one().damaged == 1


async def test_a_locked_database_stops_nothing_and_is_caught_up_with(
    ledger: Ledger, url: str, journal: Path, record: Make, booked: Booked
) -> None:
    mine = Segment(journal, 1.0)
    mine.write(frame.encode(record("gen-1")))
    other = lock_out(url)
    with pytest.raises(StoreError, match=r"locked|lock timeout"):
        ledger.load()
    await ledger.flush()
    assert (booked(), ledger.failures) == ([], 1)
    mine.write(frame.encode(record("gen-2")))
    other.close()
    await ledger.flush()
    assert booked() == ["gen-1", "gen-2"]
    mine.close()


def test_several_processes_loading_at_once_book_every_record_once(
    store: Store, url: str, journal: Path, record: Make, booked: Booked
) -> None:
    names = [f"gen-{number}" for number in range(9_000)]
    for number in range(6):
        part = names[number * 1_500 : (number + 1) * 1_500]
        (journal / f"{number}.log").write_bytes(b"".join(frame.encode(record(name)) for name in part))
    running = [subprocess.Popen([sys.executable, str(LOAD), url, str(journal)]) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    assert sorted(booked()) == sorted(names)
    assert segment.find(journal) == []


def test_loaders_and_writers_killed_at_any_moment_lose_and_repeat_nothing(
    ledger: Ledger, store: Store, url: str, journal: Path, booked: Booked
) -> None:
    """20 writers killed while they append, under loaders killed while they load."""
    acknowledged: set[str] = set()
    for number in range(20):
        writer = subprocess.Popen(
            [sys.executable, str(APPEND), str(journal), f"{number}-"], stdout=subprocess.PIPE
        )
        loader = subprocess.Popen([sys.executable, str(LOAD), url, str(journal), "--for-ever"])
        assert writer.stdout is not None
        output = writer.stdout.read(15_000 + 977 * number)
        for process in (loader, writer):
            process.send_signal(signal.SIGKILL)
            process.wait()
        output += writer.stdout.read()
        writer.stdout.close()
        acknowledged.update(output.decode().rpartition("\n")[0].split("\n"))
    ledger.load()
    on_books = booked()
    assert acknowledged <= set(on_books)
    with store.read() as connection:
        assert connection.execute(select(func.sum(rollups.c.calls))).scalar_one() == len(on_books)
    # A written record may have been killed before it was acknowledged: at most the turns in flight.
    assert len(on_books) - len(acknowledged) <= 20 * 2 * 7
    assert segment.find(journal) == []


def test_hosts_whose_segments_are_called_alike_load_each_its_own(
    store: Store, tmp_path: Path, record: Make, booked: Booked
) -> None:
    for host in ("a", "b", "c"):
        directory = tmp_path / host
        directory.mkdir()
        (directory / "1.log").write_bytes(frame.encode(record(f"gen-{host}")) * 2)
        assert Ledger(directory, store, StoreThread("ledger"), Clock()).load()
    assert sorted(booked()) == ["gen-a", "gen-b", "gen-c"]


def test_a_record_that_two_journals_hold_is_booked_once_and_its_neighbours_too(
    store: Store, tmp_path: Path, record: Make, booked: Booked
) -> None:
    """A host was copied, journal and all."""
    for host, names in (("a", "1234"), ("b", "3456"), ("c", "123456")):
        directory = tmp_path / host
        directory.mkdir()
        (directory / "1.log").write_bytes(b"".join(frame.encode(record(f"gen-{name}")) for name in names))
        assert Ledger(directory, store, StoreThread("ledger"), Clock()).load()
    assert sorted(booked()) == [f"gen-{name}" for name in "123456"]


def test_what_a_journal_without_a_name_had_loaded_is_not_loaded_again(
    ledger: Ledger, store: Store, journal: Path, record: Make, booked: Booked
) -> None:
    """Before hosts could share a database, segments stood there by their own names alone."""
    first, second = frame.encode(record("gen-1")), frame.encode(record("gen-2"))
    (journal / "a.log").write_bytes(first + second)
    with store.write() as connection:
        before = {"journal": "", "name": "a.log", "loaded_offset": len(first), "damaged": 0, "done": False}
        connection.execute(journal_segments.insert().values(before))
    ledger.load()
    assert booked() == ["gen-2"]
