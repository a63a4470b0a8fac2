"""`python -m bench.report_run URL`: every report over the books there, and how many seconds each takes."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from bench.report_books import DAYS
from sekisho.control.services.outages import BYS as OUTAGES
from sekisho.control.services.outages import outages
from sekisho.control.services.spend import BYS, Question, spend, sum_up
from sekisho.control.store.engine import Store
from sekisho.control.store.spent import spending
from sekisho.core.money import NANO, Rates
from sekisho.core.tariff import Tariff

ROUNDS = 3
SINGLE = frozenset({"spend by user, tag"})
"""What no sums tell: calls are read one by one, once."""
LONG = frozenset({"spend by user, day in Tokyo"})
"""30,000 lines."""
OWN = {"org_1": (Tariff(prices={"acme/m1": Rates(input=NANO, output=NANO)}),)}
"""Prices of an organisation's own."""


def reports(store: Store, now: float) -> Mapping[str, Callable[[], object]]:
    """All there are, over the last days."""
    since = now - DAYS * 86_400
    asked = {
        "spend": Question(since=since, until=now),
        **{f"spend by {by}": Question(since=since, until=now, by=(by,)) for by in BYS},
        "spend by team, model": Question(since=since, until=now, by=("team", "model")),
        "spend by user, model": Question(since=since, until=now, by=("user", "model")),
        "spend by user, day in Tokyo": Question(
            since=since, until=now, by=("user", "day"), zone="Asia/Tokyo"
        ),
        "spend by user, tag": Question(since=since, until=now, by=("user", "tag")),
        "spend by key, day": Question(since=since, until=now, by=("key", "day")),
        "spend by day in Tokyo": Question(since=since, until=now, by=("day",), zone="Asia/Tokyo"),
    }

    def of_a_key() -> object:
        with store.read() as connection:
            return spending(connection, ["key_7"], now)

    def with_own_prices() -> object:
        with store.read() as connection:
            return sum_up(connection, asked["spend by team, model"], OWN)

    found: dict[str, Callable[[], object]] = {
        name: partial(spend, store, question) for name, question in asked.items()
    }
    for by in (None, *OUTAGES):
        found["outages" + (f" by {by}" if by else "")] = partial(outages, store, since, by)
    found["spend by team, model with an organisation's own prices"] = with_own_prices
    return {**found, "spending of a key (/api/v1/key)": of_a_key}


def main(url: str) -> None:
    """The best of a few rounds, as a machine that does nothing else has it."""
    os.nice(19)  # beside calls that are measured on the same cores
    store, taken = Store(url), {}
    for name, report in reports(store, time.time()).items():
        for _ in range(1 if name in SINGLE else ROUNDS):
            began = time.perf_counter()
            assert report(), name
            taken[name] = min(taken.get(name, float("inf")), time.perf_counter() - began)
    store.close()
    sys.stdout.buffer.write(msgspec.json.encode(taken))


if __name__ == "__main__":
    main(sys.argv[1])
