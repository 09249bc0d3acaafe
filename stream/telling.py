"""Tells shards through their logs what was learned of all customers' orders.

So what a shard expects of a customer follows from its log alone, and is the same on replay.
"""

from typing import Any

import redis
import structlog

from config.errors import ShopkeeperError
from config.events import ENTRY_FIELD, RhythmLearned, encode_entry
from config.keys import Keys
from online_models.curves import Curves, encode_curves
from online_models.dense import RHYTHM
from online_models.popularity import model_shard
from online_models.rhythm_model import RhythmModel
from stream.rhythms import read_curves

log = structlog.get_logger()

# Curves are told again once they were learned from so much more.
MORE = 1.05
LEAST_MORE = 50


class TellingCurves:
    """Tells the logs of owned shards what the learning flow has learned of all customers."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._told: dict[int, int] = {}  # by shard, from how much

    def forget(self) -> None:
        """Look again what each shard knows: Redis may have come back with older data."""
        self._told = {}

    def step(self, owned: set[int], now_ms: int) -> int:
        """Tell owned shards that know much less; return how many were told.

        While an import brings times of its own, no clock is moved by it.

        Raises:
            redis.RedisError: Redis did not answer; a later call does it.
        """
        curves = self._learned()
        self._told = {shard: n for shard, n in self._told.items() if shard in owned}
        if curves is None:
            return 0
        self._told |= self._known(sorted(owned - self._told.keys()))
        n_learned = curves.n_learned
        # Less than a shard knows: the model was learned anew.
        late = [
            shard
            for shard, n_told in sorted(self._told.items())
            if n_learned >= MORE * n_told + LEAST_MORE or n_learned < n_told
        ]
        if not late:
            return 0
        at = 0 if self._client.exists(self._keys.import_hold()) else now_ms
        fields: dict[Any, Any] = {
            ENTRY_FIELD: encode_entry(RhythmLearned(encode_curves(curves), at))
        }
        with self._client.pipeline(transaction=False) as pipe:
            for shard in late:
                pipe.xadd(self._keys.events(shard), fields)
            pipe.execute()
        self._told |= dict.fromkeys(late, n_learned)
        return len(late)

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
        if not shards:
            return {}
        values: Any = self._client.mget([self._keys.rhythm(shard) for shard in shards])
        return {
            shard: read_curves(value).n_learned for shard, value in zip(shards, values, strict=True)
        }
