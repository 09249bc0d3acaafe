"""The one list of what the server counts and times."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from serving.fine_figures import FineFigures

_LATENCY_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 10.0)


class ServingMetrics:
    """Counters and histograms of one server process; every label is a short closed set."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.fine = FineFigures()
        self.process = Gauge(
            "shopkeeper_process",
            "1, for the server process that this page is of; others may share its port.",
            ("pid",),
            registry=registry,
        )
        self.process.labels(str(os.getpid())).set(1)
        self.request_seconds = Histogram(
            "shopkeeper_request_seconds",
            "Time from a request's headers to its whole answer; its count is the requests.",
            ("route", "status"),
            registry=registry,
            buckets=_LATENCY_BUCKETS,
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
        self.append_seconds = Histogram(
            "shopkeeper_append_seconds",
            "Time until Redis has confirmed a request's events.",
            registry=registry,
            buckets=_LATENCY_BUCKETS,
        )
        self.redis_memory_rate = Gauge(
            "shopkeeper_redis_memory_rate",
            "Share of Redis's maxmemory in use; from 0.8 on collect refuses.",
            registry=registry,
        )
        self.ready = Gauge(
            "shopkeeper_ready", "1 when /readyz says that nothing is missing.", registry=registry
        )
        self.live_workers = Gauge(
            "shopkeeper_live_workers", "Workers with a heartbeat.", registry=registry
        )
        self.decisions = Counter(
            "shopkeeper_decisions_total",
            "Placements decided, by placement and result: personal, general, or why it fell back.",
            ("placement", "result"),
            registry=registry,
        )
        self.decision_seconds = Histogram(
            "shopkeeper_decision_seconds",
            "Time of a decision by stage: read, decide, encode.",
            ("stage",),
            registry=registry,
            buckets=_LATENCY_BUCKETS,
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
        self.followed_rows = Gauge(
            "shopkeeper_followed_rows",
            "Rows held in memory: of models, of the catalog.",
            ("what",),
            registry=registry,
        )
        self.followed_age_seconds = Gauge(
            "shopkeeper_followed_age_seconds",
            "Time since changes were last looked for.",
            ("what",),
            registry=registry,
        )
        self.followed_loads = Gauge(
            "shopkeeper_followed_loads",
            "How often all rows were loaded.",
            ("what",),
            registry=registry,
        )
        self.learned_to_served_seconds = Histogram(
            "shopkeeper_learned_to_served_seconds",
            "Time from an example's append to decisions that know of it.",
            registry=registry,
            buckets=(0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.0, 10.0),
        )
