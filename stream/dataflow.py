"""The two flows: every step, named, in order. Bytewax moves; the thinking is elsewhere."""

from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from stream.learner import Learner
from stream.model_shards import LearnReport, Ranges
from stream.pieces import Decoded
from stream.shards import Report
from stream.sources import Read, decode
from stream.worker import Worker

T = TypeVar("T")

TICK_EVERY = timedelta(seconds=1)


def build_profile_flow(worker: Worker, reports: "ReportSink") -> Dataflow:
    """Return the flow of one worker: read, decode, key on shard, apply and commit."""
    flow = Dataflow("profile")
    reads = op.input("read_events", flow, LogSource[Read](worker))
    decoded = op.map("decode", reads, decode)
    keyed = op.key_on("key_on_shard", decoded, lambda item: str(item.shard))
    committed = op.stateful_batch("apply_and_commit", keyed, lambda _: ShardLogic(worker))
    op.output("report", committed, reports)
    return flow


def build_learning_flow(learner: Learner, reports: "ReportSink") -> Dataflow:
    """Return the flow of one learner: read, key on model shard, learn and commit."""
    flow = Dataflow("learning")
    ranges = op.input("read_examples", flow, LogSource[Ranges](learner))
    keyed = op.key_on("key_on_model_shard", ranges, lambda item: str(item.shard))
    committed = op.stateful_batch("learn_and_commit", keyed, lambda _: ModelLogic(learner))
    op.output("report", committed, reports)
    return flow


class Reader(Protocol[T]):
    """What a source reads from: a worker or a learner."""

    is_stopping: bool

    def read(self) -> list[T]:
        """Return what is new."""
        ...


class LogSource(DynamicSource[T], Generic[T]):
    """The logs that this process owns."""

    def __init__(self, reader: Reader[T]) -> None:
        self._reader = reader

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "LogPartition[T]":
        """Return the one partition; there is one Bytewax worker a process."""
        return LogPartition(self._reader)


class LogPartition(StatelessSourcePartition[T], Generic[T]):
    """Reads until the process is told to stop."""

    def __init__(self, reader: Reader[T]) -> None:
        self._reader = reader

    def next_batch(self) -> list[T]:
        """Return what is new."""
        if self._reader.is_stopping:
            raise StopIteration
        return self._reader.read()


class ShardLogic(StatefulBatchLogic[Decoded, Report, None]):
    """Hands a shard's batches to its owner; wakes when a timer may be due."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._shard: int | None = None
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def on_batch(self, values: list[Decoded]) -> tuple[list[Report], bool]:
        """Apply and commit each batch."""
        self._shard = values[0].shard
        return [self._worker.apply(decoded) for decoded in values], False

    def on_notify(self) -> tuple[list[Report], bool]:
        """Append a tick; it comes back through the log, and only there moves the clock."""
        if self._shard is not None:
            self._worker.tick(self._shard)
        self._not_before = datetime.now(UTC) + TICK_EVERY
        return [], False

    def notify_at(self) -> datetime | None:
        """Return the wall time of the next timer, at most one tick a second."""
        if self._shard is None:
            return None
        due_ms = self._worker.next_tick_at(self._shard)
        if due_ms is None:
            return None
        return max(datetime.fromtimestamp(due_ms / 1000, UTC), self._not_before)

    def snapshot(self) -> None:
        """Nothing: what counts is in Redis, with the commit."""


class ModelLogic(StatefulBatchLogic[Ranges, LearnReport, None]):
    """Hands a model shard's rounds of examples to its owner."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner

    def on_batch(self, values: list[Ranges]) -> tuple[list[LearnReport], bool]:
        """Learn and commit each round."""
        return [self._learner.apply(ranges) for ranges in values], False

    def snapshot(self) -> None:
        """Nothing: what counts is in Redis, with the commit."""


class ReportSink(DynamicSink[Any]):
    """Hands each report to a function."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "ReportPartition":
        """Return the one partition."""
        return ReportPartition(self._take)


class ReportPartition(StatelessSinkPartition[Any]):
    """Hands reports on, one by one."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def write_batch(self, items: list[tuple[str, Any]]) -> None:
        """Take the reports of one round."""
        for _, report in items:
            self._take(report)
