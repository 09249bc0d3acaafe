"""Cheap metrics tell Prometheus the same as those of its own library."""

from random import Random

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from config.buckets import LATENCY_BUCKETS
from serving.tallies import LatencyMetric, Tally

disable_created_metrics()  # type: ignore[no-untyped-call]
RNG = Random(7)


def test_latencies_are_told_as_by_a_histogram_also_those_on_a_bound() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    metric = LatencyMetric("t_seconds", "A time.", ("stage",), ours)
    histogram = Histogram(
        "t_seconds", "A time.", ("stage",), registry=theirs, buckets=LATENCY_BUCKETS
    )
    latencies = [*LATENCY_BUCKETS, 0.0, 100.0, *(RNG.expovariate(200) for _ in range(1000))]
    for stage in ("read", "decide"):
        record = metric.recorder(stage)
        for seconds in latencies:
            record(seconds)
            histogram.labels(stage).observe(seconds)
    told = [generate_latest(registry).decode().splitlines() for registry in (ours, theirs)]
    assert _but_sums(told[0]) == _but_sums(told[1])
    assert _sums(told[0]) == [round(sum(latencies), 6)] * 2 == _sums(told[1])
    assert generate_latest(ours) == generate_latest(ours)  # nothing is counted twice


def test_counts_are_told_as_by_a_counter() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("n_total", "A number.", ("placement", "result"), ours)
    counter = Counter("n_total", "A number.", ("placement", "result"), registry=theirs)
    tally.expect("hero", "general")
    counter.labels("hero", "general")
    for _ in range(3):
        tally.count("hero", "personal")
        counter.labels("hero", "personal").inc()
    assert generate_latest(ours) == generate_latest(theirs)


def _but_sums(lines: list[str]) -> list[str]:
    return [line for line in lines if "_sum" not in line]


def _sums(lines: list[str]) -> list[float]:
    return [round(float(line.split()[-1]), 6) for line in lines if "_sum" in line]
