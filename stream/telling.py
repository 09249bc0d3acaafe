"""Tells shards through their logs what was learned of all customers' orders.

So what a shard expects of a customer follows from its log alone, and is the same on replay.
"""

from typing import Any

import redis
import structlog

from config.errors import ShopkeeperError
from config.events import RhythmLearned
from config.keys import Keys
from online_models.curves import TOLD_EVERY, Curves, encode_curves
from online_models.dense import RHYTHM
from online_models.popularity import model_shard
from online_models.rhythm_model import RhythmModel
from stream.rhythms import read_curves
from stream.told_shards import ToldShards

log = structlog.get_logger()

LEAST_MORE = 50  # examples; for fewer nobody is told again


class TellingCurves:
    """Tells the logs of owned shards what the learning flow has learned of all customers."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._told = ToldShards(client, keys, self._known)  # from how much

    def forget(self) -> None:
        """Look again what each shard knows: Redis may have come back with older data."""
        self._told.forget()

    def step(self, owned: set[int], now_ms: int) -> int:
        """Tell owned shards that know much less; return how many were told.

        While an import brings times of its own, no clock is moved by it.

        Raises:
            redis.RedisError: Redis did not answer; a later call does it.
        """
        curves = self._learned()
        if curves is None:
            return 0
        n_learned = curves.n_learned
        # Less than a shard knows: the model was learned anew.
        late = [
            shard
            for shard, n_told in self._told.of(owned).items()
            if n_learned >= TOLD_EVERY * n_told + LEAST_MORE or n_learned < n_told
        ]
        if not late:
            return 0
        at = 0 if self._client.exists(self._keys.import_hold()) else now_ms
        told = RhythmLearned(encode_curves(curves), at), n_learned
        return self._told.tell(dict.fromkeys(late, told))

    def _learned(self) -> Curves | None:
        data: Any = self._client.hget(self._keys.models(model_shard(RHYTHM)), RHYTHM)
        if data is None:
            return None
        try:
            return RhythmModel.from_bytes(data).curves()
        except ShopkeeperError as error:
            log.warning("rhythm_not_told", error=str(error))
            return None

    def _known(self, shards: list[int]) -> dict[int, int]:
        values: Any = self._client.mget([self._keys.rhythm(shard) for shard in shards])
        return {
            shard: read_curves(value).n_learned for shard, value in zip(shards, values, strict=True)
        }
