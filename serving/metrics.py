"""The one list of what the server counts and times."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 10.0)


class ServingMetrics:
    """Counters and histograms of one server process; every label is a short closed set."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
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
