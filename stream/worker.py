"""One worker: leases, positions and shards of one process, and what they do when Redis is away."""

import time
from contextlib import suppress
from dataclasses import replace

import redis
import structlog
from redis.exceptions import OutOfMemoryError

from config.keys import Ids, Keys
from stream.batch import Rules
from stream.erasing import Erasing
from stream.figures import FiguresPublisher, worker_figures
from stream.forwarding import forward
from stream.leases import RENEW_SECONDS, LeaseKeys, Leases
from stream.metrics import StreamMetrics
from stream.pieces import Decoded
from stream.shards import Report, Shard
from stream.sources import LogReader, Read
from stream.telling import TellingCurves
from stream.transactions import AWAY, Transactions
from stream.trigger_files import TriggerFile
from stream.upkeep import (
    SHORT,
    Ages,
    append_tick,
    look_at_logs,
    make_room,
    read_memory,
    read_offsets,
    trim,
)
from stream.watchers import Announcing

log = structlog.get_logger()

RETRY_SECONDS = 0.1
UPKEEP_TURNS = 8  # a turn at each renewal, so that no batch waits for all shards' upkeep


class WorkerStopping(Exception):
    """The worker was told to end while it waited for Redis."""


class Worker:
    """What the steps of the profile flow share; all of it runs in the flow's one thread."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        ids: Ids,
        rules: Rules,
        metrics: StreamMetrics,
        worker_id: str,
        cached_users: int,
        log_age_ms: int,
        status: bytes = b"",
        trigger_file: TriggerFile | None = None,
    ) -> None:
        self._client = client
        self._keys = keys
        self._ids = ids
        self._rules = rules
        self._metrics = metrics
        metrics.expect(rules.triggers.rules)
        self._worker_id = worker_id
        self._users_a_shard = max(cached_users // ids.n_shards, 16)
        self._log_age_ms = log_age_ms
        self._status = status
        self._trigger_file = trigger_file
        self._transactions = Transactions(client)
        self._leases = Leases(client, LeaseKeys.of_users(keys), worker_id, ids.n_shards)
        self._reader = LogReader(client, keys)
        self._shards: dict[int, Shard] = {}
        self._unsettled: set[int] = set()
        self._erasing: dict[int, Erasing] = {}
        self._figures = FiguresPublisher(
            client, keys, worker_id, "worker", lambda: worker_figures(metrics)
        )
        self._announcing = Announcing(client, keys)
        self._telling = TellingCurves(client, keys)
        self._renew_at = 0.0
        self._turn = 0
        self.is_stopping = False

    def read(self) -> list[Read]:
        """Return what is new in the owned logs; an empty read wakes a shard just gained."""
        try:
            woken = self._renew() if time.monotonic() >= self._renew_at else []
            if not self._leases.owned:
                time.sleep(RETRY_SECONDS / 5)
                return woken
            for number in sorted(self._unsettled & self._leases.owned):
                self._settle(number)
            return woken + self._reader.read()
        except AWAY as error:
            self._lose(error)
            return []

    def apply(self, decoded: Decoded) -> Report:
        """Apply and commit a batch, then do what the commit left to be done."""
        shard = decoded.shard
        if shard in self._unsettled:
            self._settle(shard)
        report = self.shard(shard).handle(decoded)
        if report.has_erasures:
            self._erasing.pop(shard, None)  # begin anew, with those that were just noted
        if not decoded.entries or report.has_outgoing or report.has_erasures:
            self._settle(shard)
        return report

    def tick(self, number: int) -> None:
        """Append a tick to a shard whose next timer is due by wall time."""
        due_at = self.shard(number).earliest_timer()
        now_ms = int(time.time() * 1000)
        if number not in self._leases.owned or due_at is None or due_at > now_ms:
            return
        try:
            if append_tick(self._client, self._keys, number, now_ms):
                self._metrics.ticks.inc()
        except AWAY as error:
            self._lose(error)

    def next_tick_at(self, number: int) -> int | None:
        """Return when (ms) a shard may need a tick; None where it is not owned or has no timer."""
        return self.shard(number).earliest_timer() if number in self._leases.owned else None

    def shard(self, number: int) -> Shard:
        """Return the owner's view of a shard."""
        if number not in self._shards:
            self._shards[number] = Shard(
                number,
                self._client,
                self._transactions,
                self._keys,
                self._ids,
                self._rules,
                self._worker_id,
                self._users_a_shard,
                self._reader.start,
                self.wait_for_redis,
            )
        return self._shards[number]

    def wait_for_redis(self, error: Exception) -> None:
        """Wait a moment for a Redis that is away; make room in one that is full.

        Raises:
            WorkerStopping: the process was told to end.
        """
        if self.is_stopping:
            raise WorkerStopping
        if isinstance(error, OutOfMemoryError):
            log.error("redis_full")
            with suppress(*AWAY):
                now_ms = int(time.time() * 1000)
                make_room(self._client, self._keys, self._ids.n_shards, now_ms)
        time.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Give the leases back, so that other workers go on at once."""
        self._transactions.close()
        try:
            self._leases.give_back()
        except redis.RedisError as error:
            log.warning("leases_not_given_back", error=type(error).__name__)

    def _renew(self) -> list[Read]:
        self._follow_triggers()
        moves = self._leases.renew(self._status)
        self._renew_at = time.monotonic() + RENEW_SECONDS
        for number in self._held() - self._leases.owned:
            self._drop(number)
        if moves.gained or moves.lost:
            log.info("shards_moved", gained=len(moves.gained), lost=len(moves.lost))
            self._metrics.lease_moves.labels("gained").inc(len(moves.gained))
            self._metrics.lease_moves.labels("lost").inc(len(moves.lost))
        self._upkeep()
        self._figures.publish()
        now_ms = int(time.time() * 1000)
        self._announcing.step(self._leases.owned, now_ms)
        if self._turn == 0:
            self._telling.step(self._leases.owned, now_ms)
        return self._start(moves.gained)

    def _follow_triggers(self) -> None:
        """Put a new version of the triggers in force, between two batches."""
        triggers = None if self._trigger_file is None else self._trigger_file.look()
        if triggers is not None:
            self._rules = replace(self._rules, triggers=triggers)
            self._metrics.expect(triggers.rules)
            for shard in self._shards.values():
                shard.rules = self._rules

    def _start(self, gained: list[int]) -> list[Read]:
        """Stand at the commits of the shards just gained."""
        offsets = read_offsets(self._client, self._keys, gained)
        for number, offset in offsets.items():
            self._reader.start(number, offset)
        return [Read(number, offset, []) for number, offset in offsets.items()]

    def _settle(self, number: int) -> None:
        """Carry outgoing entries out, and a portion of what is to be erased; the rest goes on."""
        self._unsettled.add(number)
        try:
            if number not in self._erasing:
                self._erasing[number] = Erasing(self._client, self._keys, number)
            self._metrics.erased_entries.inc(self._erasing[number].step())
            self._metrics.forwarded.inc(forward(self._client, self._keys, number))
        except AWAY as error:
            self._lose(error)
            return
        if self._erasing[number].is_done():
            del self._erasing[number]
            self._unsettled.discard(number)

    def _upkeep(self) -> None:
        """Look after a few of the owned shards, those whose turn it is."""
        owned = sorted(self._leases.owned)
        self._metrics.owned_shards.set(len(owned))
        self._metrics.cached_users.set(sum(s.n_cached_users() for s in self._shards.values()))
        self._turn = (self._turn + 1) % UPKEEP_TURNS
        offsets = read_offsets(self._client, self._keys, owned[self._turn :: UPKEEP_TURNS])
        if not offsets:
            return
        memory = read_memory(self._client)
        self._metrics.redis_memory.set(memory.used)
        self._metrics.redis_memory_limit.set(memory.limit)
        ages = SHORT if memory.is_short() else Ages(log=self._log_age_ms)
        self._reader.stand_back(offsets)
        now_ms = int(time.time() * 1000)
        trim(self._client, self._keys, offsets, now_ms, ages)
        for number, look in look_at_logs(self._client, self._keys, offsets, now_ms).items():
            self._metrics.look(number, look)

    def _held(self) -> set[int]:
        """Return the shards of which anything is in memory."""
        return {*self._shards, *self._reader.positions, *self._erasing, *self._unsettled}

    def _drop(self, number: int) -> None:
        self._reader.stop(number)
        self._shards.pop(number, None)
        self._erasing.pop(number, None)
        self._unsettled.discard(number)
        self._metrics.forget(number)

    def _lose(self, error: Exception) -> None:
        """Stand nowhere until Redis answers; it may come back with older data."""
        if self._leases.owned:
            log.warning("redis_away", error=type(error).__name__)
        self._metrics.reconnects.inc()
        for number in self._held():
            self._drop(number)
        self._announcing.forget()
        self._telling.forget()
        self._leases.owned = set()
        self._renew_at = 0.0
        self.wait_for_redis(error)
