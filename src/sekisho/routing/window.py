"""Percentiles of the last five minutes in little room: counts on a logarithmic scale, in slices of time."""

import math

SLICES = 10
SLICE = 30.0
"""Seconds."""
_FIRST = 0.001
_STEP = 1.25
_LOG_STEP = math.log(_STEP)
_BINS = 64
"""From a thousandth up to about 1,270, each bin a quarter above the one before."""


class Window:
    """Of one measure of one endpoint (seconds, or tokens a second). The error is the width of a bin."""

    __slots__ = ("_at", "_counts", "_known", "_slices")

    def __init__(self) -> None:
        self._slices: list[dict[int, int]] = [{} for _ in range(SLICES)]
        self._at = 0
        """Number of the slice that was written last, since the clock's beginning."""
        self._known: tuple[int, float, float] | None = None
        self._counts = 0

    def add(self, value: float, now: float) -> None:
        """`now` is monotonic seconds."""
        self._move(int(now // SLICE))
        bin_ = 0 if value <= _FIRST else min(_BINS - 1, int(math.log(value / _FIRST) / _LOG_STEP) + 1)
        counts = self._slices[self._at % SLICES]
        counts[bin_] = counts.get(bin_, 0) + 1
        self._counts += 1

    def percentile(self, share: float, now: float) -> float | None:
        """None where nothing was measured in the last five minutes."""
        self._move(int(now // SLICE))
        known = self._known
        if known is not None and known[0] == self._counts and known[1] == share:
            return known[2]
        total: dict[int, int] = {}
        for counts in self._slices:
            for bin_, count in counts.items():
                total[bin_] = total.get(bin_, 0) + count
        wanted = share * sum(total.values())
        if not total:
            return None
        found = _FIRST
        for bin_ in sorted(total):
            wanted -= total[bin_]
            found = _FIRST * _STEP**bin_
            if wanted <= 0:
                break
        self._known = (self._counts, share, found)
        return found

    def _move(self, at: int) -> None:
        """Empties the slices that time has passed."""
        if at == self._at:
            return
        for number in range(max(self._at + 1, at - SLICES + 1), at + 1):
            self._slices[number % SLICES] = {}
        self._at = max(self._at, at)
        self._counts += 1
