"""How calls fared that a provider was asked for, by who was asked first. Knows no database.

Calls that no provider was asked for, and what a provider refused because of the request itself, are no
outages. A call that was lost has no usage: it weighs what its prompt would have cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sekisho.core.operation import Operation
from sekisho.core.record import NO_FAILURES, AttemptRecord
from sekisho.metering.alike import HOUR, TOKENS, Alike
from sekisho.metering.frame import AnyRecord
from sekisho.metering.rollup import text_of

Ending = Literal["", "retry", "fallback", "continuation", "lost", "left"]
"""Of a call whose first attempt failed. left: its client went away. Empty: it did not fail."""
Fate = tuple[int, str, str, str, Ending]
"""The hour's first second since the epoch; of the first attempt, its provider, its model, and the code of its
failure, empty where it did not fail; and how the call ended."""

_Raw = tuple[float, str | None, str | None, str | None, Ending]
"""The same as records have it; the hour is counted since the epoch."""

_TOTAL = TOKENS.index("reasoning")
"""Reasoning is a part of the output."""


@dataclass(slots=True)
class Weight:
    """Floats: the absurd count of one provider must not overflow everybody's report."""

    requests: int = 0
    tokens: float = 0.0
    cost: float = 0.0
    """Nano-USD; calls without a price weigh nothing."""

    def add(self, other: "Weight") -> None:
        self.requests += other.requests
        self.tokens += other.tokens
        self.cost += other.cost


def weigh(gathered: Iterable[Alike]) -> dict[Fate, Weight]:
    """The calls that a provider was asked for, by how they fared."""
    found: dict[_Raw, Weight] = {}
    for alike in gathered:
        if alike.operation != Operation.CHAT or not alike.asked:
            continue
        total = alike.total
        if total.counted and not alike.failed and not alike.paid:  # as nearly all: there is nothing to read
            weight = Weight(len(alike.records), sum(total.tokens[:_TOTAL]), total.cost)
            *_, provider, model = alike.names
            found.setdefault((alike.hour, provider, model, None, ""), Weight()).add(weight)
        else:
            for record in alike.records:
                _weigh_one(found, record, failed=alike.failed)
    fates: dict[Fate, Weight] = {}
    for (hour, provider, model, code, ending), weight in found.items():
        fate = (int(hour) * HOUR, text_of(provider), text_of(model), text_of(code), ending)
        fates.setdefault(fate, Weight()).add(weight)
    return fates


def _weigh_one(found: dict[_Raw, Weight], record: AnyRecord, *, failed: bool) -> None:
    raw: _Raw = (record.started // HOUR, record.provider, record.model, None, "")
    if failed:
        attempts = record.read_attempts()
        if not attempts:
            return
        raw = _raw(record, attempts[0])
    usage, cost = record.usage, record.cost
    asked = (0, 0) if usage is not None and cost is not None else record.asked()
    tokens = asked[0] if usage is None else usage.total
    found.setdefault(raw, Weight()).add(Weight(1, tokens, asked[1] if cost is None else cost))


def _raw(record: AnyRecord, first: AttemptRecord) -> _Raw:
    failed = first.code is not None and first.code not in NO_FAILURES
    return (
        record.started // HOUR,
        first.provider,
        first.model or record.model,
        first.code if failed else None,
        _ending(record, first) if failed else "",
    )


def _ending(record: AnyRecord, first: AttemptRecord) -> Ending:
    if record.outcome == "cancelled":
        return "left"
    if record.outcome != "ok":
        return "lost"
    if first.first_token_ms is not None:
        return "continuation"
    same = (first.provider, first.upstream_model) == (record.provider, record.upstream_model)
    return "retry" if same else "fallback"
