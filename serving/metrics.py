"""The one list of what the server counts and times."""

import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from config.buckets import LATENCY_BUCKETS
from config.events import EVENT_TYPES, Reason
from processes.metrics import count_process
from serving.choices import RESULTS
from serving.fine_figures import FineFigures
from serving.following import Followed
from serving.refusals import Refusal
from serving.tallies import LatencyMetric, Tally


class ServingMetrics:
    """Counters and histograms of one server process; every label is a short closed set."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.fine = FineFigures()
        count_process(registry, "server")
        self.request_seconds = LatencyMetric(
            "shopkeeper_request_seconds",
            "Time from a request's headers to its whole answer; its count is the requests.",
            ("route", "status"),
            registry,
        )
        self.requests_in_flight = Gauge(
            "shopkeeper_requests_in_flight", "Requests not answered yet.", registry=registry
        )
        self.events = Counter(
            "shopkeeper_collected_events_total",
            "Events by type and by what became of them.",
            ("type", "result"),
            registry=registry,
        )
        for kind in EVENT_TYPES:  # a rate is 0 before the first, not absent
            for result in ("accepted", "dead_letter"):
                self.events.labels(kind, result)
        self.clamped_times = Counter(
            "shopkeeper_clamped_times_total",
            "Events whose time was cut to what is allowed.",
            registry=registry,
        )
        self.dead_letters = Counter(
            "shopkeeper_collect_dead_letters_total",
            "Events set aside by collect, by reason.",
            ("reason",),
            registry=registry,
        )
        for reason in Reason:
            self.dead_letters.labels(reason)
        self.unkept_letters = Counter(
            "shopkeeper_collect_unkept_letters_total",
            "Events that could not be read and were too many to be set aside.",
            registry=registry,
        )
        self.refused_requests = Counter(
            "shopkeeper_refused_requests_total",
            "Requests refused as a whole, by reason.",
            ("reason",),
            registry=registry,
        )
        for refused in Refusal:
            self.refused_requests.labels(refused)
        self.append_seconds = LatencyMetric(
            "shopkeeper_append_seconds",
            "Time until Redis has confirmed a request's events.",
            (),
            registry,
        )
        self.redis_memory_ratio = Gauge(
            "shopkeeper_redis_memory_ratio",
            "Share of Redis's maxmemory in use; from 0.8 on collect refuses.",
            registry=registry,
        )
        self.ready = Gauge(
            "shopkeeper_ready", "1 when /readyz says that nothing is missing.", registry=registry
        )
        self.live_workers = Gauge(
            "shopkeeper_live_workers", "Workers with a heartbeat.", registry=registry
        )
        self.decisions = Tally(
            "shopkeeper_decisions_total",
            "Placements decided, by placement and result: personal, general, or why it fell back.",
            ("placement", "result"),
            registry,
        )
        self.decision_seconds = LatencyMetric(
            "shopkeeper_decision_seconds",
            "Time of a decision by stage: read, decide, encode.",
            ("stage",),
            registry,
        )
        self.dropped_decisions = Counter(
            "shopkeeper_dropped_decisions_total",
            "Decisions that did not get into their log, by reason.",
            ("reason",),
            registry=registry,
        )
        self.condition_errors = Counter(
            "shopkeeper_condition_errors_total",
            "Conditions of a placement or its campaigns that could not be evaluated: not held.",
            ("placement",),
            registry=registry,
        )
        self.campaigns_in_force = Gauge(
            "shopkeeper_campaigns_in_force", "Campaigns in force.", registry=registry
        )
        self.campaigns_refused = Gauge(
            "shopkeeper_campaigns_refused",
            "1 while the newest file of campaigns has mistakes and the last good one is in force.",
            registry=registry,
        )
        self.followed: dict[str, Callable[[], Followed]] = {}
        registry.register(_FollowedCollector(self.followed))
        self.learned_to_served_seconds = Histogram(
            "shopkeeper_learned_to_served_seconds",
            "Time from an example's append to decisions that know of it.",
            registry=registry,
            buckets=LATENCY_BUCKETS,
        )

    def expect(self, placements: Iterable[str], drops: Iterable[str]) -> None:
        """Show what may be counted from the start: a rate is 0 before the first, not absent."""
        for placement in placements:
            self.condition_errors.labels(placement)
            for result in RESULTS:
                self.decisions.expect(placement, result)
        for reason in drops:
            self.dropped_decisions.labels(reason)


class _FollowedCollector(Collector):
    """Asks followers when metrics are asked for, so that none has to tell as it goes."""

    def __init__(self, followed: dict[str, Callable[[], Followed]]) -> None:
        self._followed = followed

    def collect(self) -> Iterator[Metric]:
        """Yield the three families."""
        rows = GaugeMetricFamily(
            "shopkeeper_followed_rows",
            "Rows held in memory: of models, of the catalog.",
            labels=["what"],
        )
        ages = GaugeMetricFamily(
            "shopkeeper_followed_age_seconds",
            "Time since changes were last looked for.",
            labels=["what"],
        )
        loads = CounterMetricFamily(
            "shopkeeper_followed_loads", "How often all rows were loaded.", labels=["what"]
        )
        for what, told in self._followed.items():
            now = told()
            rows.add_metric([what], now.n_rows)
            ages.add_metric([what], time.monotonic() - now.looked_at)
            loads.add_metric([what], now.n_loads)
        yield from (rows, ages, loads)
