"""One learner: leases of model shards, positions in the examples, and what to do without Redis."""

import time

import redis
import structlog

from config.keys import N_MODEL_SHARDS, SESSIONS_SHARD, Keys
from online_models.progress import Progress
from stream.example_reader import ExampleReader
from stream.figures import FiguresPublisher, learner_figures
from stream.leases import RENEW_SECONDS, LeaseKeys, Leases
from stream.metrics import LearnMetrics
from stream.model_shards import LearnReport, ModelShard, Ranges, decode_model_commit
from stream.trainer import Trainer
from stream.transactions import AWAY, Transactions
from stream.worker import RETRY_SECONDS, WorkerStopping

log = structlog.get_logger()


class Learner:
    """What the steps of the learning flow share; all of it runs in the flow's one thread."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        n_sources: int,
        metrics: LearnMetrics,
        learner_id: str,
        max_steps: int,
        status: bytes = b"",
    ) -> None:
        self._client = client
        self._keys = keys
        self._metrics = metrics
        self._learner_id = learner_id
        self._status = status
        self._transactions = Transactions(client)
        self._leases = Leases(client, LeaseKeys.of_models(keys), learner_id, N_MODEL_SHARDS)
        self._reader = ExampleReader(client, keys, n_sources)
        self._shards: dict[int, ModelShard] = {}
        self._max_steps = max_steps
        self._progress = Progress(time.monotonic)
        self._trainer = Trainer(client, keys, max_steps, self._progress.next_product)
        self._figures = FiguresPublisher(
            client,
            keys,
            learner_id,
            "learner",
            lambda: learner_figures(metrics, self._progress),
        )
        self._renew_at = 0.0
        self.is_stopping = False

    def read(self) -> list[Ranges]:
        """Return what is new in the examples, once for each owned model shard."""
        try:
            if time.monotonic() >= self._renew_at:
                self._renew()
            if not self._leases.owned:
                time.sleep(RETRY_SECONDS)
                return []
            if SESSIONS_SHARD in self._leases.owned:
                self._metrics.take_trained(self._trainer.step(), self._trainer.behind)
            parts = self._reader.read()
        except AWAY as error:
            self._lose(error)
            return []
        return [Ranges(number, parts) for number in sorted(self._leases.owned)] if parts else []

    def apply(self, ranges: Ranges) -> LearnReport:
        """Learn and commit a round of examples in one model shard."""
        number = ranges.shard
        if number not in self._shards:
            self._shards[number] = ModelShard(
                number,
                self._transactions,
                self._keys,
                self._learner_id,
                self._reader.send_back,
                self.wait_for_redis,
                max_steps=self._max_steps,
                progress=self._progress,
            )
        report = self._shards[number].handle(ranges)
        self._reader.wrote(report.n_model_bytes)
        return report

    def wait_for_redis(self, error: Exception) -> None:
        """Wait a moment for a Redis that is away or full; the workers make room.

        Raises:
            WorkerStopping: the process was told to end.
        """
        if self.is_stopping:
            raise WorkerStopping
        time.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Give the leases back, so that other learners go on at once."""
        self._transactions.close()
        try:
            if SESSIONS_SHARD in self._leases.owned:
                self._trainer.publish()
            self._leases.give_back()
        except redis.RedisError as error:
            log.warning("leases_not_given_back", error=type(error).__name__)

    def _renew(self) -> None:
        moves = self._leases.renew(self._status)
        self._renew_at = time.monotonic() + RENEW_SECONDS
        self._metrics.owned_shards.set(len(self._leases.owned))
        for number in moves.lost:
            self._shards.pop(number, None)
        if SESSIONS_SHARD in moves.gained:
            self._trainer.forget()
        if moves.gained or moves.lost:
            log.info("model_shards_moved", gained=len(moves.gained), lost=len(moves.lost))
        # Also those held before: Redis may have come back with older data.
        for number in sorted(self._leases.owned):
            value = self._client.get(self._keys.model_commit(number))
            assert value is None or isinstance(value, bytes)
            self._reader.stand_at(decode_model_commit(value).positions)
        self._figures.publish()

    def _lose(self, error: Exception) -> None:
        if self._leases.owned:
            log.warning("redis_away", error=type(error).__name__)
        self._metrics.reconnects.inc()
        self._reader.reset()
        self._leases.owned = set()
        self._renew_at = 0.0
        self.wait_for_redis(error)
