"""The books answer at once, and by the calendar in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from sekisho.control.services.ledger import Ledger
from sekisho.control.services.usage import StoredBooks
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import KEPT, calls
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.port import Spending
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering.journal import FileJournal

Make = Callable[..., CallRecord]
WEDNESDAY = datetime(2026, 7, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
def books(store: Store, journal: Path) -> StoredBooks:
    clock = Clock(now=WEDNESDAY.timestamp)
    ledger = Ledger(journal, store, StoreThread("ledger"), clock)
    return StoredBooks(store, StoreThread("store"), ledger, clock)


async def test_a_call_is_found_the_moment_its_last_byte_leaves(
    books: StoredBooks, journal: Path, record: Make
) -> None:
    file = FileJournal(journal)
    file.append(record("gen-1", cost=5), lambda: None)
    file.append(record("gen-2", cost=7), lambda: None)
    await file.close()
    found = await books.generation("gen-2")
    assert found is not None
    assert found.cost == 7
    assert await books.generation("gen-3") is None


async def test_spending_is_added_up_by_utc_day_week_from_monday_and_month(
    books: StoredBooks, journal: Path, record: Make
) -> None:
    moments = {
        "2026-07-01T00:00:00": 1,  # today, the first of the month
        "2026-06-30T23:59:59": 10,  # this week, last month
        "2026-06-29T00:00:00": 100,  # Monday
        "2026-06-28T23:59:59": 1_000,  # Sunday
        "2025-07-01T00:00:00": 10_000,
    }
    file = FileJournal(journal)
    for moment, cost in moments.items():
        started = datetime.fromisoformat(moment + "+00:00").timestamp()
        file.append(record(f"gen-{cost}", started=started, cost=cost), lambda: None)
    file.append(record("gen-unpriced", unpriced=True), lambda: None)
    file.append(record("gen-other", key_id="key_b", cost=5), lambda: None)
    await file.close()
    assert await books.spending("key_a") == Spending(total=11_111, day=1, week=111, month=1)
    assert await books.spending("key_none") == Spending()


async def test_spending_of_several_days_is_exact_also_beyond_the_dollar(
    books: StoredBooks, journal: Path, record: Make
) -> None:
    file = FileJournal(journal)
    for day, cost in enumerate((600_000_001, 1_700_000_000, 999_999_999)):
        started = WEDNESDAY.timestamp() - day * 86_400
        file.append(record(f"gen-{day}", started=started, cost=cost), lambda: None)
    await file.close()
    assert (await books.spending("key_a")).total == 3_300_000_000


async def test_an_answer_is_found_by_its_own_key_without_reading_all_calls(
    books: StoredBooks, journal: Path, store: Store, record: Make
) -> None:
    file = FileJournal(journal)
    kept = {"dialect": "openai_responses", "upstream_id": "resp_1"}
    file.append(record("gen-2", **kept), lambda: None)
    file.append(record("gen-1", **kept), lambda: None)
    file.append(record("gen-0", upstream_id="resp_1"), lambda: None)
    await file.close()
    found = await books.answered("key_a", "resp_1")
    assert found is not None
    assert found.id == "gen-1", "the call itself comes before what settles it"
    assert await books.answered("key_b", "resp_1") is None
    assert await books.answered("key_a", "resp_2") is None
    with store.read() as connection:
        wanted = select(calls).where(calls.c.upstream_id == "x", calls.c.key_id == "y", KEPT)
        text = str(wanted.compile(connection, compile_kwargs={"literal_binds": True}))
        if store.dialect == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # which is best of three rows
        explain = "EXPLAIN QUERY PLAN" if store.dialect == "sqlite" else "EXPLAIN"
        plan = connection.exec_driver_sql(f"{explain} {text}").all()
    assert "upstream_id" in str(plan)


async def test_what_was_spent_at_a_provider_is_its_own_part_of_every_answer(
    books: StoredBooks, journal: Path, record: Make
) -> None:
    parts = (
        AttemptRecord(provider="one", upstream_model="m", milliseconds=1, usage=Usage(), cost=3),
        AttemptRecord(provider="two", upstream_model="m", milliseconds=1, usage=Usage(), cost=40),
    )
    file = FileJournal(journal)
    file.append(record("gen-1", provider="one", cost=100, started=50.0), lambda: None)
    file.append(record("gen-2", provider="one", cost=1000, started=49.0), lambda: None)
    file.append(record("gen-3", provider="one", cost=10_000, started=51.0), lambda: None)
    file.append(record("gen-4", provider="two", cost=43, started=51.0, attempts=parts), lambda: None)
    file.append(record("gen-5", provider="one", unpriced=True, started=51.0), lambda: None)
    await file.close()
    assert await books.spent_at("one", 50.0, lambda: ()) == 10_103
    assert await books.spent_at("one", 50.0, lambda: ["gen-3"]) == 103
    assert await books.spent_at("two", 0.0, lambda: ["gen-9"]) == 40
    assert await books.spent_at("nobody", 0.0, lambda: ()) == 0
