"""Uptimes are of the calls that an endpoint was asked for first, on every database."""

from collections.abc import Callable

from tests.control.test_spend import keep

from sekisho.control.store import outages
from sekisho.control.store.engine import Store
from sekisho.core.port import Uptime
from sekisho.core.record import AttemptRecord, CallRecord

NOW = 1_790_000_000.0  # 14:13:20
WELL = (AttemptRecord(provider="p", upstream_model="m", milliseconds=1),)
RESCUED = (
    AttemptRecord(provider="p", upstream_model="m", milliseconds=1, code="upstream_error"),
    AttemptRecord(provider="q", upstream_model="m", milliseconds=1),
)


def test_an_endpoint_that_failed_and_was_rescued_was_down(
    store: Store, record: Callable[..., CallRecord]
) -> None:
    def call(number: int, ago: float, attempts: tuple[AttemptRecord, ...]) -> CallRecord:
        more = {"model": "a/b", "provider": attempts[-1].provider, "attempts": attempts}
        return record(f"gen-{number}", started=NOW - ago, **more)

    called = [(0, WELL), (0, WELL), (0, RESCUED), (7200, RESCUED), (90_000, WELL), (100_000, WELL)]
    keep(store, *[call(number, *each) for number, each in enumerate(called)])
    with store.read() as connection:
        found = outages.read_uptimes(connection, NOW)
    assert found == {("p", "a/b"): Uptime(half_hour=66.67, day=50.0)}
