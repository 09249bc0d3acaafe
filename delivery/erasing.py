"""Takes the messages of erased users out of all lists."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from config.events import SUBJECT_FIELD
from config.keys import Keys

PAGE = 500
AGAIN_MS = 90_000  # longer than a message is under way, from one list to another


class Erasures:
    """The erasures that shards have noted, and when (ms) each was first seen to.

    A message may just be on its way from one list to another: an erasure stays noted until all
    lists were gone through once more, later.
    """

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._first_at: dict[bytes, int] = {}

    async def step(self, receivers: Sequence[str], now_ms: int) -> int:
        """Go through the lists where there is a reason to; return how many messages went.

        Raises:
            RedisError: Redis did not answer; what is noted stays so.
        """
        noted: Any = await self._client.smembers(self._keys.erased())
        due = {
            digest
            for digest in noted
            if digest not in self._first_at or now_ms - self._first_at[digest] >= AGAIN_MS
        }
        if not due:
            return 0
        queues = [
            name_of(receiver)
            for receiver in receivers
            for name_of in (self._keys.waiting, self._keys.undelivered)
        ]
        n_erased = 0
        for stream in (self._keys.told(), *queues):
            n_erased += await self._take_out(stream, due)
        done = [digest for digest in due if digest in self._first_at]
        if done:
            await self._client.srem(self._keys.erased(), *done)
        for digest in due:
            self._first_at.setdefault(digest, now_ms)
        for digest in done:
            del self._first_at[digest]
        return n_erased

    async def _take_out(self, stream: str, digests: set[bytes]) -> int:
        n_erased, after = 0, "-"
        while True:
            entries: Any = await self._client.xrange(stream, after, count=PAGE)
            found = [name for name, fields in entries if fields.get(SUBJECT_FIELD) in digests]
            n_erased += int(await self._client.xdel(stream, *found)) if found else 0
            if len(entries) < PAGE:
                return n_erased
            after = f"({entries[-1][0].decode()}"
