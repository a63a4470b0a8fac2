"""What many calls came to together, by hour and by whose they were. Knows no database."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from sekisho.core.record import SETTLEMENT
from sekisho.metering.alike import HOUR, Alike
from sekisho.metering.histogram import Histogram, count, merge

DAY = 86_400

Place = tuple[int, int, *tuple[str, ...]]
"""The period's first second since the epoch, its length in seconds, and a text for each dimension, empty
where there is none."""

Raw = tuple[float, *tuple[str | None, ...]]
"""The hour since the epoch, and the dimensions as records have them."""


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

    def count(self, alike: Alike) -> None:
        """These calls more."""
        total = alike.total
        if alike.operation != SETTLEMENT:
            self._count_calls(alike)
        fresh, cache_read, cache_write, cache_write_1h, output, reasoning = total.tokens
        self.input += fresh
        self.cache_read += cache_read
        self.cache_write += cache_write
        self.cache_write_1h += cache_write_1h
        self.output += output
        self.reasoning += reasoning
        self.cost += total.cost
        self.waived += total.waived

    def _count_calls(self, alike: Alike) -> None:
        calls = len(alike.records)
        self.calls += calls
        if alike.outcome == "cancelled":
            self.cancelled += calls
        elif alike.outcome != "ok":
            self.failed += calls
        if alike.unpriced:
            self.unpriced += calls
        count(self.total_ms, [record.total_ms for record in alike.records])
        first = [record.first_token_ms for record in alike.records if record.first_token_ms is not None]
        count(self.first_token_ms, first)


NUMBERS = tuple(each.name for each in fields(Sums) if not each.name.endswith("_ms"))
Rollups = dict[Place, Sums]


def roll_up(gathered: Iterable[Alike]) -> Rollups:
    """The calls by hour. What they cost is counted at the provider and model that was paid."""
    found: dict[Raw, Sums] = {}
    for alike in gathered:
        for names, cost in alike.total.elsewhere:
            found.setdefault((alike.hour, *names), Sums()).cost += cost
        place: Raw = (alike.hour, *alike.names)
        sums = found.get(place)
        if sums is None:
            sums = found[place] = Sums()
        sums.count(alike)
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


def by_day(rollups: Rollups) -> Rollups:
    """The same over the days (UTC) that the periods are in."""
    found: Rollups = {}
    for (start, _, *names), sums in rollups.items():
        found.setdefault((start // DAY * DAY, DAY, *names), Sums()).add(sums)
    return found
