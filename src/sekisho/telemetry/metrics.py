"""Counts for `/metrics`, in plain dictionaries while calls run and in Prometheus' shape when asked.

Labels come from the configuration (models, providers) and from closed sets (outcomes, error codes), never
from a client, so the number of series is bounded. No content, key or caller's text is ever a label.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from sekisho.core.money import NANO
from sekisho.core.record import CallRecord

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds."""
TOKEN_KINDS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")

Pair = tuple[str, str]
Counts = dict[tuple[str, ...], int]


class Histogram:
    """Counts per bucket, the last one open."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class CallMetrics(Collector):
    """What this process's calls came to."""

    def __init__(self) -> None:
        self._calls: Counts = {}
        self._tokens: Counts = {}
        self._cost: Counts = {}
        """Nano-USD."""
        self._unpriced: Counts = {}
        self._duration: dict[Pair, Histogram] = {}
        self._first_token: dict[Pair, Histogram] = {}
        self._failed_attempts: Counts = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show `read()` as a gauge (open connections, journal failures)."""
        self._gauges[name] = (text, read)

    def observe(self, record: CallRecord) -> None:
        """Count one ended call."""
        model = record.model or "none"
        provider = record.provider or "none"
        pair = (model, provider)
        call = (model, provider, record.outcome, record.error_code or "")
        self._calls[call] = self._calls.get(call, 0) + 1
        self._histogram(self._duration, pair).add(record.total_ms / 1000)
        if record.first_token_ms is not None:
            self._histogram(self._first_token, pair).add(record.first_token_ms / 1000)
        if record.cost:
            self._cost[pair] = self._cost.get(pair, 0) + record.cost
        if record.unpriced:
            self._unpriced[pair] = self._unpriced.get(pair, 0) + 1
        if record.usage is not None:
            for kind in TOKEN_KINDS:
                count = getattr(record.usage, kind)
                if count:
                    key = (model, provider, kind)
                    self._tokens[key] = self._tokens.get(key, 0) + count
        for attempt in record.attempts:
            if attempt.code is not None:
                failed = (attempt.provider, attempt.code)
                self._failed_attempts[failed] = self._failed_attempts.get(failed, 0) + 1

    def render(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        yield _counter("calls", "Ended calls.", ("model", "provider", "outcome", "code"), self._calls)
        yield _counter("tokens", "Tokens by kind.", ("model", "provider", "kind"), self._tokens)
        cost = {pair: nano / NANO for pair, nano in self._cost.items()}
        yield _counter("cost_usd", "Cost in USD.", ("model", "provider"), cost)
        yield _counter(
            "unpriced_calls", "Calls without a known price.", ("model", "provider"), self._unpriced
        )
        yield _counter(
            "failed_attempts", "Attempts that failed.", ("provider", "code"), self._failed_attempts
        )
        yield _histogram("call_duration_seconds", "Whole call.", self._duration)
        yield _histogram("first_token_seconds", "Until the first token.", self._first_token)
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(f"sekisho_{name}", text, value=read())

    @staticmethod
    def _histogram(table: dict[Pair, Histogram], pair: Pair) -> Histogram:
        found = table.get(pair)
        if found is None:
            found = table[pair] = Histogram()
        return found


def _counter(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"sekisho_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histogram(name: str, text: str, table: dict[Pair, Histogram]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"sekisho_{name}", text, labels=("model", "provider"))
    bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
    for key, histogram in table.items():
        counts = accumulate(histogram.counts)
        family.add_metric(key, list(zip(bounds, counts, strict=True)), sum_value=histogram.total)
    return family
