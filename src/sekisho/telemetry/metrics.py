"""Counts for `/metrics`: plain integers while calls run, Prometheus' shape when asked.

Labels are models, providers and closed sets (outcomes, error codes), never a caller's text; the number of
series is capped, since some providers take any model name. With several worker processes, each leaves its
counts in a shared folder now and then, and whichever is asked answers for all.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from sekisho.core.money import NANO
from sekisho.core.record import OUTRUN, PROBE, SETTLEMENT, CallRecord

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds."""
TOKEN_KINDS = ("input", "cache_read", "cache_write", "output", "reasoning")
MOST_CELLS = 2_000
"""Pairs of model and provider; what comes after is counted under the model `other`."""

Pair = tuple[str, str]
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class LabelledGauge(msgspec.Struct, frozen=True):
    text: str
    labels: tuple[str, ...]
    read: Callable[[], Mapping[tuple[str, ...], float]]
    """Values of the labels -> value. They must be of closed sets."""


class Histogram(msgspec.Struct, array_like=True):
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """Per bucket, the last one open."""
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def merge(self, other: "Histogram") -> None:
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class Cell(msgspec.Struct, array_like=True):
    """What the calls of one model at one provider came to."""

    ended: dict[str, int] = msgspec.field(default_factory=dict)
    """`outcome`, or `outcome code` -> calls."""
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    cost: int = 0
    """Nano-USD."""
    unpriced: int = 0
    duration: Histogram = msgspec.field(default_factory=Histogram)
    first_token: Histogram = msgspec.field(default_factory=Histogram)

    def merge(self, other: "Cell") -> None:
        _merge(self.ended, other.ended)
        for kind in TOKEN_KINDS:
            setattr(self, kind, getattr(self, kind) + getattr(other, kind))
        self.cost += other.cost
        self.unpriced += other.unpriced
        self.duration.merge(other.duration)
        self.first_token.merge(other.first_token)


class Counts(msgspec.Struct, array_like=True):
    """One process's counts, as they are written to and read from the shared folder."""

    cells: dict[str, Cell] = msgspec.field(default_factory=dict)
    """`provider model` -> cell; providers' names hold no space."""
    failed_attempts: dict[str, int] = msgspec.field(default_factory=dict)
    """`provider code` -> attempts."""

    def merge(self, other: "Counts") -> None:
        """Add another process's counts to these."""
        for key, cell in other.cells.items():
            self.cells.setdefault(key, Cell()).merge(cell)
        _merge(self.failed_attempts, other.failed_attempts)


class CallMetrics:
    """This process's counts, and how to show them."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._cells: dict[tuple[str, str], Cell] = {}
        """The cells of `_counts` by (provider, model)."""
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._labelled: dict[str, LabelledGauge] = {}

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show `read()` of this process as a gauge (open connections, journal failures)."""
        self._gauges[name] = (text, read)

    def labelled_gauge(self, name: str, gauge: LabelledGauge) -> None:
        """The same, for several values told apart by labels."""
        self._labelled[name] = gauge

    def observe(self, record: CallRecord) -> None:
        """Count one ended call."""
        pair = (record.provider or "none", record.model or "none")
        cell = self._cells.get(pair) or self._cell(pair)
        if record.operation not in (SETTLEMENT, PROBE):
            ended = record.outcome if record.error_code is None else f"{record.outcome} {record.error_code}"
            cell.ended[ended] = cell.ended.get(ended, 0) + 1
            cell.duration.add(record.total_ms / 1000)
        if record.first_token_ms is not None:
            cell.first_token.add(record.first_token_ms / 1000)
        if record.cost:
            cell.cost += record.cost
        if record.unpriced:
            cell.unpriced += 1
        usage = record.usage
        if usage is not None:
            cell.input += usage.input
            cell.output += usage.output
            if usage.cache_read or usage.cache_write or usage.cache_write_1h:
                cell.cache_read += usage.cache_read
                cell.cache_write += usage.cache_write + usage.cache_write_1h
            if usage.reasoning:
                cell.reasoning += usage.reasoning
        for attempt in record.attempts:
            if attempt.code is not None and attempt.code != OUTRUN:
                _add(self._counts.failed_attempts, f"{attempt.provider} {attempt.code}", 1)

    def export(self) -> bytes:
        """This process's counts for its siblings."""
        return msgspec.json.encode(self._counts)

    def absorb(self, export: bytes) -> None:
        """Go on from an earlier process's counts."""
        self._counts.merge(msgspec.json.decode(export, type=Counts))

    def render(self, siblings: Iterable[bytes] = ()) -> bytes:
        """Prometheus' text format of this process's counts and the siblings' exports together."""
        counts = msgspec.json.decode(self.export(), type=Counts)
        for export in siblings:
            counts.merge(msgspec.json.decode(export, type=Counts))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Snapshot(counts, self._gauges, self._labelled))
        return generate_latest(registry)

    def _cell(self, pair: tuple[str, str]) -> Cell:
        if len(self._cells) >= MOST_CELLS:
            pair = (pair[0], "other")
        cell = self._counts.cells.setdefault(f"{pair[0]} {pair[1]}", Cell())
        self._cells[pair] = cell
        return cell


class _Snapshot(Collector):
    def __init__(
        self,
        counts: Counts,
        gauges: dict[str, tuple[str, Callable[[], float]]],
        labelled: dict[str, LabelledGauge],
    ):
        self._counts = counts
        self._gauges = gauges
        self._labelled = labelled

    def collect(self) -> Iterator[Family]:
        labels = ("provider", "model")
        calls = CounterMetricFamily("sekisho_calls", "Ended calls.", labels=(*labels, "outcome", "code"))
        tokens = CounterMetricFamily("sekisho_tokens", "Tokens by kind.", labels=(*labels, "kind"))
        cost = CounterMetricFamily("sekisho_cost_usd", "Cost in USD.", labels=labels)
        unpriced = CounterMetricFamily(
            "sekisho_unpriced_calls", "Calls without a known price.", labels=labels
        )
        duration = HistogramMetricFamily("sekisho_call_duration_seconds", "Whole call.", labels=labels)
        first = HistogramMetricFamily("sekisho_first_token_seconds", "Until the first token.", labels=labels)
        for key, cell in self._counts.cells.items():
            pair = key.split(" ", 1)
            for ended, count in cell.ended.items():
                outcome, _, code = ended.partition(" ")
                calls.add_metric([*pair, outcome, code], count)
            for kind in TOKEN_KINDS:
                tokens.add_metric([*pair, kind], getattr(cell, kind))
            cost.add_metric(pair, cell.cost / NANO)
            unpriced.add_metric(pair, cell.unpriced)
            duration.add_metric(pair, _buckets(cell.duration), sum_value=cell.duration.total)
            first.add_metric(pair, _buckets(cell.first_token), sum_value=cell.first_token.total)
        failed = CounterMetricFamily(
            "sekisho_failed_attempts", "Attempts that failed.", labels=("provider", "code")
        )
        for key, count in self._counts.failed_attempts.items():
            failed.add_metric(key.split(" ", 1), count)
        yield from (calls, tokens, cost, unpriced, duration, first, failed)
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(f"sekisho_{name}", text, value=read())
        for name, gauge in self._labelled.items():
            family = GaugeMetricFamily(f"sekisho_{name}", gauge.text, labels=gauge.labels)
            for values, value in gauge.read().items():
                family.add_metric(values, value)
            yield family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))


def _add(table: dict[str, int], key: str, count: int) -> None:
    table[key] = table.get(key, 0) + count


def _merge(table: dict[str, int], other: dict[str, int]) -> None:
    for key, count in other.items():
        _add(table, key, count)
