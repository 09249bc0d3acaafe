"""What a running shop does right now, from the metrics of its server and workers. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite

from prometheus_client.parser import text_string_to_metric_families

from config.events import EVENT_TYPES


@dataclass(frozen=True, slots=True)
class Reading:
    """Totals at one time (s).

    ``latencies`` counts commits by their upper bound (s), cumulated; ``decision_latencies``
    answered decisions. ``placements`` were decided, ``fallbacks`` of them fell back.
    """

    at: float
    accepted: float
    applied: float
    users: float
    lag_seconds: float
    latencies: Mapping[float, float]
    placements: float = 0.0
    fallbacks: float = 0.0
    decision_latencies: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened between two readings; latencies in ms, None where nothing was committed."""

    accepted_per_second: float
    applied_per_second: float
    lag_seconds: float
    users: int
    p50_ms: float | None
    p99_ms: float | None
    decisions_per_second: float = 0.0
    decision_p50_ms: float | None = None
    decision_p99_ms: float | None = None
    fallback_rate: float | None = None


def read_metrics(at: float, pages: Iterable[str]) -> Reading:
    """Return the sums over the metrics pages of a shop's processes."""
    accepted = applied = users = lag = placements = fallbacks = 0.0
    latencies: dict[float, float] = defaultdict(float)
    decision_latencies: dict[float, float] = defaultdict(float)
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                match sample.name:
                    case "shopkeeper_collected_events_total":
                        is_accepted = sample.labels["result"] == "accepted"
                        accepted += sample.value * is_accepted
                    case "shopkeeper_events_total":
                        applied += sample.value * _is_applied_event(sample.labels)
                    case "shopkeeper_cached_users":
                        users += sample.value
                    case "shopkeeper_shard_lag_seconds":
                        lag = max(lag, sample.value)
                    case "shopkeeper_append_to_commit_seconds_bucket":
                        latencies[float(sample.labels["le"])] += sample.value
                    case "shopkeeper_decisions_total":
                        placements += sample.value
                        fell_back = sample.labels["result"] not in ("personal", "general")
                        fallbacks += sample.value * fell_back
                    case "shopkeeper_request_seconds_bucket" if _is_decision(sample.labels):
                        decision_latencies[float(sample.labels["le"])] += sample.value
    return Reading(
        at,
        accepted,
        applied,
        users,
        lag,
        latencies,
        placements,
        fallbacks,
        decision_latencies,
    )


def figures_between(before: Reading, now: Reading) -> Figures:
    """Return rates and latencies of the time between; a restarted process counts from 0 again."""
    seconds = max(now.at - before.at, 1e-9)
    counts = _since(before.latencies, now.latencies)
    decisions = _since(before.decision_latencies, now.decision_latencies)
    n_placements = max(now.placements - before.placements, 0.0)
    n_fallbacks = max(now.fallbacks - before.fallbacks, 0.0)
    return Figures(
        max(now.accepted - before.accepted, 0.0) / seconds,
        max(now.applied - before.applied, 0.0) / seconds,
        now.lag_seconds,
        int(now.users),
        quantile_ms(counts, 0.5),
        quantile_ms(counts, 0.99),
        decisions.get(inf, 0.0) / seconds,
        quantile_ms(decisions, 0.5),
        quantile_ms(decisions, 0.99),
        n_fallbacks / n_placements if n_placements else None,
    )


def _since(before: Mapping[float, float], now: Mapping[float, float]) -> dict[float, float]:
    counts = {bound: n - before.get(bound, 0.0) for bound, n in now.items()}
    return dict(now) if any(n < 0 for n in counts.values()) else counts


def quantile_ms(counts: Mapping[float, float], share: float) -> float | None:
    """Return a quantile (ms) of cumulated counts by upper bound (s), linear within a bucket.

    >>> quantile_ms({0.01: 50.0, 0.02: 100.0, inf: 100.0}, 0.75)
    15.0
    """
    total = counts.get(inf, 0.0)
    if not total:
        return None
    low, n_below = 0.0, 0.0
    for bound in sorted(counts):
        if counts[bound] >= share * total:
            if not isfinite(bound):
                return low * 1000
            part = (share * total - n_below) / max(counts[bound] - n_below, 1e-9)
            return round((low + (bound - low) * part) * 1000, 3)
        low, n_below = bound, counts[bound]
    return None


def one_line(seconds: float, figures: Figures, n_restarts: int) -> str:
    """Return the figures as a line for a terminal or a log."""
    return (
        f"{seconds:5.0f} s  accepted {figures.accepted_per_second:.0f}/s"
        f"  applied {figures.applied_per_second:.0f}/s  lag {figures.lag_seconds:.2f} s"
        f"  users {figures.users}  append to commit p50 {milliseconds(figures.p50_ms)}"
        f" p99 {milliseconds(figures.p99_ms)}  decisions {figures.decisions_per_second:.0f}/s"
        f" p50 {milliseconds(figures.decision_p50_ms)} p99 {milliseconds(figures.decision_p99_ms)}"
        f"  fallbacks {share(figures.fallback_rate)}  restarts {n_restarts}"
    )


def _is_applied_event(labels: Mapping[str, str]) -> bool:
    return labels["type"] in EVENT_TYPES and labels["result"].startswith("applied")


def _is_decision(labels: Mapping[str, str]) -> bool:
    return labels["route"] == "/v1/personalize" and labels["status"] == "200"


def share(value: float | None) -> str:
    """Return a share as people read it.

    >>> share(0.031), share(None)
    ('3.1 %', '-')
    """
    return "-" if value is None else f"{100 * value:.1f} %"


def milliseconds(value: float | None) -> str:
    """Return a latency as people read it."""
    return "-" if value is None else f"{value:.1f} ms"
