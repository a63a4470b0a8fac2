"""What counters are built from: the books, asked by what limits count, on every database."""

from collections.abc import Callable
from random import Random

import pytest
from sqlalchemy import event

from sekisho.control.store import counted
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.rollups import add, mark_expired
from sekisho.control.store.tables import calls
from sekisho.core.calendar import window
from sekisho.core.limit import MOST_TOKENS, STRETCH, Limit, counter_of
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering.counted import came_to

NOW = 1_793_800_000.0
ATTEMPT = AttemptRecord(provider="local", upstream_model="m", milliseconds=5)
USAGE = Usage(input=5, cache_read=3, output=2)
HOLDERS = {
    "key": "key_id",
    "team": "team",
    "organisation": "organisation",
    "person": "owner",
    "project": "project",
}
LIMITS = [
    Limit("lim_1", "key", "k1", "usd", 10, "day", time_zone="Asia/Tokyo"),
    Limit("lim_2", "key", "k2", "usd", 10, "month"),
    Limit("lim_3", "team", "t1", "usd", 10, "total", model="a/b"),
    Limit("lim_4", "team", "t1", "requests", 10, "minute"),
    Limit("lim_5", "team", "t2", "requests", 10, "day", each="user"),
    Limit("lim_6", "organisation", "o1", "tokens", 10, "hour", provider="local"),
    Limit("lim_7", "project", "p1", "tokens", 10, "minute", each="session"),
    Limit("lim_8", "person", "w1", "usd", 10, "week", tag='say "100 %"'),
    Limit("lim_9", "key", "k1", "usd", 10, "month", since=NOW - 5000.0),
    Limit("lim_10", "key", "k2", "concurrent", 10),
    Limit("lim_11", "organisation", "o1", "usd", 10, "minute", model="a/b", provider="local", each="user"),
]


def some_calls(random: Random, record: Callable[..., CallRecord]) -> list[CallRecord]:
    def of(*choices: str | None) -> str | None:
        return random.choice(choices)

    return [
        record(
            f"gen-{number}",
            started=NOW
            - random.choice([0, 1, 30, 59.9, 60.1, 300, 4000, 7000, 80_000, 10**6, 10**7]) * random.random(),
            key_id=of("k1", "k2"),
            team=of("t1", "t2", None),
            organisation=of("o1", "o2"),
            project=of("p1", None),
            owner=of("w1", "w2"),
            model=of("a/b", "c/d", None),
            provider=of("local", "other", None),
            user=of("ada", "bob", None),
            session=of("s1", None),
            tags=random.choice([(), ('say "100 %"',), ("other", 'say "100 %"'), ("say",)]),
            cost=random.choice([None, 0, 7, 10**12, 2**63 - 1]),
            usage=random.choice(
                [None, Usage(input=5, cache_read=3, output=2), Usage(input=2**63 - 1, output=-5)]
            ),
            attempts=random.choice([(), (ATTEMPT,)]),
        )
        for number in range(400)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_every_limit_finds_what_its_calls_came_to(
    store: Store, record: Callable[..., CallRecord], seed: int
) -> None:
    records = some_calls(Random(seed), record)
    with store.write() as connection:
        book(connection, records)
    with store.read() as connection:
        entries = list(counted.used(connection, LIMITS, NOW))
    found: dict[str, int] = {}
    for limit, counter, then, amount in entries:
        assert then <= NOW
        assert then >= start_of(limit)
        found[counter] = found.get(counter, 0) + amount
    wanted: dict[str, int] = {}
    for limit in LIMITS:
        for each in records:
            amount = amount_of(limit, each)
            if amount:
                counter = counter_of(limit, each.user if limit.each == "user" else each.session)
                wanted[counter] = wanted.get(counter, 0) + amount
    assert found == wanted


def test_calls_are_read_once_however_many_limits_begin_at_times_of_their_own(store: Store) -> None:
    limits = [
        Limit(f"lim_{at}", "key", f"k{at}", "usd", 10, "month", since=NOW - at, tag=tag)
        for at in range(300)
        for tag in (None, f"tag {at}")
    ]
    read: list[str] = []
    with store.read() as connection:

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            read.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        assert list(counted.used(connection, limits, NOW)) == []
    assert len([statement for statement in read if "sum(" in statement]) == 2


def test_calls_that_ended_lately_are_found_by_their_end(
    store: Store, record: Callable[..., CallRecord]
) -> None:
    with store.write() as connection:
        book(
            connection,
            [
                record("gen-long", started=NOW - 900, total_ms=890_000),
                record("gen-over", started=NOW - 900, total_ms=10_000),
                record("gen-late", started=NOW - 20, total_ms=1),
            ],
        )
    with store.read() as connection:
        assert sorted(counted.ended_since(connection, NOW - 60)) == ["gen-late", "gen-long"]


def test_deleted_calls_count_by_their_sums(store: Store, record: Callable[..., CallRecord]) -> None:
    day = NOW // 86_400 * 86_400
    total = Limit("lim_total", "key", "k1", "usd", 10, "total")
    lately = Limit("lim_lately", "key", "k1", "usd", 10, "total", since=day - 86_400, model="a/b")
    records = [
        record("gen-1", started=day - 2 * 86_400 + 5, key_id="k1", provider="local", model="a/b", cost=1),
        record("gen-2", started=day - 86_400 + 5, key_id="k1", provider="local", model="a/b", cost=20),
        record("gen-3", started=day - 86_400 + 6, key_id="k1", provider="local", model="c/d", cost=300),
        record("gen-4", started=day + 5, key_id="k1", provider="local", model="a/b", cost=4000),
    ]
    with store.write() as connection:
        add(store, connection, book(connection, records))
    mark_expired(store, day)
    for deleted in (False, True):
        if deleted:
            with store.write() as connection:
                connection.execute(calls.delete().where(calls.c.started < day))
        with store.read() as connection:
            entries = list(counted.used(connection, [total, lately], NOW))
        found = {
            limit.id: sum(entry[3] for entry in entries if entry[0] == limit) for limit in (total, lately)
        }
        assert found == {"lim_total": 4321, "lim_lately": 4020}


def start_of(limit: Limit) -> float:
    if limit.measure == "usd":
        return max(limit.since, window(limit.period or "total", limit.time_zone, NOW)[0])
    return NOW - STRETCH[limit.period or "minute"]


def amount_of(limit: Limit, record: CallRecord) -> int:
    """By the rule that calls are settled by."""
    if limit.measure == "concurrent" or getattr(record, HOLDERS[limit.level]) != limit.holder:
        return 0
    if record.started < start_of(limit) or (limit.tag is not None and limit.tag not in record.tags):
        return 0
    if record.provider is None or limit.model not in (None, record.model):
        return 0
    if limit.measure == "tokens" and limit.provider in (None, record.provider):
        usage = record.usage or Usage()
        return min(usage.input, MOST_TOKENS) + usage.cache_read + max(usage.output, 0)
    return came_to(limit, record)
