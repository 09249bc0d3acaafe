"""What the server sees of its Redis and its workers, looked at twice a second.

Requests read the last look and never wait for one.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config import redis_health
from config.errors import SettingsError
from config.keys import Ids, Keys
from config.redis_health import Fault
from serving.creation import settle_creation

LOOK_SECONDS = 0.5
STALE_SECONDS = 5.0

log = structlog.get_logger()


class Missing(StrEnum):
    """What the server is missing; the closed set that ``/readyz`` answers with."""

    FIRST_LOOK = "no_look_at_redis_yet"
    REDIS = "redis_does_not_answer"
    APPEND_ONLY = Fault.APPEND_ONLY
    APPEND_ONLY_WRITES = Fault.APPEND_ONLY_WRITES
    NO_EVICTION = Fault.NO_EVICTION
    MAX_MEMORY = Fault.MAX_MEMORY
    MEMORY = Fault.MEMORY
    CREATION = "shards_or_secret_differ_from_creation"
    WORKER = "no_live_worker"


# With any of these, an event that is taken in could be lost.
_UNSAFE = (
    Missing.CREATION,
    Missing.APPEND_ONLY,
    Missing.APPEND_ONLY_WRITES,
    Missing.NO_EVICTION,
    Missing.MAX_MEMORY,
    Missing.FIRST_LOOK,
)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look showed; ``memory_rate`` is the share of ``maxmemory`` in use."""

    missing: frozenset[Missing]
    memory_rate: float = 0.0
    n_workers: int = 0

    def unsafe(self) -> Missing | None:
        """Return what forbids to take events in, apart from a lack of memory."""
        return next((missing for missing in _UNSAFE if missing in self.missing), None)


def judge(info: Mapping[str, Any], n_workers: int) -> Look:
    """Return what ``INFO`` and the number of live workers say.

    >>> sound = {"maxmemory": 10, "used_memory": 9, "maxmemory_policy": "noeviction"}
    >>> sorted(judge({**sound, "aof_enabled": 1, "aof_last_write_status": "ok"}, 1).missing)
    [<Missing.MEMORY: 'redis_memory_above_80_percent'>]
    """
    health = redis_health.judge(info)
    missing = {Missing(fault) for fault in health.faults}
    if n_workers == 0:
        missing.add(Missing.WORKER)
    return Look(frozenset(missing), health.memory_rate, n_workers)


class Watcher:
    """Looks at Redis again and again; ``run`` it beside the requests."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        ids: Ids,
        observe: Callable[[Look], None],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._client = client
        self._keys = keys
        self._ids = ids
        self._observe = observe
        self._look_seconds = look_seconds
        self._is_settled = False
        self.last = Look(frozenset({Missing.FIRST_LOOK}))

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._look_seconds)
            await self.look()

    async def look(self) -> None:
        """Look once; what changed since the last look is logged."""
        try:
            async with asyncio.timeout(STALE_SECONDS):
                seen = await self._seen()
        except (RedisError, OSError, TimeoutError):
            seen = Look(frozenset({Missing.REDIS}), self.last.memory_rate)
        except SettingsError:
            seen = Look(frozenset({Missing.CREATION}))
        if seen.missing != self.last.missing:
            log.info("readiness_changed", missing=sorted(seen.missing))
        self.last = seen
        self._observe(seen)

    async def _seen(self) -> Look:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.info("memory")
        pipeline.info("persistence")
        pipeline.smembers(self._keys.workers())
        memory, persistence, workers = await pipeline.execute()
        seen = judge({**memory, **persistence}, await self._n_alive(workers))
        # Not while memory is short: it may have to write.
        if not self._is_settled and Missing.MEMORY not in seen.missing:
            await settle_creation(self._client, self._keys, self._ids)
            self._is_settled = True
        return seen

    async def _n_alive(self, workers: set[bytes]) -> int:
        if not workers:
            return 0
        pipeline = self._client.pipeline(transaction=False)
        for worker_id in workers:
            pipeline.exists(self._keys.worker(worker_id.decode()))
        return sum(await pipeline.execute())
