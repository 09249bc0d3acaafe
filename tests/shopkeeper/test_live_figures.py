"""Figures of a running shop from the metrics pages of its processes."""

from math import inf

import pytest

from shopkeeper.live_figures import (
    Reading,
    figures_between,
    one_line,
    quantile_ms,
    read_metrics,
)

SERVER = """\
# TYPE shopkeeper_collected_events_total counter
shopkeeper_collected_events_total{result="accepted",type="track"} 40.0
shopkeeper_collected_events_total{result="dead_letter",type="track"} 7.0
"""
ANSWERS = """\
# TYPE shopkeeper_decisions_total counter
shopkeeper_decisions_total{placement="home-next",result="personal"} 4.0
shopkeeper_decisions_total{placement="home-next",result="general"} 2.0
shopkeeper_decisions_total{placement="home-next",result="no_id"} 1.0
shopkeeper_decisions_total{placement="home-hero",result="redis_slow"} 1.0
# TYPE shopkeeper_request_seconds histogram
shopkeeper_request_seconds_bucket{le="0.01",route="/v1/personalize",status="200"} 4.0
shopkeeper_request_seconds_bucket{le="+Inf",route="/v1/personalize",status="200"} 4.0
shopkeeper_request_seconds_bucket{le="+Inf",route="/v1/personalize",status="400"} 9.0
shopkeeper_request_seconds_bucket{le="+Inf",route="/v1/track",status="200"} 9.0
"""
WORKER = """\
# TYPE shopkeeper_events_total counter
shopkeeper_events_total{result="applied",type="track"} 20.0
shopkeeper_events_total{result="applied_late",type="page"} 1.0
shopkeeper_events_total{result="duplicate",type="track"} 5.0
shopkeeper_events_total{result="applied",type="merge"} 5.0
# TYPE shopkeeper_cached_users gauge
shopkeeper_cached_users 3.0
# TYPE shopkeeper_shard_lag_seconds gauge
shopkeeper_shard_lag_seconds{shard="1"} 0.5
shopkeeper_shard_lag_seconds{shard="2"} 0.1
# TYPE shopkeeper_append_to_commit_seconds histogram
shopkeeper_append_to_commit_seconds_bucket{le="0.01"} 5.0
shopkeeper_append_to_commit_seconds_bucket{le="+Inf"} 10.0
"""


def a_reading(at: float, accepted: float = 0.0, **latencies: float) -> Reading:
    counts = {0.01: latencies.get("fast", 0.0), 0.02: latencies.get("all", 0.0)}
    return Reading(at, accepted, accepted, 0.0, 0.0, counts | {inf: latencies.get("all", 0.0)})


def test_pages_of_all_processes_add_up() -> None:
    reading = read_metrics(1.0, [SERVER, WORKER, WORKER])
    assert reading == Reading(1.0, 40.0, 42.0, 6.0, 0.5, {0.01: 10.0, inf: 20.0})


def test_answered_decisions_are_counted_and_placements_that_fell_back() -> None:
    reading = read_metrics(2.0, [ANSWERS])
    assert (reading.placements, reading.fallbacks) == (8.0, 2.0)
    figures = figures_between(a_reading(0.0), reading)
    assert figures.decisions_per_second == 2.0
    assert (figures.decision_p50_ms, figures.fallback_rate) == (5.0, 0.25)
    assert "decisions 2/s p50 5.0 ms p99 9.9 ms  fallbacks 25.0 %" in one_line(2.0, figures, 0)


def test_rates_are_of_the_time_between() -> None:
    figures = figures_between(a_reading(10.0, 100.0), a_reading(12.0, 500.0))
    assert figures.accepted_per_second == figures.applied_per_second == 200.0


def test_latencies_are_of_the_time_between() -> None:
    before, now = a_reading(0.0, fast=100.0, all=100.0), a_reading(1.0, fast=100.0, all=200.0)
    assert figures_between(before, now).p50_ms == pytest.approx(15.0)


def test_restarted_process_gives_no_negative_figures() -> None:
    figures = figures_between(a_reading(0.0, 90.0, fast=9.0, all=9.0), a_reading(1.0, 5.0, all=5.0))
    assert figures.accepted_per_second == 0.0
    assert figures.p99_ms == pytest.approx(19.9)


def test_nothing_committed_has_no_latency() -> None:
    figures = figures_between(a_reading(0.0), a_reading(1.0))
    assert figures.p50_ms is None
    assert "p50 - p99 -" in one_line(1.0, figures, 0)
    assert "fallbacks -" in one_line(1.0, figures, 0)


def test_quantile_beyond_the_last_bound_is_the_last_bound() -> None:
    assert quantile_ms({0.01: 0.0, inf: 10.0}, 0.5) == 10.0
