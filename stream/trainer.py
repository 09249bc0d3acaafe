"""Trains the model of the next product: follows the log of steps, and publishes what it learned.

The model is a function of that log: it is written now and then, with the position it stands for,
and a trainer that starts again learns the steps after it. So each step is learned once, whenever
the process is killed. The vectors of a snapshot get a table of their own, which one transaction
puts in the place of the one before: nobody ever reads half of one.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import redis
import structlog
from redis.exceptions import WatchError

from config.keys import Keys
from config.log_ids import log_id
from config.session_log import STEPS_FIELD, Step, decode_steps
from online_models.progress import K, NextProductProgress
from online_models.recommender import Recommender
from online_models.snapshots import (
    Snapshot,
    SnapshotMismatch,
    read_block,
    read_snapshot,
    take_block,
    take_snapshot,
    take_weights,
)

PUBLISH_SECONDS = 5.0
PUBLISH_SHARE = 0.02  # of the time at most goes into publishing: large catalogs do it less often
STEP_SECONDS = 0.03  # at a time, so that commits of other examples do not wait for long
MANY_BEHIND = 5_000  # steps; with more, only every fourth trains more than the index
_ENTRIES_AT_ONCE = 8
_ENTRIES_AT_A_START = 500
_BLOCKS_AT_ONCE = 32

log = structlog.get_logger()


class Trainer:
    """The model and how far it is in the log; all in the learner's one thread."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        capacity: int,
        progress: NextProductProgress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._keys = keys
        self._progress = progress
        self._clock = clock
        self._capacity = capacity
        self._written: bytes | None = None  # the snapshot in Redis, whoever wrote it
        self._snapshot: Snapshot | None = None  # the same, where it can be used
        self._published_at = clock()
        self._pause = PUBLISH_SECONDS
        self._is_loaded = False
        self.model = Recommender(capacity)
        self.position = 0
        self.behind = 0
        self.n_learned = 0

    def forget(self) -> None:
        """Begin again from what is in Redis: another may have been at it, or Redis was emptied."""
        self._is_loaded = False

    def step(self) -> int:
        """Learn some of what is new, publish where it is time; return how many steps were learned.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        if not self._is_loaded:
            self._load()
        n_learned, until = 0, self._clock() + STEP_SECONDS
        while self._clock() < until:
            entries = self._read(self.position, _ENTRIES_AT_ONCE)
            if not entries:
                break
            for position, steps in entries:
                if position - len(steps) != self.position:
                    # What lies between was trimmed or is of another history.
                    log.warning("steps_missed", before=position - len(steps), at=self.position)
                    if position - len(steps) < self.position:
                        self.forget()
                        return n_learned
                self._learn(steps)
                self.position = position
                n_learned += len(steps)
        self.n_learned += n_learned
        if self._clock() - self._published_at >= self._pause:
            self._look()
            self.publish()
        return n_learned

    def publish(self) -> None:
        """Write what was learned, unless it is there already or another has written since."""
        known = self._snapshot
        if not self._is_loaded or self.position <= (0 if known is None else known.position):
            self._published_at = self._clock()
            return
        started = self._clock()
        table = secrets.token_hex(6)
        data, blocks = take_snapshot(self.model.next_product, self.position, table)
        self._client.sadd(self._keys.vector_tables(), table)
        for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
            some = blocks[start : start + _BLOCKS_AT_ONCE]
            fields: Any = dict(enumerate(some, start))
            self._client.hset(self._keys.vector_table(table), mapping=fields)
        if not self._put(data, table, len(blocks)):
            self._remove([table])
            self.forget()
            return
        self._written, self._snapshot = data, read_snapshot(data)
        self._remove([] if known is None else [known.table])
        self._published_at = self._clock()
        self._pause = max(PUBLISH_SECONDS, (self._published_at - started) / PUBLISH_SHARE)

    def _put(self, data: bytes, table: str, n_blocks: int) -> bool:
        """Put a snapshot in the place of the one before, unless another owner was at it."""
        key, vectors = self._keys.snapshot(), self._keys.vector_table(table)
        with self._client.pipeline(transaction=True) as pipeline:
            # Another owner removes tables that no snapshot names, also half-written ones.
            pipeline.watch(key, vectors)  # type: ignore[no-untyped-call]
            if pipeline.get(key) != self._written or pipeline.hlen(vectors) != n_blocks:
                return False
            pipeline.multi()
            pipeline.set(key, data)
            pipeline.sadd(self._keys.vector_tables(), table)
            pipeline.set(self._keys.snapshot_position(), self.position)
            try:
                pipeline.execute()
            except WatchError:
                return False
        return True

    def _learn(self, steps: list[Step]) -> None:
        is_late = self.behind > MANY_BEHIND
        for number, step in enumerate(steps):
            self._progress.take(step, self._suggested)
            if is_late and number % 4:
                self.model.index_one(step)
            else:
                self.model.learn_one(step)

    def _suggested(self, viewed: Sequence[str], session: int) -> list[str]:
        found = self.model.next_product.next_best(viewed, most=K, session=session)
        return [one.product_id for one in found]

    def _look(self) -> None:
        """See how far behind this is, and whether the log is still the one that was read."""
        newest: Any = self._client.xrevrange(self._keys.session_log(), count=1)
        end = log_id(newest[0][0].decode())[0] if newest else 0
        self.behind = max(end - self.position, 0)
        if end < self.position:
            log.warning("log_of_steps_is_older", end=end, at=self.position)
            self.forget()
            self._load()

    def _load(self) -> None:
        """Stand where the last snapshot stands: its weights and vectors, the index from the log."""
        data: Any = self._client.get(self._keys.snapshot())
        self._written, self._snapshot, why = data, None, ""
        self.model, self.position = Recommender(self._capacity), 0
        try:
            if data is not None:
                self._snapshot = self._restore(read_snapshot(data))
        except SnapshotMismatch as error:
            why = str(error)
            self.model, self.position = Recommender(self._capacity), 0
        if why:
            log.error("snapshot_unreadable", why=why)
        self._is_loaded = True
        self._published_at = self._clock()
        known = None if self._snapshot is None else self._snapshot.table
        tables: Any = self._client.smembers(self._keys.vector_tables())
        self._remove([name.decode() for name in tables if name.decode() != known])
        products = len(self.model.next_product.steps.slots)
        log.info("trainer_loaded", position=self.position, products=products)

    def _restore(self, snapshot: Snapshot) -> Snapshot:
        """Make the model what it was at a snapshot, and return that.

        Raises:
            SnapshotMismatch: it cannot be used; the model is not to be used either.
        """
        found: Any = self._client.hgetall(self._keys.vector_table(snapshot.table))
        blocks = [found[name] for name in sorted(found, key=int)]
        if len(blocks) != snapshot.n_blocks:
            raise SnapshotMismatch(f"snapshot has {len(blocks)} of {snapshot.n_blocks} blocks")
        after = self._read(snapshot.position, 1)
        if after and after[0][0] - len(after[0][1]) < snapshot.position:
            raise SnapshotMismatch("snapshot is of another log of steps")
        model = self.model.next_product
        model.set_names([name for data in blocks for name in read_block(data)[0]])
        self._index_again(snapshot.position)
        model.steps.free_unseen()
        for data in blocks:
            take_block(model, data)
        take_weights(model, snapshot)
        self.position = snapshot.position
        return snapshot

    def _index_again(self, end: int) -> None:
        """Index the very steps that were in the indexes at a position.

        With older ones, products would come and go meanwhile, and get other rows than they had.
        """
        views = deque[Step](maxlen=self._capacity)
        others = deque[Step](maxlen=self.model.baskets.steps.capacity)
        position, entries = 0, self._read(0, _ENTRIES_AT_A_START)
        while entries and position < end:
            for position, steps in entries:
                if position <= end:
                    for step in steps:
                        (views if step.action == "view" else others).append(step)
            entries = self._read(position, _ENTRIES_AT_A_START)
        for step in (*views, *others):
            self.model.index_one(step)

    def _read(self, after: int, count: int) -> list[tuple[int, list[Step]]]:
        """Return entries after a position, each with the position of its end."""
        found: Any = self._client.xrange(
            self._keys.session_log(), min=f"({after}-0", max="+", count=count
        )
        return [
            (log_id(name.decode())[0], decode_steps(fields[STEPS_FIELD])) for name, fields in found
        ]

    def _remove(self, tables: list[str]) -> None:
        for table in tables:
            self._client.unlink(self._keys.vector_table(table))
            self._client.srem(self._keys.vector_tables(), table)
