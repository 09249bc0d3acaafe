"""Answers for lists of users, without standing in the way of single visitors.

A process makes one decision of all its batches at a time, each with a read of its own, and lets
whatever else is ready go first: so batches never take more of it than every other turn.
"""

import asyncio
from time import perf_counter

import msgspec

from serving.access import Caller
from serving.choices import Fallback
from serving.metrics import ServingMetrics
from serving.personalizing import Personalizer
from serving.refusals import Refusal, Refused
from serving.schemas import BatchAnswer, BatchRequest, read_batch

MAX_BATCHES = 16  # that are answered, or wait for it, in one process
_AWAY = (Fallback.REDIS_SLOW, Fallback.REDIS_UNAVAILABLE)

_encode = msgspec.json.Encoder().encode


class BatchPersonalizer:
    """Answers batches with a personalizer."""

    def __init__(self, personalizer: Personalizer) -> None:
        self._personalizer = personalizer
        self._turn = asyncio.Lock()
        self._n_batches = 0

    @property
    def metrics(self) -> ServingMetrics:
        """Where refusals are counted."""
        return self._personalizer.metrics

    def caller(self, key: str | None) -> Caller:
        """Return the holder of a secret key.

        Raises:
            Refused: it is none.
        """
        return self._personalizer.key_ring.secret_caller(key)

    async def answer(self, body: bytes, caller: Caller) -> bytes:
        """Return the decisions for the users of a body, in its order.

        Raises:
            Refused: not now, the request is none, or users cannot be read.
        """
        batch = read_batch(body)
        self._personalizer.check_placements(batch.placements)
        if self._n_batches >= MAX_BATCHES:
            raise Refused(Refusal.OVERLOADED, "too many batches at once", retry_after_seconds=1)
        self._personalizer.check_limit(caller, len(batch.users))
        self._n_batches += 1
        try:
            return _encode(BatchAnswer(await self._decide(batch, caller)))
        finally:
            self._n_batches -= 1

    async def _decide(self, batch: BatchRequest, caller: Caller) -> list[msgspec.Raw]:
        decisions = []
        for request in batch.requests():
            async with self._turn:
                reply = await self._personalizer.reply_to(request, caller, perf_counter())
                await asyncio.sleep(0)
            if reply.fallback in _AWAY:
                # A page cannot wait; a tool can, and is better served by a personal answer.
                raise Refused(
                    Refusal.STATE_UNAVAILABLE,
                    "users cannot be read now; send the batch again",
                    retry_after_seconds=1,
                )
            decisions.append(msgspec.Raw(reply.body))
        return decisions
