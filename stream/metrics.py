"""The metrics of a worker process, by name. Labels are short closed sets, or the shard's number."""

from collections.abc import Iterable
from contextlib import suppress
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from config.buckets import LATENCY_BUCKETS
from config.events import EVENT_TYPES, Reason
from config.latencies import LatencyBook
from config.log_ids import log_id
from processes.metrics import count_process
from stream.model_parts import Refused
from stream.model_shards import LearnReport
from stream.shards import Report
from stream.upkeep import LogLook


class StreamMetrics:
    """All metrics of one worker, on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        count_process(registry, "worker")
        self.latencies = LatencyBook()
        self._record_commit = self.latencies.recorder("append_to_commit")
        self.events = Counter(
            "shopkeeper_events_total",
            "Log entries by type and what became of them",
            ["type", "result"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "shopkeeper_dead_letters_total", "Entries set aside", ["reason"], registry=registry
        )
        for kind in EVENT_TYPES:  # a rate is 0 before the first, not absent
            self.events.labels(kind, "applied")
        for reason in Reason:
            self.dead_letters.labels(reason)
        self.commits = Counter("shopkeeper_commits_total", "Batches committed", registry=registry)
        self.fired = Counter(
            "shopkeeper_triggers_fired_total",
            "Firings by trigger; there are as many as the file names",
            ["trigger"],
            registry=registry,
        )
        self.conflicts = Counter(
            "shopkeeper_commit_conflicts_total",
            "Commits refused because another owner committed first",
            registry=registry,
        )
        self.gaps = Counter(
            "shopkeeper_gaps_total",
            "Batches refused because entries before them were not applied",
            registry=registry,
        )
        self.reconnects = Counter(
            "shopkeeper_redis_reconnects_total",
            "Times that Redis was away or a reply was lost",
            registry=registry,
        )
        self.lease_moves = Counter(
            "shopkeeper_lease_moves_total",
            "Shards gained and lost",
            ["direction"],
            registry=registry,
        )
        for direction in ("gained", "lost"):
            self.lease_moves.labels(direction)
        self.forwarded = Counter(
            "shopkeeper_forwarded_total", "Entries carried to other shards", registry=registry
        )
        self.ticks = Counter(
            "shopkeeper_ticks_total", "Ticks appended for due timers", registry=registry
        )
        self.erased_entries = Counter(
            "shopkeeper_erased_entries_total",
            "Entries of erased users taken out",
            registry=registry,
        )
        self.append_to_commit = Histogram(
            "shopkeeper_append_to_commit_seconds",
            "From a log id's time to its commit, the oldest entry of each batch",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.lag = Gauge(
            "shopkeeper_shard_lag_seconds",
            "How long the oldest unapplied entry of an owned shard has waited",
            ["shard"],
            registry=registry,
        )
        self.example_lag = Gauge(
            "shopkeeper_example_lag_seconds",
            "How long the oldest example that not every model has learned has waited",
            ["shard"],
            registry=registry,
        )
        self.log_entries = Gauge(
            "shopkeeper_log_entries",
            "Entries in the event log of an owned shard, applied ones included",
            ["shard"],
            registry=registry,
        )
        self.owned_shards = Gauge("shopkeeper_owned_shards", "Shards owned", registry=registry)
        self.cached_users = Gauge("shopkeeper_cached_users", "Users in memory", registry=registry)
        self.redis_memory = Gauge(
            "shopkeeper_redis_memory_bytes", "Memory Redis uses", registry=registry
        )
        self.redis_memory_limit = Gauge(
            "shopkeeper_redis_memory_limit_bytes", "Memory Redis may use", registry=registry
        )

    def expect(self, triggers: Iterable[str]) -> None:
        """Show of triggers in force that they have not fired yet."""
        for trigger in triggers:
            self.fired.labels(trigger)

    def look(self, shard: int, log: LogLook) -> None:
        """Show how a shard's log stands."""
        self.lag.labels(str(shard)).set(log.lag_seconds)
        self.log_entries.labels(str(shard)).set(log.n_entries)
        if log.example_lag_seconds is not None:
            self.example_lag.labels(str(shard)).set(log.example_lag_seconds)

    def forget(self, shard: int) -> None:
        """Show nothing of a shard that another worker owns now."""
        for gauge in (self.lag, self.log_entries, self.example_lag):
            with suppress(KeyError):
                gauge.remove(str(shard))

    def take(self, report: Report, now_ms: float) -> None:
        """Count what became of one batch, committed by ``now_ms``."""
        for (kind, result), n in report.results.items():
            self.events.labels(kind, result).inc(n)
        for trigger, n in report.fired.items():
            self.fired.labels(trigger).inc(n)
        for reason in report.dead:
            self.dead_letters.labels(reason).inc()
        self.conflicts.inc(report.n_conflicts)
        self.gaps.inc(report.n_gaps)
        self.reconnects.inc(report.n_reconnects)
        if report.is_committed:
            self.commits.inc()
            appended_at, _ = log_id(report.oldest_id)
            seconds = max(now_ms - appended_at, 0.0) / 1000
            self.append_to_commit.observe(seconds)
            self._record_commit(seconds)


class LearnMetrics:
    """All metrics of one learner, on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        count_process(registry, "learner")
        self.latencies = LatencyBook()
        self._record_learned = self.latencies.recorder("example_to_commit")
        self.examples = Counter(
            "shopkeeper_examples_learned_total",
            "Examples learned, once for each model shard they were announced to",
            registry=registry,
        )
        self.rows = Counter(
            "shopkeeper_model_rows_written_total", "Rows written", registry=registry
        )
        self.model_bytes = Counter(
            "shopkeeper_model_bytes_written_total",
            "Bytes of dense models written, each whole where it changed",
            registry=registry,
        )
        self.refused_rows = Counter(
            "shopkeeper_model_rows_refused_total",
            "Rows not added because a model shard is full",
            registry=registry,
        )
        self.refused = Counter(
            "shopkeeper_examples_refused_total",
            "Examples that no model learned from, once for each model they were for",
            ["reason"],
            registry=registry,
        )
        for reason in get_args(Refused):
            self.refused.labels(reason)
        self.commits = Counter(
            "shopkeeper_model_commits_total", "Rounds committed", registry=registry
        )
        self.conflicts = Counter(
            "shopkeeper_model_conflicts_total",
            "Commits refused because another owner committed first",
            registry=registry,
        )
        self.gaps = Counter(
            "shopkeeper_model_gaps_total",
            "Ranges refused because examples before them were not learned",
            registry=registry,
        )
        self.reconnects = Counter(
            "shopkeeper_redis_reconnects_total",
            "Times that Redis was away or a reply was lost",
            registry=registry,
        )
        self.owned_shards = Gauge(
            "shopkeeper_owned_model_shards", "Model shards owned", registry=registry
        )
        self.trained = Counter(
            "shopkeeper_steps_trained_total",
            "Steps that the model of the next product was trained with",
            registry=registry,
        )
        self.behind = Gauge(
            "shopkeeper_steps_behind",
            "Steps in the log that the model of the next product was not trained with yet",
            registry=registry,
        )
        self.append_to_learned = Histogram(
            "shopkeeper_example_to_commit_seconds",
            "From an example's outbox to the commit of its rows, the newest of each round",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )

    def take_trained(self, n_steps: int, behind: int) -> None:
        """Count what a trainer did."""
        self.trained.inc(n_steps)
        self.behind.set(behind)

    def take(self, report: LearnReport, now_ms: float) -> None:
        """Count what became of one round, committed by ``now_ms``."""
        self.conflicts.inc(report.n_conflicts)
        self.gaps.inc(report.n_gaps)
        self.reconnects.inc(report.n_reconnects)
        self.refused_rows.inc(report.n_refused_rows)
        if report.is_committed:
            self.commits.inc()
            self.examples.inc(report.n_examples)
            self.rows.inc(report.n_rows)
            self.model_bytes.inc(report.n_model_bytes)
            for reason, n_refused in report.refused.items():
                self.refused.labels(reason).inc(n_refused)
            if report.newest_ms:
                seconds = max(now_ms - report.newest_ms, 0.0) / 1000
                self.append_to_learned.observe(seconds)
                self._record_learned(seconds)
