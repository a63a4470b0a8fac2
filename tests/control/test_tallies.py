"""What sums tell of users, tags and prices of an organisation's own is what the calls themselves tell."""

import random
import secrets
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from sekisho.control.services.ledger import Ledger
from sekisho.control.services.spend import BYS, Line, Question, spend
from sekisho.control.services.tariffs import TariffService
from sekisho.control.services.upkeep import Upkeep
from sekisho.control.store import rollups, upgrade
from sekisho.control.store import tallies as sums
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.tables import calls, expired, tallies
from sekisho.control.store.tallies import MOST, OTHER
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.money import Rates
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.tariff import Tariff
from sekisho.core.usage import Usage
from sekisho.metering import frame
from sekisho.metering.tally import USERS

DAY = 86_400
NOW = 20_770.0 * DAY
CLOCK = Clock(now=lambda: NOW)
BY = tuple(by for by in BYS if by != "day")
Make = Callable[..., CallRecord]
Told = dict[tuple[str | None, ...], tuple[int, ...]]


def some(record: Make, chance: random.Random, count: int) -> list[CallRecord]:
    """Calls of every kind there is, over 60 days."""

    def part(provider: str, model: str | None, cost: int | None) -> AttemptRecord:
        usage = None if cost is None else Usage(input=9, output=cost)
        return AttemptRecord(
            provider=provider, upstream_model="m", model=model, milliseconds=1, usage=usage, cost=cost
        )

    def one(at: int) -> CallRecord:
        alone, several = (part("p", None, None),), (part("q", "m/b", 7), part("p", None, 4))
        waived = chance.random() < 0.1
        usage = Usage(input=chance.randrange(9), output=2, cache_read=5, cache_write=1, cache_write_1h=3)
        return record(
            f"gen-{at}",
            started=NOW - chance.choice((1.0, 2 * DAY, 55 * DAY)) - chance.random() * 3 * DAY,
            key_id=chance.choice("ab"),
            user=chance.choice((None, "利用者", "b", "c")),
            tags=chance.choice(((), ("x",), ("x", "検索"))),
            organisation=chance.choice(("default", "other")),
            team=chance.choice((None, "t")),
            app=chance.choice((None, "x", "関所")),
            operation=chance.choice(("chat", "chat", "settlement")),
            model=chance.choice((None, "m/a", "m/b")),
            provider="p",
            usage=None if waived else chance.choice((None, usage)),
            cost=0 if waived else chance.choice((None, 11, 10**10)),
            waived=5 if waived else None,
            unpriced=chance.choice((False, True)),
            attempts=chance.choice(((), alone, several)),
        )

    return [one(at) for at in range(count)]


def load(store: Store, folder: Path, records: Iterable[CallRecord]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{secrets.token_hex(8)}.log").write_bytes(b"".join(map(frame.encode, records)))
    assert Ledger(folder, store, StoreThread("ledger"), CLOCK).load()


def told(lines: Iterable[Line], known: int) -> Told:
    """Lines added up by the first of their names."""
    found: Told = {}
    for line in lines:
        usage = line.sums
        numbers = (usage.calls, usage.unpriced, usage.input, usage.cache_read, usage.output, line.uncharged)
        numbers += (line.cost, line.charge, line.waived)
        before = found.get(line.ids[:known], (0,) * len(numbers))
        found[line.ids[:known]] = tuple(map(sum, zip(before, numbers, strict=True)))
    return found


def ask(store: Store, *by: str, singly: bool = False) -> Told:
    """Days that begin within an hour are told by single calls alone."""
    asked = (*by, "day") if singly else by
    zone = "Asia/Kolkata" if singly else "Asia/Tokyo"
    question = Question(since=NOW - 60 * DAY + 1234.5, until=NOW - 777.25, by=asked, zone=zone)  # type: ignore[arg-type]
    return told(spend(store, question).lines, len(by))


def held(connection: Connection) -> set[tuple[object, ...]]:
    return {tuple(row) for row in connection.execute(tallies.select())}


@pytest.mark.parametrize("own", [False, True])
def test_reports_from_sums_are_those_from_single_calls_folded_and_rebuilt_or_not(
    store: Store, tmp_path: Path, record: Make, own: bool
) -> None:
    chance = random.Random(7)
    records = some(record, chance, 500)
    if own:
        rates = Rates(input=123_456_789, output=987_654_321, cache_read=1_000_001)
        for days, prices in ((70, {"m/a": rates}), (2.505, {"m/a": rates, "m/b": rates}), (1.1, {})):
            tariff = Tariff(begins=NOW - days * DAY, markup=33_333, prices=prices)
            TariffService(store, CLOCK).set("default", tariff, "ops")
    for at in range(8):  # every record by two hosts, in pieces of any size
        load(store, tmp_path / f"host-{at % 2}", chance.sample(records, chance.randrange(300)))
    load(store, tmp_path / "host-0", records)
    asked = [(), *((by,) for by in BY), *(pair for pair in combinations(BY, 2) if {"user", "tag"} & {*pair})]
    expected = {by: ask(store, *by, singly=True) for by in asked}
    assert {by: ask(store, *by) for by in asked} == expected
    with store.read() as connection:
        loaded = held(connection)
    rollups.rebuild(store)
    with store.read() as connection:
        assert held(connection) == loaded
    while sums.fold(store, NOW - 45 * DAY) or rollups.fold(store, NOW - 45 * DAY):
        pass
    assert {by: ask(store, *by) for by in asked} == expected


async def test_sums_of_users_and_tags_outlive_their_calls(store: Store, tmp_path: Path, record: Make) -> None:
    load(store, tmp_path / "host", some(record, random.Random(3), 200))
    since = NOW - 60 * DAY

    def tell(by: str) -> tuple[Told, float | None]:
        found = spend(store, Question(since=since, until=NOW, by=(by,)))  # type: ignore[arg-type]
        return told(found.lines, 1), found.lost_before

    before = {by: tell(by) for by in ("user", "tag", "team")}
    assert before["user"][1] is None
    upkeep = Upkeep(store, StoreThread("upkeep"), CLOCK)
    upkeep.keep = 3.0 * DAY
    await upkeep.once()
    with store.read() as connection:
        assert connection.execute(select(func.min(calls.c.started))).scalar_one() >= NOW - 4 * DAY
    assert {by: tell(by) for by in before} == before
    with store.write() as connection:  # by an older version they were deleted before anybody had counted
        connection.execute(expired.update().values(tallied_from=NOW - 3 * DAY))
    assert tell("user")[1] == NOW - 3 * DAY
    assert tell("team") == before["team"]


def test_what_an_older_version_deleted_is_known_to_be_lost(url: str) -> None:
    store = Store(url)
    with store.alone() as connection:
        upgrade.run(connection, "0015")
        connection.exec_driver_sql(f"UPDATE expired SET calls_before = {NOW}")
    migrate(store)
    with store.read() as connection:
        assert connection.execute(select(expired)).one() == (NOW, NOW)
    store.close()


def test_a_key_whose_every_call_has_another_user_makes_no_row_with_every_call_for_ever(
    store: Store, tmp_path: Path, record: Make
) -> None:
    begun, many = NOW - 60 * DAY, MOST + 2000
    records = [record(f"gen-{at}", started=begun, user=f"user-{at}", cost=1) for at in range(many)]
    records.append(record("gen-quiet", started=begun, key_id="quiet", user="quiet", cost=1))
    load(store, tmp_path / "host", records)
    question = Question(since=begun - 1, until=NOW, by=("user",))
    assert len(spend(store, question).lines) == many + 1, "each by name, at first"
    while sums.fold(store, NOW - 45 * DAY):
        pass
    with store.read() as connection:
        rows = select(func.count()).select_from(tallies).where(tallies.c.kind == USERS)
        assert connection.execute(rows).scalar() == MOST + 2
    lines = {line.ids[0]: line.sums.calls for line in spend(store, question).lines}
    assert (lines[OTHER], lines["quiet"], sum(lines.values())) == (2000, 1, many + 1)
