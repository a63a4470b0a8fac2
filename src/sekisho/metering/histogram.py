"""Durations counted by size: the counts of any hours, keys and processes add up to those of all together."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

Histogram = dict[int, int]
"""How many durations fell into each bucket; what is missing is 0."""

BOUNDS = tuple(sorted({round(2 ** (step / 4)) for step in range(97)}))
"""The longest duration of each bucket in milliseconds: four to every doubling, up to four and a half hours.
One bucket more holds what is longer. Never changed: what is stored goes by it."""


def bucket(milliseconds: int) -> int:
    """Whose bound is the first that is not shorter."""
    return bisect_left(BOUNDS, milliseconds)


def count(into: Histogram, durations: Iterable[int]) -> None:
    """Add durations in milliseconds."""
    for milliseconds, times in Counter(durations).items():
        each = bucket(milliseconds)
        into[each] = into.get(each, 0) + times


def merge(into: Histogram, other: Mapping[int, int]) -> None:
    """Add the counts of `other`."""
    for each, count in other.items():
        into[each] = into.get(each, 0) + count


def quantile(histogram: Mapping[int, int], share: float) -> int | None:
    """Milliseconds that this share (0 to 1) of the durations did not exceed, at most 19 % too many; None
    where nothing was counted."""
    wanted = share * sum(histogram.values())
    seen = 0
    for each in sorted(histogram):
        seen += histogram[each]
        if seen >= wanted:
            return BOUNDS[min(each, len(BOUNDS) - 1)]
    return None
