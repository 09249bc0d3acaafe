"""The profile flow: every step, named, in order. Bytewax moves; the thinking is elsewhere."""

from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from stream.shards import Decoded, Report
from stream.sources import Read, decode
from stream.worker import Worker

TICK_EVERY = timedelta(seconds=1)


def build_profile_flow(worker: Worker, reports: DynamicSink[tuple[str, Report]]) -> Dataflow:
    """Return the flow of one worker: read, decode, key on shard, apply and commit."""
    flow = Dataflow("profile")
    reads = op.input("read_events", flow, LogSource(worker))
    decoded = op.map("decode", reads, decode)
    keyed = op.key_on("key_on_shard", decoded, lambda item: str(item.shard))
    committed = op.stateful_batch("apply_and_commit", keyed, lambda _: ShardLogic(worker))
    op.output("report", committed, reports)
    return flow


class LogSource(DynamicSource[Read]):
    """The logs of the shards that this worker owns."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "LogPartition":
        """Return the one partition; there is one Bytewax worker a process."""
        return LogPartition(self._worker)


class LogPartition(StatelessSourcePartition[Read]):
    """Reads until the worker is told to stop."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def next_batch(self) -> list[Read]:
        """Return what is new."""
        if self._worker.is_stopping:
            raise StopIteration
        return self._worker.read()


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


class ReportSink(DynamicSink[Any]):
    """Hands each report to a function."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "ReportPartition":
        """Return the one partition."""
        return ReportPartition(self._take)


class ReportPartition(StatelessSinkPartition[tuple[str, Report]]):
    """Hands reports on, one by one."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def write_batch(self, items: list[tuple[str, Report]]) -> None:
        """Take the reports of one round."""
        for _, report in items:
            self._take(report)
