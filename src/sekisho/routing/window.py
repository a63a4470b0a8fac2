"""Percentiles of the last five minutes in little room: counts on a logarithmic scale, in slices of time."""

from bisect import bisect_left

SLICES = 10
SLICE = 30.0
"""Seconds."""
_FIRST = 0.001
_STEP = 1.25
_BOUNDS = [_FIRST * _STEP**bin_ for bin_ in range(63)]
"""Upper ends of the bins but the last: from a thousandth up to about 1,000, each a quarter above the one
before."""


class Window:
    """Of one measure of one endpoint (seconds, or tokens a second). The error is the width of a bin."""

    __slots__ = ("_at", "_known", "_share", "_slices", "_until")

    def __init__(self) -> None:
        self._slices: dict[int, dict[int, int]] = {}
        """Number of the slice, since the clock's beginning -> bin -> how many. Empty ones take no room: most
        endpoints are never measured."""
        self._at = 0
        """The slice that was looked at last."""
        self._until = 0.0
        """When it is over."""
        self._share = -1.0
        """What `_known` is the percentile of; negative: it is not known."""
        self._known: float | None = None

    def add(self, value: float, now: float) -> None:
        """`now` is monotonic seconds."""
        if now >= self._until:
            self._move(now)
        bin_ = bisect_left(_BOUNDS, value)
        counts = self._slices.get(self._at)
        if counts is None:
            counts = self._slices[self._at] = {}
        counts[bin_] = counts.get(bin_, 0) + 1
        self._share = -1.0

    def percentile(self, share: float, now: float) -> float | None:
        """None where nothing was measured in the last five minutes."""
        if now >= self._until:
            self._move(now)
        if share != self._share:
            self._known, self._share = self._find(share), share
        return self._known

    def count(self, now: float) -> int:
        """How many were measured in the last five minutes."""
        if now >= self._until:
            self._move(now)
        return sum(sum(counts.values()) for counts in self._slices.values())

    def _find(self, share: float) -> float | None:
        total: dict[int, int] = {}
        for counts in self._slices.values():
            for bin_, count in counts.items():
                total[bin_] = total.get(bin_, 0) + count
        wanted = share * sum(total.values())
        found = None
        for bin_ in sorted(total):
            wanted -= total[bin_]
            found = _FIRST * _STEP**bin_
            if wanted <= 0:
                break
        return found

    def _move(self, now: float) -> None:
        """Forgets the slices that time has passed."""
        self._at = int(now // SLICE)
        self._until = (self._at + 1) * SLICE
        self._share = -1.0
        for number in [number for number in self._slices if number <= self._at - SLICES]:
            del self._slices[number]
