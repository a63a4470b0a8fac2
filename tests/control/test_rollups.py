"""Sums of calls are those of the calls on the books, exactly, however they came there."""

import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from sekisho.control.services.ledger import Ledger
from sekisho.control.services.upkeep import HOURS_KEPT, Upkeep
from sekisho.control.store import expiry
from sekisho.control.store import rollups as sums
from sekisho.control.store import tallies as tallied
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.migrate import migrate
from sekisho.control.store.rollup_apps import MOST, OTHER
from sekisho.control.store.tables import calls, outages, rollups, tallies
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering import frame

LOAD = Path(__file__).parent / "scripts" / "load_the_journal.py"
DAY = 86_400
NOW = 20_770.0 * DAY
Make = Callable[..., CallRecord]


def some(record: Make, chance: random.Random, count: int, prefix: str = "") -> list[CallRecord]:
    """Calls of many keys over 100 days, of every kind there is."""

    def one(at: int) -> CallRecord:
        code = chance.choice((None, "upstream_failed"))
        part = AttemptRecord(
            provider="q", upstream_model="m", milliseconds=1, usage=Usage(), cost=7, code=code
        )
        return record(
            f"gen-{prefix}{at}",
            started=NOW - chance.choice((0.5, 3_600.0, 5 * DAY, 99 * DAY)) - chance.random() * 7_200,
            key_id=chance.choice("ab"),
            team=chance.choice((None, "t")),
            app=chance.choice((None, "x\0y", "関所")),
            operation=chance.choice(("chat", "chat", "settlement")),
            model=chance.choice((None, "m/a", "m/b")),
            provider=chance.choice((None, "p", "q")),
            outcome=chance.choice(("ok", "ok", "error", "cancelled", "interrupted")),
            usage=chance.choice(
                (None, Usage(input=chance.randrange(9), output=2, reasoning=1, cache_read=5))
            ),
            cost=chance.choice((None, 10, chance.randrange(10**10))),
            unpriced=chance.choice((False, True)),
            attempts=chance.choice(((), (part, part))),
            first_token_ms=chance.choice((None, chance.randrange(3_000))),
            total_ms=chance.choice((0, 1, chance.randrange(10**9))),
        )

    return [one(at) for at in range(count)]


def held(connection: Connection) -> dict[str, dict[str, object]]:
    return {row["id"]: dict(row) for row in connection.execute(rollups.select()).mappings()}


def fared(connection: Connection) -> set[tuple[object, ...]]:
    return {tuple(row) for row in connection.execute(outages.select())}


def load(store: Store, folder: Path, records: list[CallRecord]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{secrets.token_hex(8)}.log").write_bytes(b"".join(map(frame.encode, records)))
    assert Ledger(folder, store, StoreThread("ledger"), Clock()).load()


@pytest.mark.parametrize("seed", range(3))
async def test_sums_are_exact_after_any_loads_repeats_and_folding_and_the_same_when_rebuilt(
    store: Store, tmp_path: Path, record: Make, seed: int
) -> None:
    chance = random.Random(seed)
    records = some(record, chance, 400)
    for at in range(8):  # every record by two hosts, in pieces of any size
        load(store, tmp_path / f"host-{at % 2}", chance.sample(records, chance.randrange(300)))
    load(store, tmp_path / "host-0", records)
    with store.read() as connection:
        loaded, outcomes = held(connection), fared(connection)
        totals = select(*(func.sum(rollups.c[name]) for name in ("calls", "cost", "output", "unpriced")))
        told = tuple(int(number) for number in connection.execute(totals).one())
    made = [each for each in records if each.operation != "settlement"]
    assert told == (
        len(made),
        sum(each.cost or 0 for each in records),
        sum(each.usage.output for each in records if each.usage),
        sum(each.unpriced for each in made),
    )
    asked = [each for each in records if each.attempts and each.operation == "chat"]
    assert sum(int(str(row[5])) for row in outcomes) == len(asked)
    sums.rebuild(store)
    with store.read() as connection:
        assert held(connection) == loaded
        assert fared(connection) == outcomes
    while sums.fold(store, NOW - 50 * DAY):
        pass
    with store.read() as connection:
        folded = held(connection)
        assert tuple(int(number) for number in connection.execute(totals).one()) == told
    assert {row["seconds"] for row in folded.values()} == {3600, DAY}
    sums.rebuild(store)
    with store.read() as connection:
        assert held(connection) == loaded


def test_hosts_that_load_at_once_add_to_the_same_sums(
    store: Store, url: str, tmp_path: Path, record: Make
) -> None:
    running = []
    for host in range(4):
        folder = tmp_path / f"host-{host}"
        folder.mkdir()
        for part in range(5):
            lines = [record(f"gen-{host}-{part}-{at}", started=NOW, cost=1, total_ms=at) for at in range(500)]
            (folder / f"{part}.log").write_bytes(b"".join(map(frame.encode, lines)))
        running.append(subprocess.Popen([sys.executable, str(LOAD), url, str(folder)]))
    assert [process.wait(60) for process in running] == [0] * 4
    with store.read() as connection:
        loaded = held(connection)
    [row] = loaded.values()
    assert (row["calls"], row["cost"]) == (10_000, 10_000)
    sums.rebuild(store)
    with store.read() as connection:
        assert held(connection) == loaded


def test_what_is_loaded_and_folded_while_sums_are_rebuilt_is_counted_once(
    store: Store, url: str, tmp_path: Path, record: Make
) -> None:
    records = some(record, random.Random(5), 600)
    load(store, tmp_path / "before", records[:200])
    folder = tmp_path / "meanwhile"
    folder.mkdir()
    for at in range(200, 600, 10):
        (folder / f"{at}.log").write_bytes(b"".join(map(frame.encode, records[at : at + 10])))
    patient, alone = Store(url), Store(f"sqlite:///{tmp_path / 'alone.db'}")
    loading = subprocess.Popen([sys.executable, str(LOAD), url, str(folder)])
    while loading.poll() is None:
        sums.rebuild(patient)
        sums.fold(patient, NOW - 50 * DAY)
        tallied.fold(patient, NOW - 50 * DAY)
        time.sleep(0.02)
    assert loading.returncode == 0
    sums.rebuild(patient)
    migrate(alone)
    load(alone, tmp_path / "after", records)
    with patient.read() as rebuilt, alone.read() as loaded:
        assert held(rebuilt) == held(loaded)
        assert fared(rebuilt) == fared(loaded)
        assert {tuple(row) for row in rebuilt.execute(tallies.select())} == {
            tuple(row) for row in loaded.execute(tallies.select())
        }
    patient.close()
    alone.close()


async def test_sums_outlive_their_calls_and_are_not_rebuilt_without_them(
    store: Store, tmp_path: Path, record: Make
) -> None:
    load(store, tmp_path / "host", some(record, random.Random(7), 200))
    upkeep = Upkeep(store, StoreThread("upkeep"), Clock(now=lambda: NOW))
    upkeep.keep = 3.0 * DAY
    await upkeep.once()
    with store.read() as connection:
        before = held(connection)
        assert connection.execute(select(func.min(calls.c.started))).scalar_one() >= NOW - 4 * DAY
    sums.rebuild(store)
    with store.read() as connection:
        assert held(connection) == before
    assert HOURS_KEPT < 99 * DAY
    assert {row["seconds"] for row in before.values()} == {3600, DAY}
    # One that comes after all: counted, and deleted with the others.
    load(store, tmp_path / "late", [record("gen-late", started=NOW - 90 * DAY)])
    expiry.delete_some(store, NOW - 4 * DAY)
    with store.read() as connection:
        after = held(connection)
        assert connection.execute(calls.select().where(calls.c.id == "gen-late")).all() == []
    [new] = [row for name, row in after.items() if before.get(name) != row]
    assert (new["calls"], new["start"]) == (1, NOW - 90 * DAY)


def test_a_load_that_fails_counts_nothing(store: Store, record: Make) -> None:
    def load_and_fail() -> None:
        with store.write() as connection:
            sums.add(store, connection, book(connection, some(record, random.Random(1), 20)))
            raise StoreError("killed here")

    with pytest.raises(StoreError, match="killed here"):
        load_and_fail()
    with store.read() as connection:
        assert held(connection) == {}


def test_absurd_counts_stop_at_the_largest_number_and_end_no_load(
    store: Store, tmp_path: Path, record: Make
) -> None:
    absurd = [record(f"gen-{at}", cost=2**63 - 1, usage=Usage(input=10**30), started=NOW) for at in range(3)]
    load(store, tmp_path / "host", absurd)
    with store.read() as connection:
        [row] = held(connection).values()
    assert (row["cost"], row["input"], row["calls"]) == (2**63 - 1, 2**63 - 1, 3)
    sums.rebuild(store)
    with store.read() as connection:
        assert list(held(connection).values()) == [row]


def test_a_client_that_takes_a_new_name_with_every_call_makes_no_rollup_with_every_call(
    store: Store, tmp_path: Path, record: Make
) -> None:
    records = [record(f"gen-{at}", started=NOW, app=f"app-{at}", cost=1) for at in range(5 * MOST)]
    quiet = [record(f"gen-quiet-{at}", started=NOW, key_id="quiet", app="chat", cost=1) for at in range(5)]
    for at in range(0, len(records), 60):
        load(store, tmp_path / "host", [*records[at : at + 60], quiet[at % 5]])
    load(store, tmp_path / "host", [record("gen-again", started=NOW, app="app-0", cost=1), *quiet])
    for rebuilt in (False, True):
        if rebuilt:
            sums.rebuild(store)
        with store.read() as connection:
            rows = list(held(connection).values())
        counted = {row["app"]: int(str(row["calls"])) for row in rows if row["key_id"] != "quiet"}
        if not rebuilt:  # which came first is not known then
            assert (counted["app-0"], counted[OTHER]) == (2, 4 * MOST)
        assert (len(counted), sum(counted.values())) == (MOST + 1, 5 * MOST + 1)
        assert [row["calls"] for row in rows if row["key_id"] == "quiet"] == [5]


def test_a_row_that_an_older_version_named_otherwise_is_folded_with_the_new_one(
    store: Store, tmp_path: Path, record: Make
) -> None:
    load(store, tmp_path / "host", [record("gen-1", started=NOW - 60 * DAY, cost=1)])
    with store.write() as connection:
        connection.execute(rollups.update().values(id="named before there was another dimension"))
    load(store, tmp_path / "host", [record("gen-2", started=NOW - 60 * DAY, cost=2)])
    assert sums.fold(store, NOW)
    with store.read() as connection:
        [row] = held(connection).values()
    assert (row["calls"], row["cost"]) == (2, 3)
