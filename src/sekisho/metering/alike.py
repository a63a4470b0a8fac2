"""Records of calls, together where they differ in numbers alone: every kind of sum over a batch begins with
these, so that a record's names are looked at once, and its numbers are added up with those of its like."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple

from sekisho.core.record import Outcome
from sekisho.metering.frame import AnyRecord

HOUR = 3600
DIMENSIONS = ("key_id", "organisation", "team", "project", "owner", "operation", "app", "provider", "model")
"""Members of records, and columns of the table of rollups. One more is one more here and in a migration."""
TOKENS: Final = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
"""The kinds of `Usage` that are summed."""

Names = tuple[str | None, ...]
"""The dimensions as records have them."""

_OPERATION = DIMENSIONS.index("operation")
_names_of = attrgetter(*DIMENSIONS)
_tokens_of = attrgetter(*TOKENS)
_NO_TOKENS = (0,) * len(TOKENS)


class Total(NamedTuple):
    """What calls that are alike came to."""

    counted: bool
    """All of them have a usage, and a cost."""
    tokens: tuple[int, ...]
    """Of the kinds of `TOKENS`."""
    cost: int
    """Nano-USD, at the provider and model that the calls name."""
    elsewhere: Sequence[tuple[Names, int]]
    """Nano-USD at others that were paid, by the calls' names with those in their place."""
    waived: int
    """Nano-USD, of calls that brought nothing."""


_NOTHING = Total(counted=True, tokens=_NO_TOKENS, cost=0, elsewhere=(), waived=0)


@dataclass(slots=True)
class Alike:
    """Calls that none of this tells apart."""

    hour: float
    """Since the epoch, as are all hours of records."""
    names: Names
    outcome: Outcome
    unpriced: bool
    asked: bool
    """Whether a provider was."""
    failed: bool
    """Whether an attempt did, or was outrun."""
    paid: bool
    """Whether an attempt was paid for by itself."""
    records: list[AnyRecord] = field(default_factory=list)
    total: Total = _NOTHING

    @property
    def operation(self) -> str | None:
        return self.names[_OPERATION]


def gather(records: Iterable[AnyRecord]) -> list[Alike]:
    """All records, each once."""
    found: dict[tuple[object, ...], Alike] = {}
    for record in records:
        hour, names, attempts = record.started // HOUR, _names_of(record), record.told_attempts()
        place = (hour, names, record.outcome, record.unpriced, attempts)
        alike = found.get(place)
        if alike is None:
            alike = found[place] = Alike(hour, names, record.outcome, record.unpriced, *attempts)
        alike.records.append(record)
    for alike in found.values():
        alike.total = add_up(alike, alike.records)
    return list(found.values())


def add_up(alike: Alike, records: Sequence[AnyRecord]) -> Total:
    """What some of them came to. What they cost is counted at the provider and model that was paid."""
    usages = [record.usage for record in records if record.usage is not None]
    costs = [record.cost for record in records if record.cost is not None]
    elsewhere = [each for record in records for each in _elsewhere(alike, record)] if alike.paid else ()
    return Total(
        counted=len(usages) == len(costs) == len(records),
        tokens=tuple(map(sum, zip(*map(_tokens_of, usages), strict=True))) if usages else _NO_TOKENS,
        cost=sum(costs) - sum(cost for _, cost in elsewhere),
        elsewhere=elsewhere,
        waived=sum(record.waived for record in records if record.waived),
    )


def _elsewhere(alike: Alike, record: AnyRecord) -> Iterator[tuple[Names, int]]:
    """What others were paid for their parts of an answer that several made."""
    attempts = record.read_attempts() if record.cost else ()
    if len(attempts) < 2:
        return
    *same, provider, model = alike.names
    for each in attempts:
        paid = (each.provider, each.model or model)
        if each.cost and paid != (provider, model):
            yield (*same, *paid), each.cost
