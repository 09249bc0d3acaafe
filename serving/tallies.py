"""Metrics of what happens with every decision, counted without the library's cost there.

A latency is only noted, and counted with many others; a count is one look-up. Prometheus is told
the same as by ``prometheus_client``'s own metrics.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from config.buckets import LATENCY_BUCKETS
from config.latencies import Noted

_BOUNDS = [f"{float(bound)}" for bound in LATENCY_BUCKETS] + ["+Inf"]


class LatencyMetric(Collector):
    """A histogram of latencies (s) by labels."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._series: dict[tuple[str, ...], _Series] = {}
        registry.register(self)

    def recorder(self, *values: str) -> Callable[[float], None]:
        """Return what notes a latency under these labels."""
        series = self._series.get(values)
        if series is None:
            series = self._series[values] = _Series()
        return series.noted.note

    def collect(self) -> Iterator[Metric]:
        """Yield the histogram."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for values, series in list(self._series.items()):
            series.noted.hand_on()
            below = zip(_BOUNDS, map(float, accumulate(series.counts)), strict=True)
            family.add_metric(values, list(below), series.total)
        yield family


class _Series:
    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.total = 0.0
        self.noted = Noted(self._count)

    def _count(self, latencies: Sequence[float]) -> None:
        for seconds in latencies:
            self.counts[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self.total += sum(latencies)


class Tally(Collector):
    """A counter by labels; ``counts`` is there to be added to."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._text, self._labels = name, text, labels
        self.counts: dict[tuple[str, ...], int] = {}
        registry.register(self)

    def count(self, *values: str) -> None:
        """Count one."""
        self.counts[values] = self.counts.get(values, 0) + 1

    def expect(self, *values: str) -> None:
        """Show 0 until the first is counted."""
        self.counts.setdefault(values, 0)

    def collect(self) -> Iterator[Metric]:
        """Yield the counter."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, n in list(self.counts.items()):
            family.add_metric(values, n)
        yield family
