"""What calls cost and what is charged for them adds up to the same, however it is asked."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from sekisho.control.services.credits import CreditService
from sekisho.control.services.currencies import CurrencyService
from sekisho.control.services.holders import HolderService
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.spend import BYS, Question, Spend, spend
from sekisho.control.services.tariffs import TariffService
from sekisho.control.store import expiry, rollups
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import calls as calls_table
from sekisho.control.store.tables import expired, tallies
from sekisho.core.clock import Clock
from sekisho.core.money import MILLION, NANO, Rates
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.tariff import Tariff
from sekisho.core.usage import Usage
from sekisho.metering.counted import charged
from sekisho.metering.currency import USD, Currency, NoRate

Make = Callable[..., CallRecord]
NOW = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
CLOCK = Clock(now=lambda: NOW)
ONE = (AttemptRecord(provider="p", upstream_model="b-1", milliseconds=1),)
LARGEST = 2**63 - 1


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def keep(store: Store, *records: CallRecord) -> None:
    with store.write() as connection:
        booked = book(connection, records)
        assert len(booked) == len(records)
        rollups.add(store, connection, booked)


def ask(store: Store, *by: str, since: float = 0.0, until: float = NOW, **more: object) -> Spend:
    return spend(store, Question(since=since, until=until, by=by, **more))  # type: ignore[arg-type]


def told(found: Spend) -> dict[object, tuple[int, int, int]]:
    """Name -> calls, nano-USD of cost and of charge."""
    shown = found.question.currency.shown
    return {
        line.ids[0] if len(line.ids) == 1 else line.ids: (
            line.sums.calls,
            shown(line.cost),
            shown(line.charge),
        )
        for line in found.lines
    }


def test_a_markup_is_charged_from_its_first_second_on_to_its_own_organisation_alone(
    store: Store, record: Make
) -> None:
    organisation = HolderService(store, CLOCK, "organisation").create("関所株式会社")
    tariffs = TariffService(store, CLOCK)
    tariffs.set("関所株式会社", Tariff(begins=at("2026-11-01T00:00+09:00"), markup=MILLION // 20), "ops")
    tariffs.set(organisation.id, Tariff(begins=at("2026-11-10T00:00+09:00"), markup=MILLION // 10), "ops")
    moments = (
        "2026-10-31T14:59:59.9Z",
        "2026-10-31T15:00:00Z",
        "2026-11-09T14:59:59Z",
        "2026-11-09T15:00:00Z",
    )
    for number, moment in enumerate(moments):
        mine = record(f"gen-{number}", started=at(moment), cost=1000, organisation=organisation.id)
        keep(store, mine, record(f"gen-other-{number}", started=at(moment), cost=7, attempts=ONE))
    assert told(ask(store, "organisation")) == {
        organisation.id: (4, 4000, 1000 + 1050 + 1050 + 1100),
        "default": (4, 28, 28),
    }
    assert ask(store, "organisation").names[organisation.id] == "関所株式会社"


def test_prices_of_its_own_replace_what_providers_are_paid_also_where_nobody_knows_that(
    store: Store, record: Make
) -> None:
    rates = Rates(input=NANO, output=2 * NANO, cache_read=NANO // 10)
    prices = Tariff(begins=1.0, markup=MILLION, prices={"a/b": rates})
    TariffService(store, CLOCK).set("default", prices, "ops")
    usage = Usage(input=1_000_001, cache_read=10, output=500_000)
    keep(
        store,
        record("gen-1", model="a/b", usage=usage, cost=5, attempts=ONE),
        record("gen-2", model="a/b", usage=Usage(input=1), unpriced=True, attempts=ONE),
        record("gen-3", model="c/d", usage=usage, cost=5, attempts=ONE),
        record("gen-4", model="c/d", usage=usage, unpriced=True, attempts=ONE),
        record("gen-5", model="a/b", usage=usage, cost=0),  # the answer to another call, who paid for it
    )
    own = 1_000_001 * 1000 + 10 * 100 + 500_000 * 2000
    found = ask(store, "model")
    assert told(found) == {"a/b": (3, 5, own + 1000), "c/d": (2, 5, 10)}
    assert [(line.sums.unpriced, line.uncharged) for line in found.lines] == [(1, 0), (1, 1)]


def test_a_line_is_rounded_once_however_many_calls_it_has(store: Store, record: Make) -> None:
    TariffService(store, CLOCK).set("default", Tariff(begins=1.0, markup=MILLION // 20), "ops")
    keep(store, *(record(f"gen-{number}", cost=1, key_id=f"key_{number % 10}") for number in range(100)))
    assert USD.shown(ask(store).total.charge) == 105, "not 100 times 1.05, each rounded to 1"
    assert {line[2] for line in told(ask(store, "key")).values()} == {11}, "10.5 each, half up"


def test_days_begin_at_midnight_of_the_zone_and_where_clocks_change(store: Store, record: Make) -> None:
    moments = {
        "2026-10-25T00:59:59Z": "2026-10-25",  # Berlin puts clocks back at 01:00 UTC
        "2026-10-24T22:00:00Z": "2026-10-25",
        "2026-10-25T22:59:59.5Z": "2026-10-25",
        "2026-10-25T23:00:00Z": "2026-10-26",
    }
    keep(store, *(record(f"gen-{moment}", started=at(moment), cost=1) for moment in moments))
    found = ask(store, "day", zone="Europe/Berlin", since=at("2026-01-01T00:00Z"))
    assert told(found) == {"2026-10-25": (3, 3, 3), "2026-10-26": (1, 1, 1)}
    assert told(ask(store, "day")) == {"2026-10-24": (1, 1, 1), "2026-10-25": (3, 3, 3)}
    assert told(ask(store, "day", zone="Asia/Kolkata"))["2026-10-26"] == (2, 2, 2)


def test_yen_are_worth_what_each_day_says_and_a_day_without_a_rate_is_named(
    store: Store, record: Make
) -> None:
    currencies = CurrencyService(store, CLOCK)
    currencies.set("JPY", "151.20", date(2026, 11, 1), "ops")
    currencies.set("jpy", "149", date(2026, 11, 2), "ops")
    yen = currencies.set("JPY", "150", date(2026, 11, 2), "ops")
    assert yen.rates == ((date(2026, 11, 1), 151_200_000), (date(2026, 11, 2), 150_000_000))
    for number, moment in enumerate(("2026-11-01T14:59Z", "2026-11-01T15:00Z")):
        keep(store, record(f"gen-{number}", started=at(moment), cost=NANO // 2))
    since = at("2026-11-01T00:00+09:00")
    found = ask(store, currency=yen, zone="Asia/Tokyo", since=since)
    assert yen.text(found.total.cost) == "151", "75.6 and 75: 150.6"
    assert yen.text(ask(store, currency=yen, since=since).total.cost) == "151", "both 75.6: 151.2"
    keep(store, record("gen-early", started=at("2026-10-31T10:00Z"), cost=1))
    with pytest.raises(NoRate, match="no rate of JPY for 2026-10-31: sekisho rates set JPY RATE --from 2026"):
        ask(store, currency=yen)
    with pytest.raises(Missing, match="no rate of EUR"):
        currencies.find("EUR")


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "inf", "1e400", "1.0000001", "1,5", "x" * 1000, ""])
def test_what_is_no_rate_is_refused(store: Store, rate: str) -> None:
    with pytest.raises(Refused, match="is no rate"):
        CurrencyService(store, CLOCK).set("JPY", rate, date(2026, 11, 1), "ops")


def test_a_call_counts_under_each_of_its_tags_and_once_in_the_total(store: Store, record: Make) -> None:
    keep(
        store,
        record("gen-1", cost=1, tags=("検索", "batch"), attempts=ONE),
        record("gen-2", cost=10, tags=("batch",)),
        record("gen-3", cost=100),
    )
    found = ask(store, "tag")
    assert told(found) == {"検索": (1, 1, 1), "batch": (2, 11, 11), None: (1, 100, 100)}
    assert found.overlaps
    assert USD.shown(found.total.cost) == 111


def test_everybody_who_had_a_part_in_an_answer_is_paid_their_own(store: Store, record: Make) -> None:
    parts = (
        AttemptRecord(
            provider="one", upstream_model="x", model="a/x", milliseconds=1, usage=Usage(output=1), cost=30
        ),
        AttemptRecord(provider="two", upstream_model="b", milliseconds=1, usage=Usage(output=2), cost=5),
    )
    whole = record("gen-1", model="a/b", provider="two", cost=35, usage=Usage(output=3), attempts=parts)
    keep(store, whole, record("gen-2", model="a/b", provider="two", cost=100, attempts=ONE))
    assert told(ask(store, "provider")) == {"two": (2, 105, 105), "one": (0, 30, 30)}
    assert told(ask(store, "provider", "model")) == {
        ("two", "a/b"): (2, 105, 105),
        ("one", "a/x"): (0, 30, 30),
    }
    assert ask(store).total.sums.output == 3


def test_absurd_counts_of_one_provider_overflow_nobodys_report(store: Store, record: Make) -> None:
    usage = Usage(input=LARGEST, cache_read=LARGEST, output=LARGEST)
    keep(store, *(record(f"gen-{number}", cost=LARGEST, usage=usage) for number in range(5)))
    total = ask(store, "user", "tag").total
    assert (total.sums.cost, total.sums.input) == (5 * LARGEST, 5 * LARGEST)
    assert ask(store).total.sums.cost == LARGEST, "where rollups end"
    assert ask(store, "user").total.sums.cost == LARGEST, "and tallies"


names = some.sampled_from([None, "a", "b", "関所"])
parts = some.lists(
    some.builds(
        AttemptRecord,
        provider=some.sampled_from(["a", "b", "c"]),
        upstream_model=some.just("m"),
        model=some.sampled_from([None, "a/b", "c/d"]),
        milliseconds=some.just(1),
        usage=some.sampled_from([None, Usage(input=2, output=1)]),
        cost=some.sampled_from([None, 0, 3]),
    ),
    max_size=3,
).map(tuple)
calls = some.lists(
    some.fixed_dictionaries(
        {
            "started": some.floats(NOW - 40 * 86_400, NOW - 1),
            "cost": some.sampled_from([None, 0, 1, 333, 10**12]),
            "unpriced": some.booleans(),
            "organisation": some.sampled_from(["default", "org_a"]),
            "operation": some.sampled_from(["chat", "settlement", "probe"]),
            "usage": some.sampled_from([None, Usage(input=7, cache_read=5, cache_write=3, output=11)]),
            "attempts": parts,
            "tags": some.sampled_from([(), ("x",), ("x", "y")]),
            **dict.fromkeys(("team", "project", "owner", "app", "user", "provider"), names),
            "model": some.sampled_from([None, "a/b", "c/d"]),
        }
    ),
    max_size=12,
)
fresh = count()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=calls, by=some.lists(some.sampled_from(BYS), min_size=1, max_size=2, unique=True))
def test_the_sum_of_all_groups_is_the_total(
    store: Store, record: Make, calls: Sequence[dict[str, object]], by: list[str]
) -> None:
    prices = {"a/b": Rates(input=123_456_789, output=987_654_321)}
    tariffs = [
        Tariff(begins=NOW - 10 * 86_400, markup=33_333, prices=prices),
        Tariff(begins=NOW - 5.5 * 86_400, markup=33_333),
    ]
    for tariff in tariffs:
        TariffService(store, CLOCK).set("default", tariff, "ops")
    before = ask(store).total.charge
    records = [record(f"gen-{next(fresh)}", **call) for call in calls]
    keep(store, *records)
    singly = sum(charged(each, tariffs if each.organisation == "default" else ()) for each in records)
    together = (ask(store).total.charge - before) / MILLION
    assert abs(singly - together) <= len(records) / 2, "counters round every call, the books once"
    yen = Currency(code="JPY", rates=((date(2026, 1, 1), 151_200_001), (date(2026, 11, 15), 149_999_999)))
    for currency in (USD, yen):
        whole = ask(store, since=NOW - 86_400 * 41, zone="Asia/Tokyo", currency=currency)
        found = ask(store, *by, since=NOW - 86_400 * 41, zone="Asia/Tokyo", currency=currency)
        assert found.total == whole.total, "the total does not depend on how it is told apart"
        for name in ("cost", "charge", "waived", "uncharged"):
            summed = sum(getattr(line, name) for line in found.lines)
            assert (
                summed >= getattr(found.total, name)
                if found.overlaps
                else summed == getattr(whole.total, name)
            )
        if not found.overlaps:
            assert sum(line.sums.calls for line in found.lines) == whole.total.sums.calls
            assert sum(line.sums.output for line in found.lines) == whole.total.sums.output


def test_a_balance_is_what_was_paid_ahead_without_what_was_charged_since(store: Store, record: Make) -> None:
    team = HolderService(store, CLOCK, "team").create("検索")
    TariffService(store, CLOCK).set("default", Tariff(begins=1.0, markup=MILLION // 20), "ops")
    service = CreditService(store, CLOCK)
    assert service.balance("team", team.id) is None
    first = CreditService(store, Clock(now=lambda: NOW - 1000)).add(
        "team", "検索", 100 * NANO, "経理", "前払い"
    )
    service.add("team", team.id, -10 * NANO, "経理")
    keep(
        store,
        record("gen-1", started=NOW - 86_401, cost=NANO, team=team.id),
        record("gen-5", started=NOW - 1001, cost=NANO, team=team.id),
        record("gen-2", started=NOW - 1000, cost=20 * NANO, team=team.id),
        record("gen-3", started=NOW - 1, unpriced=True, team=team.id),
        record("gen-4", started=NOW - 1, cost=NANO),
    )
    balance = service.balance("team", team.id)
    assert balance is not None
    assert (balance.credits, balance.charges, balance.left) == (90 * NANO, 21 * NANO, 69 * NANO)
    assert (balance.cost, balance.uncharged) == (20 * NANO, 1)
    assert balance.since == NOW - 1000
    assert service.list("team", team.id)[0] == first
    with pytest.raises(Missing, match="none"):
        service.add("team", "'; DROP TABLE prepaid; --", NANO, "経理")
    for amount in (0, 2**63, -(2**63)):
        with pytest.raises(Refused, match="a credit is from"):
            service.add("team", team.id, amount, "経理")


def test_credits_stay_charged_when_the_calls_are_deleted(store: Store, record: Make) -> None:
    changed = NOW - 60 * 86_400 + 1800
    own = {"a/b": Rates(input=10**9, output=0)}
    for tariff in (Tariff(begins=1.0, prices=own), Tariff(begins=changed, markup=MILLION, prices=own)):
        TariffService(store, CLOCK).set("default", tariff, "ops")
    CreditService(store, Clock(now=lambda: NOW - 80 * 86_400)).add("organisation", "default", NANO, "ops")
    keep(
        store,
        record("gen-1", started=NOW - 80 * 86_400 + 0.5, cost=3000, attempts=ONE),
        record("gen-2", started=changed - 3600, model="a/b", usage=Usage(input=7), cost=1, attempts=ONE),
        record("gen-3", started=changed + 86_400, cost=10, attempts=ONE),
        record("gen-4", started=NOW - 3600.5, model="a/b", usage=Usage(input=20), attempts=ONE),
    )
    service, charged = CreditService(store, CLOCK), 3000 + 7 * 1000 + 20 + 20 * 1000

    def charges() -> int:
        balance = service.balance("organisation", "default")
        assert balance is not None
        return balance.charges

    assert charges() == charged
    while rollups.fold(store, NOW - 45 * 86_400):
        pass
    assert charges() == charged
    rollups.mark_expired(store, NOW // 86_400 * 86_400 - 30 * 86_400)
    with store.write() as connection:
        connection.execute(calls_table.delete().where(calls_table.c.started < NOW - 30 * 86_400))
    assert charges() == charged
    with store.write() as connection:  # as when an older version had deleted them
        connection.execute(tallies.delete().where(tallies.c.start < NOW - 50 * 86_400))
        connection.execute(expired.update().values(tallied_from=NOW - 50 * 86_400))
    assert charges() == charged


@pytest.mark.parametrize("zone", ["America/St_Johns", "Asia/Tokyo", "Pacific/Apia"])
def test_days_in_any_zone_are_those_of_its_calendar(store: Store, record: Make, zone: str) -> None:
    started = [NOW - hours * 3600 - 0.25 for hours in range(0, 24 * 300, 7 * 24 + 5)]
    keep(store, *(record(f"gen-{number}", started=moment) for number, moment in enumerate(started)))
    days = {line.ids[0] for line in ask(store, "day", zone=zone).lines}
    assert days == {datetime.fromtimestamp(moment, ZoneInfo(zone)).date().isoformat() for moment in started}


def test_sums_outlive_the_calls_that_they_are_made_of_and_what_is_lost_is_said(
    store: Store, record: Make
) -> None:
    TariffService(store, CLOCK).set("default", Tariff(begins=NOW - 100 * 86_400, markup=MILLION), "ops")
    early, late = NOW - 80 * 86_400 + 0.5, NOW - 3600.5
    keep(
        store,
        record("gen-1", started=early, cost=NANO, team="a", tags=("x",)),
        record("gen-2", started=late, cost=10 * NANO, team="b"),
    )
    since = NOW - 90 * 86_400 + 7.25
    whole = ask(store, "team", "day", since=since)
    tagged = ask(store, "tag", since=NOW - 90 * 86_400)
    assert whole.total == tagged.total
    while rollups.fold(store, NOW - 45 * 86_400):
        pass
    rollups.mark_expired(store, NOW - 50 * 86_400)
    while expiry.delete_some(store, NOW - 50 * 86_400):
        pass
    expiry.drop_partitions(store, NOW - 50 * 86_400)
    with store.write() as connection:
        connection.execute(calls_table.delete().where(calls_table.c.started < NOW - 50 * 86_400))
    after = ask(store, "team", "day", since=NOW - 90 * 86_400)
    assert (after.lines, after.total, after.lost_before) == (whole.lines, whole.total, None)
    after = ask(store, "tag", since=NOW - 90 * 86_400)
    assert (after.lines, after.total, after.lost_before) == (tagged.lines, tagged.total, None)
    lost = ask(store, "user", "tag", since=since)
    assert USD.shown(lost.total.cost) == 10 * NANO
    assert lost.lost_before == NOW - 50 * 86_400
    in_tokyo = ask(store, "team", since=since, zone="Asia/Tokyo")
    assert in_tokyo.total.charge == whole.total.charge
