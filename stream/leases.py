"""Which shards this worker owns: leases of 2 s in Redis, renewed by the flow.

A lease saves work; the commit rule alone makes it correct. So a lease that two workers believe to
hold for a moment costs a few conflicts, and nothing more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from config.keys import HEARTBEAT_MS, LEASE_MS, Keys

RENEW_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Moves:
    """Shards that came and went at a renewal."""

    gained: list[int]
    lost: list[int]


@dataclass(frozen=True, slots=True)
class LeaseKeys:
    """Where the leases of one kind of shard stand, and the heartbeats of who may hold them."""

    owner: Callable[[int], str]
    worker: Callable[[str], str]
    workers: Callable[[], str]

    @classmethod
    def of_users(cls, keys: Keys) -> "LeaseKeys":
        """Return the keys for user shards and the workers of the profile flow."""
        return cls(keys.owner, keys.worker, keys.workers)

    @classmethod
    def of_models(cls, keys: Keys) -> "LeaseKeys":
        """Return the keys for model shards and the learners of the learning flow."""
        return cls(keys.model_owner, keys.learner, keys.learners)


class Leases:
    """The shards owned by one worker, at most its fair share among the workers alive."""

    def __init__(self, client: redis.Redis, keys: LeaseKeys, worker_id: str, n_shards: int) -> None:
        self._client = client
        self._keys = keys
        self._worker_id = worker_id
        self._n_shards = n_shards
        self.owned: set[int] = set()

    def renew(self, status: bytes = b"") -> Moves:
        """Say that this worker lives, renew its leases, take free shards, give back surplus ones.

        Raises:
            redis.RedisError: Redis did not answer; what is owned stays as it was.
        """
        share = fair_share(self._n_shards, self._beat(status), self._worker_id.encode())
        mine, free = self._look()
        kept, surplus = mine[:share], mine[share:]
        taken = self._take(free[: max(share - len(kept), 0)])
        with self._client.pipeline(transaction=False) as pipe:
            for shard in kept:
                pipe.pexpire(self._keys.owner(shard), LEASE_MS)
            for shard in surplus:
                pipe.delete(self._keys.owner(shard))
            pipe.execute()
        before, self.owned = self.owned, {*kept, *taken}
        return Moves(sorted(self.owned - before), sorted(before - self.owned))

    def give_back(self) -> None:
        """Give back all shards and say good-bye, so that others need not wait for the leases."""
        mine, _ = self._look()
        with self._client.pipeline(transaction=False) as pipe:
            for shard in mine:
                pipe.delete(self._keys.owner(shard))
            pipe.delete(self._keys.worker(self._worker_id))
            pipe.srem(self._keys.workers(), self._worker_id)
            pipe.execute()
        self.owned = set()

    def _beat(self, status: bytes) -> list[bytes]:
        """Write the heartbeat; return the workers that are alive, this one included."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.set(self._keys.worker(self._worker_id), status or "alive", px=HEARTBEAT_MS)
            pipe.sadd(self._keys.workers(), self._worker_id)
            pipe.smembers(self._keys.workers())
            members: list[bytes] = sorted(pipe.execute()[2])
        beats: Any = self._client.mget([self._keys.worker(name.decode()) for name in members])
        dead = [name for name, beat in zip(members, beats, strict=True) if beat is None]
        if dead:
            self._client.srem(self._keys.workers(), *dead)
        return [name for name in members if name not in dead]

    def _look(self) -> tuple[list[int], list[int]]:
        """Return the shards that are this worker's, and those that are nobody's."""
        owners: Any = self._client.mget([self._keys.owner(n) for n in range(self._n_shards)])
        me = self._worker_id.encode()
        mine = [shard for shard, owner in enumerate(owners) if owner == me]
        return mine, [shard for shard, owner in enumerate(owners) if owner is None]

    def _take(self, shards: list[int]) -> list[int]:
        with self._client.pipeline(transaction=False) as pipe:
            for shard in shards:
                pipe.set(self._keys.owner(shard), self._worker_id, nx=True, px=LEASE_MS)
            answers = pipe.execute()
        return [shard for shard, is_taken in zip(shards, answers, strict=True) if is_taken]


def fair_share(n_shards: int, workers: list[bytes], worker_id: bytes) -> int:
    """Return how many shards a worker may own; the first ones by name take what is left over.

    >>> [fair_share(8, [b"a", b"b", b"c"], name) for name in (b"a", b"b", b"c")]
    [3, 3, 2]
    """
    share, left_over = divmod(n_shards, max(len(workers), 1))
    return share + (sum(name < worker_id for name in workers) < left_over)
