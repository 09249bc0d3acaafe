"""What the owner of shards has told their logs, so that each hears of a thing once, or a few times.

A worker that starts, or a shard that is gained, asks what the shards themselves know.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import redis

from config.events import ENTRY_FIELD, Entry, encode_entry
from config.keys import Keys

_Known = TypeVar("_Known")


class ToldShards(Generic[_Known]):
    """By owned shard what it was told last; ``ask(shards)`` reads what those commit of it."""

    def __init__(
        self, client: redis.Redis, keys: Keys, ask: Callable[[list[int]], dict[int, _Known]]
    ) -> None:
        self._client = client
        self._keys = keys
        self._ask = ask
        self._told: dict[int, _Known] = {}

    def forget(self) -> None:
        """Ask the shards again: Redis may have come back with older data."""
        self._told = {}

    def of(self, owned: set[int]) -> dict[int, _Known]:
        """Return what owned shards know, in their order.

        Raises:
            redis.RedisError: Redis did not answer; a later call does it.
        """
        told = {shard: known for shard, known in self._told.items() if shard in owned}
        gained = sorted(owned - told.keys())
        self._told = told | self._ask(gained) if gained else told
        return dict(sorted(self._told.items()))

    def tell(self, news: Mapping[int, tuple[Entry, _Known]]) -> int:
        """Append an entry to each shard's log, with what it knows then; return to how many.

        Raises:
            redis.RedisError: Redis did not confirm; they may be told again.
        """
        if not news:
            return 0
        with self._client.pipeline(transaction=False) as pipe:
            for shard, (entry, _) in news.items():
                fields: dict[Any, Any] = {ENTRY_FIELD: encode_entry(entry)}
                pipe.xadd(self._keys.events(shard), fields)
            pipe.execute()
        self._told |= {shard: known for shard, (_, known) in news.items()}
        return len(news)
