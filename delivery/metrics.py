"""The metrics of a deliverer, by name. Receivers are few, and named in the file of triggers."""

import os
from collections import Counter as Counted

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
)

from config.buckets import LATENCY_BUCKETS


class DeliveryMetrics:
    """All metrics of one deliverer, on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        for standard in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(standard)
        info = Gauge(
            "shopkeeper_process_info",
            "1, for each process: what it is and its process id.",
            ("role", "pid"),
            registry=registry,
        )
        info.labels("deliverer", str(os.getpid())).set(1)
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
