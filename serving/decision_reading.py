"""Finds a decision in the log of decisions: its id says when it was made, and so where to look."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.decision_ids import time_of
from config.decisions import DECISION_FIELD, BrokenDecision, Decided, decode_decided
from config.keys import Keys
from serving.refusals import Refusal, Refused

WINDOW_MS = 60_000  # by which the clocks of servers and Redis may differ, waiting included
LOOK_SECONDS = 5.0
_ENTRIES_AT_ONCE = 500


class DecisionReader:
    """Looks into the logs of all shards, each of which holds the last few thousand decisions."""

    def __init__(self, client: Redis, keys: Keys, n_shards: int) -> None:
        self._client = client
        self._keys = keys
        self._n_shards = n_shards

    async def find(self, decision_id: str) -> Decided:
        """Return a decision by its id.

        Raises:
            Refused: it is not there any more, or never was, or Redis does not answer in time.
        """
        at = time_of(decision_id)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = None if at is None else await self._look(decision_id, at)
        except (RedisError, OSError, TimeoutError) as error:
            raise Refused(
                Refusal.STATE_UNAVAILABLE, "the log of decisions cannot be read now", 1
            ) from error
        if found is None:
            raise Refused(
                Refusal.UNKNOWN_DECISION,
                "there is no such decision, or not any more: of each shard the last ones are kept",
            )
        return found

    async def _look(self, decision_id: str, at: int) -> Decided | None:
        for shard in range(self._n_shards):
            found = await self._look_in(self._keys.decisions(shard), decision_id, at)
            if found is not None:
                return found
        return None

    async def _look_in(self, stream: str, decision_id: str, at: int) -> Decided | None:
        begin, end = str(max(at - WINDOW_MS, 0)), str(at + WINDOW_MS)
        while True:
            entries: Any = await self._client.xrange(stream, begin, end, count=_ENTRIES_AT_ONCE)
            for _, fields in entries:
                found = _decoded(fields.get(DECISION_FIELD, b""), decision_id)
                if found is not None:
                    return found
            if len(entries) < _ENTRIES_AT_ONCE:
                return None
            begin = f"({entries[-1][0].decode()}"


def _decoded(data: bytes, decision_id: str) -> Decided | None:
    if decision_id.encode(errors="replace") not in data:
        return None
    try:
        decided = decode_decided(data)
    except BrokenDecision:
        return None  # of a newer Shopkeeper
    return decided if decided.decision_id == decision_id else None
