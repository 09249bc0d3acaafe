"""Reads users for decisions: all requests in flight in one MGET, and no wait beyond the cut-off.

What comes is made into what they ask for all together, before the first of them goes on: the same
work many times over takes a third of the time that it takes between other work.

A read that is not answered in time is given up, never the command: Redis's reply still has to be
taken off the connection. While the reply is late, or Redis is gone, other reads fail at once.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Generic, TypeVar

import structlog
from hiredis import pack_command
from redis.asyncio import Connection, Redis
from redis.exceptions import RedisError

from config.errors import ShopkeeperError

MAX_WAITING_READS = 5_000
_READS_AT_ONCE = 250
_DROP_SECONDS = 0.5  # a connection whose reply takes longer is given up
_PAUSE_SECONDS = 0.1  # between tries to reach a Redis that is gone
_GRACE_SECONDS = 0.001  # a turn of the loop in which a reply that is there already is taken

log = structlog.get_logger()

Values = list[bytes | None]
_T = TypeVar("_T")


class StateSlow(ShopkeeperError):
    """Redis did not answer within the cut-off."""


class StateUnavailable(ShopkeeperError):
    """Redis cannot be reached, or refused."""


class _Read(Generic[_T]):
    __slots__ = ("keys", "made")

    def __init__(self, keys: Sequence[str], made: asyncio.Future[_T]) -> None:
        self.keys = keys
        self.made = made


class StateReads(Generic[_T]):
    """Reads values by key, of which ``make`` makes what is returned; ``run`` it beside callers."""

    def __init__(self, client: Redis, cutoff_seconds: float, make: Callable[[Values], _T]) -> None:
        self.cutoff_seconds = cutoff_seconds
        self.n_together = 0  # reads that the latest reply answered
        self._make = make
        self._client = client
        self._connection: Connection | None = None
        self._waiting: deque[_Read[_T]] = deque()
        self._wake = asyncio.Event()
        self._trouble: type[StateSlow | StateUnavailable] | None = None

    async def read(self, keys: Sequence[str], deadline: float) -> _T:
        """Return what is made of the values under the keys, None where there is none.

        ``deadline`` is a time of the event loop.

        Raises:
            StateSlow: no answer by the deadline, or others wait too long already.
            StateUnavailable: Redis is gone.
        """
        if self._trouble is not None:
            raise self._trouble()
        if len(self._waiting) >= MAX_WAITING_READS:
            raise StateSlow
        loop = asyncio.get_running_loop()
        made: asyncio.Future[_T] = loop.create_future()
        timer = loop.call_at(deadline, self._late, made, loop)
        self._waiting.append(_Read(keys, made))
        self._wake.set()
        try:
            return await made
        finally:
            timer.cancel()

    async def run(self) -> None:
        """Read what is waiting until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._read_some()
                    while self._trouble is not None:
                        await self._try_again()
        finally:
            self._fail_waiting()
            await self._disconnect()

    def _late(self, made: asyncio.Future[_T], loop: asyncio.AbstractEventLoop) -> None:
        # Where the loop itself was busy, the reply may be there already: it goes first.
        loop.call_later(_GRACE_SECONDS, self._give_up, made)

    def _give_up(self, made: asyncio.Future[_T]) -> None:
        if not made.done():
            made.set_exception(StateSlow())
            self._tell(self._trouble or StateSlow)

    async def _read_some(self) -> None:
        batch: list[_Read[_T]] = []
        while self._waiting and len(batch) < _READS_AT_ONCE:
            read = self._waiting.popleft()
            if not read.made.done():
                batch.append(read)
        if not batch:
            return
        keys = [key for read in batch for key in read.keys]
        try:
            values = await self._exchange("MGET", *keys)
        except (RedisError, OSError, TimeoutError):
            await self._disconnect()
            self._tell(StateUnavailable)
            for read in batch:
                _fail(read)
            self._fail_waiting()
            return
        self._tell(None)
        self.n_together = len(batch)
        ends = accumulate(len(read.keys) for read in batch)
        ready = [
            self._make(values[end - len(read.keys) : end])
            for read, end in zip(batch, ends, strict=True)
        ]
        for read, made in zip(batch, ready, strict=True):
            if not read.made.done():
                read.made.set_result(made)

    async def _try_again(self) -> None:
        try:
            await self._exchange("MGET", "none")
        except (RedisError, OSError, TimeoutError):
            await self._disconnect()
            self._tell(StateUnavailable)
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            self._tell(None)

    async def _exchange(self, *command: str) -> Values:
        async with asyncio.timeout(max(_DROP_SECONDS, 2 * self.cutoff_seconds)):
            connection = await self._connected()
            # Packing by redis-py takes ten times as long; these type hints know one word only.
            packed = pack_command(command)  # type: ignore[arg-type]
            await connection.send_packed_command(packed, check_health=False)
            return await connection.read_response(timeout=math.inf)  # type: ignore[no-any-return]

    async def _connected(self) -> Connection:
        if self._connection is None:
            pool = self._client.connection_pool
            self._connection = pool.make_connection()  # type: ignore[no-untyped-call]
            # One limit for all is set above; with its own, redis-py starts a task for each send.
            self._connection.socket_timeout = None
        if not self._connection.is_connected:
            await self._connection.connect()
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)

    def _fail_waiting(self) -> None:
        for read in self._waiting:
            _fail(read)
        self._waiting.clear()

    def _tell(self, trouble: type[StateSlow | StateUnavailable] | None) -> None:
        if trouble is not self._trouble:
            self._trouble = trouble
            if trouble is None:
                log.info("state_back")
            else:
                log.error("state_unreadable", error=trouble.__name__)


def _fail(read: _Read[_T]) -> None:
    if not read.made.done():
        read.made.set_exception(StateUnavailable())
