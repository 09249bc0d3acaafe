"""What an owner does for its shards beside applying events: ticks, trimming, measuring lag."""

from typing import Any, NamedTuple

import redis

from config.events import ENTRY_FIELD, Tick, encode_entry
from config.keys import DEAD_LETTER_AGE_MS, EXAMPLE_AGE_MS, TRIGGER_AGE_MS, Keys
from stream.commits import decode_commit, log_id

PRESSURE = 0.6  # share of Redis' memory from which applied entries go early
AGE_UNDER_PRESSURE_MS = 60_000


class Memory(NamedTuple):
    """Bytes that Redis uses, and may use (0: no limit)."""

    used: int
    limit: int

    def is_short(self) -> bool:
        """Tell whether applied entries should go before their age."""
        return self.limit > 0 and self.used >= PRESSURE * self.limit


def append_tick(client: redis.Redis, keys: Keys, shard: int, now_ms: int) -> bool:
    """Move a quiet shard's clock to wall time, unless an import with its own times is running.

    Raises:
        redis.RedisError: Redis did not answer; a later call does it.
    """
    if client.exists(keys.import_hold()):
        return False
    fields: dict[Any, Any] = {ENTRY_FIELD: encode_entry(Tick(now_ms))}
    client.xadd(keys.events(shard), fields)
    return True


def read_memory(client: redis.Redis) -> Memory:
    """Return how much memory Redis uses."""
    info: Any = client.info("memory")
    return Memory(int(info["used_memory"]), int(info["maxmemory"]))


def read_offsets(client: redis.Redis, keys: Keys, shards: list[int]) -> dict[int, str]:
    """Return by shard the log id that its stored state reaches to."""
    if not shards:
        return {}
    values: Any = client.mget([keys.commit(shard) for shard in shards])
    offsets = (decode_commit(value).offset for value in values)
    return dict(zip(shards, offsets, strict=True))


def trim(
    client: redis.Redis, keys: Keys, offsets: dict[int, str], now_ms: int, log_age_ms: int
) -> None:
    """Drop entries that are older than their age and, in the event log, applied.

    By id, never by length: nothing goes that nobody has read.
    """
    aged = (
        (keys.examples, EXAMPLE_AGE_MS),
        (keys.triggers, TRIGGER_AGE_MS),
        (keys.dead, DEAD_LETTER_AGE_MS),
    )
    with client.pipeline(transaction=False) as pipe:
        for shard, offset in offsets.items():
            oldest = min(log_id(offset), (max(now_ms - log_age_ms, 0), 0))
            pipe.xtrim(keys.events(shard), minid=f"{oldest[0]}-{oldest[1]}", approximate=False)
            for key, age_ms in aged:
                minid = f"{max(now_ms - age_ms, 0)}-0"
                pipe.xtrim(key(shard), minid=minid, approximate=False)
        pipe.execute()


def measure_lag(
    client: redis.Redis, keys: Keys, offsets: dict[int, str], now_ms: int
) -> dict[int, float]:
    """Return by shard for how many seconds its oldest unapplied entry has waited, 0 for none."""
    with client.pipeline(transaction=False) as pipe:
        for shard, offset in offsets.items():
            pipe.xrange(keys.events(shard), min=f"({offset}", count=1)
        waiting: Any = pipe.execute()
    return {
        shard: max(now_ms - log_id(entries[0][0])[0], 0) / 1000 if entries else 0.0
        for shard, entries in zip(offsets, waiting, strict=True)
    }
