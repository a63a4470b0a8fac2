"""What many calls came to together, by hour and by whose they were. Knows no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

from sekisho.core.record import SETTLEMENT, CallFacts
from sekisho.metering.frame import AnyRecord
from sekisho.metering.histogram import Histogram, bucket, merge

HOUR = 3600
DAY = 86_400
DIMENSIONS = ("key_id", "organisation", "team", "project", "owner", "operation", "app", "provider", "model")
"""Members of records, and columns of the table of rollups. One more is one more here and in a migration."""

Place = tuple[int, int, *tuple[str, ...]]
"""The period's first second since the epoch, its length in seconds, and a text for each dimension, empty
where there is none."""

Raw = tuple[float, *tuple[str | None, ...]]
"""The hour since the epoch, and the dimensions as records have them."""

names_of = attrgetter(*DIMENSIONS)
"""The dimensions as a record has them."""


@dataclass(slots=True)
class Sums:
    """All can be added to their like, in any order."""

    calls: int = 0
    failed: int = 0
    """Of them, those whose client got an error, or an answer that broke off."""
    cancelled: int = 0
    unpriced: int = 0
    input: int = 0
    """Tokens, as all up to `reasoning`; their kinds are those of `Usage`."""
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    cost: int = 0
    """Nano-USD."""
    waived: int = 0
    """The same, of calls that brought nothing."""
    total_ms: Histogram = field(default_factory=dict)
    first_token_ms: Histogram = field(default_factory=dict)

    def add(self, other: "Sums") -> None:
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        merge(self.total_ms, other.total_ms)
        merge(self.first_token_ms, other.first_token_ms)

    def count(self, record: CallFacts, cost: int) -> None:
        """One record more, `cost` of which belongs here."""
        if record.operation != SETTLEMENT:
            self._count_call(record)
        usage = record.usage
        if usage is not None:
            self.input += usage.input
            self.output += usage.output
            self.reasoning += usage.reasoning
            self.cache_read += usage.cache_read
            self.cache_write += usage.cache_write
            self.cache_write_1h += usage.cache_write_1h
        self.cost += cost
        self.waived += record.waived or 0

    def _count_call(self, record: CallFacts) -> None:
        self.calls += 1
        if record.outcome != "ok":
            if record.outcome == "cancelled":
                self.cancelled += 1
            else:
                self.failed += 1
        if record.unpriced:
            self.unpriced += 1
        at = bucket(record.total_ms)
        self.total_ms[at] = self.total_ms.get(at, 0) + 1
        if record.first_token_ms is not None:
            at = bucket(record.first_token_ms)
            self.first_token_ms[at] = self.first_token_ms.get(at, 0) + 1


NUMBERS = tuple(each.name for each in fields(Sums) if not each.name.endswith("_ms"))
Rollups = dict[Place, Sums]


def roll_up(records: Iterable[AnyRecord]) -> Rollups:
    """The records by hour. What they cost is counted at the provider and model that was paid."""
    found: dict[Raw, Sums] = {}
    for record in records:
        names = names_of(record)
        cost = record.cost or 0
        for provider, model, part in paid_elsewhere(record):
            place = (record.started // HOUR, *names[:-2], provider, model)
            found.setdefault(place, Sums()).cost += part
            cost -= part
        place = (record.started // HOUR, *names)
        sums = found.get(place)
        if sums is None:
            sums = found[place] = Sums()
        sums.count(record, cost)
    return _placed(found)


def text_of(name: str | None) -> str:
    """What a database is told of a name; empty where there is none."""
    # Not every database has a null character in its texts.
    return "" if name is None else name.replace("\0", "\ufffd")


def _placed(found: dict[Raw, Sums]) -> Rollups:
    placed: Rollups = {}
    for (hour, *names), sums in found.items():
        place: Place = (int(hour) * HOUR, HOUR, *map(text_of, names))
        if place in placed:
            placed[place].add(sums)
        else:
            placed[place] = sums
    return placed


def paid_elsewhere(record: AnyRecord) -> Sequence[tuple[str, str | None, int]]:
    """What other providers or models were paid (nano-USD) for their parts of an answer that several made."""
    attempts = record.paid_attempts() if record.cost else ()
    if len(attempts) < 2:
        return ()
    parts = [(each.provider, each.model or record.model, each.cost or 0) for each in attempts]
    return [part for part in parts if part[2] and part[:2] != (record.provider, record.model)]


def by_day(rollups: Rollups) -> Rollups:
    """The same over the days (UTC) that the periods are in."""
    found: Rollups = {}
    for (start, _, *names), sums in rollups.items():
        found.setdefault((start // DAY * DAY, DAY, *names), Sums()).add(sums)
    return found
