"""Scores of recorded calls, on both databases."""

from collections.abc import Callable

from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.scores import read_scores
from sekisho.core.explanation import AutoRecord, Explanation
from sekisho.core.record import CallRecord


def test_calls_are_counted_by_their_scores(store: Store, record: Callable[..., CallRecord]) -> None:
    def scored(call_id: str, score: float | None, **more: object) -> CallRecord:
        auto = None if score is None else AutoRecord(tier="lookup", score=score)
        return record(call_id, started=100.0, explanation=Explanation(auto=auto), **more)

    with store.write() as connection:
        book(
            connection,
            (
                scored("gen-1", 0.25, requested_model="sekisho/auto"),
                scored("gen-2", 0.25),
                scored("gen-3", 1.0),
                scored("gen-4", 0.0),
                scored("gen-5", None),
                record("gen-6", started=100.0),
                record(
                    "gen-7", started=300.0, explanation=Explanation(auto=AutoRecord(tier="lookup", score=0.5))
                ),
            ),
        )
    with store.read() as connection:
        assert read_scores(connection, 100.0, 300.0, None) == {0.0: 1, 0.25: 2, 1.0: 1}
        assert read_scores(connection, 100.0, 300.0, "sekisho/auto") == {0.25: 1}
        assert read_scores(connection, 400.0, 500.0, None) == {}
