"""Answers for lists of users, without standing in the way of single visitors.

A process makes one decision of all its batches at a time, each with a read of its own, and lets
whatever else is ready go first: so batches never take more of it than every other turn. A batch is
noted once it is decided as a whole: who is told to send it again has not been decided for yet.
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from serving.access import Caller
from serving.choices import Fallback
from serving.copying import SLICE_SECONDS
from serving.decision_log import BATCH_SECONDS
from serving.noting import Reply
from serving.personalizing import Personalizer
from serving.refusals import Refusal, Refused
from serving.schemas import BatchRequest, Request, read_batch

MAX_BATCHES = 16  # that are answered, or wait for it, in one process
PAUSES_SECONDS = (0.05, 0.1, 0.2)  # before a user who could not be read is read again
ROOM_SECONDS = 5.0  # the longest wait for room in the log of decisions
_AWAY = (Fallback.REDIS_SLOW, Fallback.REDIS_UNAVAILABLE)


class BatchPersonalizer:
    """Answers batches with a personalizer; see above what is waited for, and how long."""

    def __init__(
        self,
        personalizer: Personalizer,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
        room_seconds: float = ROOM_SECONDS,
    ) -> None:
        self._personalizer = personalizer
        self._pauses_seconds = pauses_seconds
        self._room_seconds = room_seconds
        self._turn = asyncio.Lock()
        self._n_batches = 0

    def caller(self, key: str | None) -> Caller:
        """Return the holder of a secret key.

        Raises:
            Refused: it is none.
        """
        return self._personalizer.key_ring.secret_caller(key)

    async def answer(self, body: bytes, caller: Caller) -> list[bytes]:
        """Return the decisions for the users of a body, in its order: the answer, in pieces.

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
            replies = await self._decide(batch, caller)
            async with self._turn:
                await self._note(replies)
        except Refused:
            self._personalizer.limit.give_back(caller.name, len(batch.users))
            raise
        finally:
            self._n_batches -= 1
        bodies = [reply.body for reply in replies]
        return [b'{"decisions":[', bodies[0], *(b"," + body for body in bodies[1:]), b"]}"]

    async def _decide(self, batch: BatchRequest, caller: Caller) -> list[Reply]:
        return [await self._reply_to(request, caller) for request in batch.requests()]

    async def _reply_to(self, request: Request, caller: Caller) -> Reply:
        # A page cannot wait; a tool can, and is better served by a personal answer.
        for pause in (*self._pauses_seconds, None):
            async with self._turn:
                reply = await self._personalizer.reply_to(request, caller, perf_counter())
                await asyncio.sleep(0)
            if reply.made.decision.fallback not in _AWAY:
                return reply
            if pause is not None:
                await asyncio.sleep(pause)
        raise _not_now("users cannot be read now; send the batch again")

    async def _note(self, replies: Sequence[Reply]) -> None:
        notes, loop = self._personalizer.notes, asyncio.get_running_loop()
        patience_ends = loop.time() + self._room_seconds
        while notes.room < len(replies):
            if loop.time() >= patience_ends:
                raise _not_now("decisions cannot be written down now; send the batch again")
            await asyncio.sleep(BATCH_SECONDS)
        pause_at = perf_counter() + SLICE_SECONDS  # the loop's clock stands until it turns
        for reply in replies:
            notes.take(reply)
            if perf_counter() >= pause_at:
                await asyncio.sleep(0)
                pause_at = perf_counter() + SLICE_SECONDS


def _not_now(why: str) -> Refused:
    return Refused(Refusal.STATE_UNAVAILABLE, why, retry_after_seconds=1)
