"""The metrics of a deliverer, by name. Receivers are few, and named in the file of triggers."""

from collections import Counter as Counted

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from config.buckets import LATENCY_BUCKETS
from processes.metrics import count_process


class DeliveryMetrics:
    """All metrics of one deliverer, on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        count_process(registry, "deliverer")
        self.deliveries: Counted[str] = Counted()  # by "<trigger> <what>", for the dashboard
        self.active = Gauge(
            "shopkeeper_deliverer_active",
            "1 while this deliverer is the one that delivers",
            registry=registry,
        )
        self.told = Counter(
            "shopkeeper_triggers_told_total", "Fired triggers told of", registry=registry
        )
        self.dropped = Counter(
            "shopkeeper_triggers_dropped_total",
            "Fired triggers that were not told of",
            ["reason"],
            registry=registry,
        )
        for reason in ("unreadable", "expired", "refused"):
            self.dropped.labels(reason)
        self.fired_to_told = Histogram(
            "shopkeeper_trigger_told_seconds",
            "From a firing's commit to its message, decision included",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.asks_failed = Counter(
            "shopkeeper_decision_asks_failed_total",
            "Times that no server answered what to show with what fired",
            registry=registry,
        )
        self.tries = Counter(
            "shopkeeper_webhook_tries_total",
            "Webhooks sent, by what came of them",
            ["receiver", "result"],
            registry=registry,
        )
        self.seconds = Histogram(
            "shopkeeper_webhook_seconds",
            "Time of a webhook, from the connection to the answer",
            ["receiver"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.waiting = Gauge(
            "shopkeeper_webhooks_waiting",
            "Messages that a receiver has not taken yet",
            ["receiver"],
            registry=registry,
        )
        self.undelivered = Counter(
            "shopkeeper_webhooks_undelivered_total",
            "Messages given up, by reason",
            ["receiver", "reason"],
            registry=registry,
        )
        self.stopped = Gauge(
            "shopkeeper_receivers_stopped",
            "Receivers that get nothing: gone, or without a secret",
            registry=registry,
        )
        self.file_refused = Gauge(
            "shopkeeper_receivers_refused",
            "1 while the newest file of triggers has mistakes in its receivers",
            registry=registry,
        )
        self.reconnects = Counter(
            "shopkeeper_redis_reconnects_total",
            "Times that Redis was away or a reply was lost",
            registry=registry,
        )
