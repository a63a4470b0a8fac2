"""How calls fared that a provider was asked for, by who was asked first. Knows no database.

Calls that no provider was asked for, and what a provider refused because of the request itself, are no
outages. A call that was lost has no usage: it weighs what its prompt would have cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sekisho.core.operation import Operation
from sekisho.core.record import NO_FAILURES, AttemptRecord
from sekisho.metering.frame import AnyRecord
from sekisho.metering.rollup import HOUR, text_of

Ending = Literal["", "retry", "fallback", "continuation", "lost", "left"]
"""Of a call whose first attempt failed. left: its client went away. Empty: it did not fail."""
Fate = tuple[int, str, str, str, Ending]
"""The hour's first second since the epoch; of the first attempt, its provider, its model, and the code of its
failure, empty where it did not fail; and how the call ended."""

_Raw = tuple[float, str | None, str | None, str | None, Ending]
"""The same as records have it; the hour is counted since the epoch."""


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


def weigh(records: Iterable[AnyRecord]) -> dict[Fate, Weight]:
    """The calls among the records that a provider was asked for, by how they fared."""
    found: dict[_Raw, Weight] = {}
    for record in records:
        if record.operation != Operation.CHAT:
            continue
        if record.is_untroubled():  # as nearly all: there is nothing to read
            raw: _Raw = (record.started // HOUR, record.provider, record.model, None, "")
        else:
            first = record.first_attempt()
            if first is None:
                continue
            raw = _raw(record, first)
        weight = found.get(raw)
        if weight is None:
            weight = found[raw] = Weight()
        usage, cost = record.usage, record.cost
        asked = (0, 0) if usage is not None and cost is not None else record.asked()
        weight.requests += 1
        weight.tokens += asked[0] if usage is None else usage.total
        weight.cost += asked[1] if cost is None else cost
    fates: dict[Fate, Weight] = {}
    for (hour, provider, model, code, ending), weight in found.items():
        fate = (int(hour) * HOUR, text_of(provider), text_of(model), text_of(code), ending)
        fates.setdefault(fate, Weight()).add(weight)
    return fates


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
