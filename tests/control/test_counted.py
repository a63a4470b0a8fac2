"""What limits have used, read from the books: on every database what calls counted when they ended."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sekisho.control.services.counted import CountedBooks
from sekisho.control.services.ledger import Ledger
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.explanation import Explanation
from sekisho.core.limit import Limit
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage

NOW = 1_790_000_000.0
ANSWERED = {"model": "acme/m", "provider": "a", "usage": Usage(input=10, cache_read=5, output=3), "cost": 100}
HALVES = (
    AttemptRecord(provider="a", upstream_model="m", milliseconds=1, usage=Usage(input=2), cost=7, code="cut"),
    AttemptRecord(provider="b", upstream_model="m", milliseconds=1, usage=Usage(input=3, output=1), cost=13),
)


def limit(name: str, measure: Any, period: Any = "day", **more: Any) -> Limit:
    return Limit(name, "key", "key_a", measure, 10**9, period, **more)


async def test_the_books_count_what_calls_counted(
    store: Store, journal: Path, record: Callable[..., CallRecord]
) -> None:
    answered = record("1", **ANSWERED, user="ann", tags=("x", 'ta"g'))
    records = [
        answered,
        record("2", **ANSWERED, started=NOW - 90_000),
        record("3", **{**ANSWERED, "provider": "b"}, user="ben", tags=("X",)),
        record("4", **{**ANSWERED, "cost": 20, "provider": "b"}, attempts=HALVES),
        record("5", status=402, outcome="error", error_code="insufficient_quota"),
        record("6", **{**ANSWERED, "cost": 0}, explanation=Explanation(coalesced="gen-1")),
        record("7", **{**ANSWERED, "key_id": "key_b"}),
        record("8-settlement", **{**ANSWERED, "operation": "settlement"}),
        record("9", operation="count_tokens", provider="a", model="acme/m"),
    ]
    with store.write() as connection:
        book(connection, records)
    limits = [
        limit("usd", "usd"),
        limit("usd total", "usd", "total"),
        limit("since", "usd", "total", since=NOW - 50_000),
        limit("a", "usd", provider="a"),
        limit("b", "usd", provider="b"),
        limit("other", "usd", model="acme/other"),
        limit("requests", "requests"),
        limit("tokens", "tokens", "hour"),
        limit("tag", "requests", tag="x"),
        limit("quoted", "requests", tag='ta"g'),
        limit("each", "requests", each="user"),
        limit("busy", "concurrent", None),
    ]
    thread = StoreThread("test")
    clock = Clock(now=lambda: NOW + 60)
    books = CountedBooks(store, thread, Ledger(journal, store, thread, clock), clock)
    entries, late = await books.used(limits, NOW - 10)
    await thread.close()
    used: dict[str, int] = defaultdict(int)
    shares: dict[str, int] = defaultdict(int)
    for each, counter, _, amount in entries:
        used[each.id] += amount
        shares[counter] += amount
    assert used["usd"] == used["since"] == 100 + 100 + 20 + 100
    assert used["usd total"] == 420
    assert (used["a"], used["b"], used["other"]) == (100 + 7 + 100, 100 + 13, 0)
    assert (used["requests"], used["tag"], used["quoted"], used["busy"]) == (3, 1, 1, 0)
    assert used["tokens"] == 18 * 3 + 6
    assert sorted(amount for counter, amount in shares.items() if counter.startswith("each:")) == [1, 1, 1]
    assert "2" not in late
    assert {"1", "3", "5"} <= set(late)
