"""The metrics of a deliverer, by name. Receivers are few, and named in the file of triggers."""

from collections import Counter as Counted
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from config.buckets import LATENCY_BUCKETS
from config.told import Reason
from delivery.sending import Result
from processes.metrics import count_process


class DeliveryMetrics:
    """All metrics of one deliverer, on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        count_process(registry, "deliverer")
        # By "<trigger> <what>", for the dashboard: firings told, webhooks of all receivers.
        self.deliveries: Counted[str] = Counted()
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

    def show(self, receiver: str) -> None:
        """Let what may come of a receiver's messages be seen from 0 on, so that alerts see it."""
        for result in Result:
            self.tries.labels(receiver, result)
        for reason in Reason:
            self.undelivered.labels(receiver, reason)

    def told_of(self, triggers: Iterable[str]) -> None:
        """Count firings that were told."""
        for trigger in triggers:
            self.told.inc()
            self.deliveries[f"{trigger} told"] += 1

    def taken(self, trigger: str) -> None:
        """Count a message that a receiver took."""
        self.deliveries[f"{trigger} webhooks-taken"] += 1

    def gave_up(self, receiver: str, trigger: str, reason: Reason) -> None:
        """Count a message of a receiver that was given up."""
        self.undelivered.labels(receiver, reason).inc()
        self.deliveries[f"{trigger} webhooks-given-up"] += 1
