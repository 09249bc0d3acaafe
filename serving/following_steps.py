"""Keeps the model of the next product as a learner has it: the index from the log of steps, which
is followed step by step, ranker and vectors from the learner's snapshots.

Where the log is not the one that was read (Redis was emptied, went back to older data, or trimmed
what was not read yet), a new index is built; until it is there the old one answers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from redis.asyncio import Redis

from config.errors import ShopkeeperError
from config.keys import Keys
from config.log_ids import log_id
from config.session_log import STEPS_FIELD, TIME_FIELD, decode_steps
from online_models.recommender import Recommender
from online_models.snapshots import read_snapshot, take_block, take_weights
from serving.copying import CHECK_SECONDS, POLL_SECONDS, SLICE_SECONDS, Copy, Missed
from serving.following import Followed

_ENTRIES_AT_ONCE = 20
_BLOCKS_AT_ONCE = 8

log = structlog.get_logger()


class StepsFollower(Copy):
    """Hands steps and snapshots to a model; ``run`` it beside the requests.

    ``learned`` is called with the times (ms) that came with steps, once those are in use.
    """

    def __init__(
        self, client: Redis, keys: Keys, model: Recommender, learned: Callable[[list[int]], None]
    ) -> None:
        super().__init__("steps")
        self._client = client
        self._keys = keys
        self._model = model
        self._learned = learned
        self._position = 0
        self._newest: dict[bytes, bytes] = {}  # what the entry at the position holds
        self._snapshot = b""

    def told(self) -> Followed:
        """Return what this follower has done so far."""
        return Followed(len(self._model.next_product.steps), self._n_loads, self._looked_at)

    async def _load(self) -> None:
        """Build the index from the log, beside the one in use."""
        self._position, self._newest, self._snapshot = 0, {}, b""
        first = await self._entries("-", 1)
        fresh = Recommender(self._model.capacity)  # which takes megabytes: not while Redis is away
        if first:
            self._position = first[0][0] - len(decode_steps(first[0][1][STEPS_FIELD]))
        # How long ago old steps came in says nothing of how soon steps are served.
        while len(await self._fetch_steps(fresh)) == _ENTRIES_AT_ONCE:
            pass
        await self._fetch_snapshot(fresh)
        self._model.begin_again(fresh)
        self._n_loads += 1
        self._looked()
        log.info("steps_loaded", position=self._position)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while True:
            started = loop.time()
            times = await self._fetch_steps(self._model)
            self._learned(times)
            self._looked()
            if loop.time() - checked_at >= CHECK_SECONDS:
                await self._fetch_snapshot(self._model)
                checked_at = loop.time()
            if len(times) < _ENTRIES_AT_ONCE:
                await asyncio.sleep(max(started + POLL_SECONDS - loop.time(), 0))

    async def _fetch_steps(self, model: Recommender) -> list[int]:
        """Take in entries that are new, some at a time; return the times that came with them.

        Raises:
            Missed: they do not follow what was read before.
        """
        entries = await self._entries_after()
        times: list[int] = []
        started = time.perf_counter()
        for position, fields in entries:
            steps = decode_steps(fields[STEPS_FIELD])
            if position - len(steps) != self._position:
                raise Missed
            for step in steps:
                model.index_one(step)
                if time.perf_counter() - started > SLICE_SECONDS:
                    await asyncio.sleep(0)
                    started = time.perf_counter()
            self._position, self._newest = position, fields
            times.append(int(fields[TIME_FIELD]))
        return times

    async def _entries_after(self) -> list[tuple[int, dict[bytes, bytes]]]:
        """Return what follows, read together with the last entry: in a log that is another one,
        something else stands there.

        Raises:
            Missed: it is another one, or was trimmed that far.
        """
        if not self._newest:
            return await self._entries(f"({self._position}-0", _ENTRIES_AT_ONCE)
        entries = await self._entries(f"{self._position}-0", 1 + _ENTRIES_AT_ONCE)
        if not entries or entries[0] != (self._position, self._newest):
            raise Missed
        return entries[1:]

    async def _entries(self, after: str, count: int) -> list[tuple[int, dict[bytes, bytes]]]:
        found: Any = await self._client.xrange(self._keys.session_log(), after, "+", count=count)
        return [(log_id(name.decode())[0], fields) for name, fields in found]

    async def _fetch_snapshot(self, model: Recommender) -> None:
        """Take weights and vectors of a snapshot that is new."""
        position = await cast(
            Awaitable[bytes | None], self._client.get(self._keys.snapshot_position())
        )
        if position is None or position == self._snapshot:
            return
        data: Any = await self._client.get(self._keys.snapshot())
        if data is None:
            return
        try:
            snapshot = read_snapshot(data)
            table = self._keys.vector_table(snapshot.table)
            for start in range(0, snapshot.n_blocks, _BLOCKS_AT_ONCE):
                names = range(start, min(start + _BLOCKS_AT_ONCE, snapshot.n_blocks))
                blocks: Any = await self._client.hmget(table, [str(name) for name in names])
                if None in blocks:
                    return  # there is a newer one: the next look finds it
                for block in blocks:
                    take_block(model.next_product, block)
                    await asyncio.sleep(0)
            take_weights(model.next_product, snapshot)
        except ShopkeeperError as error:
            why = str(error)
        else:
            why = ""
        if why:
            log.error("snapshot_unreadable", why=why)
        self._snapshot = position
