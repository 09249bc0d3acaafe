"""Appends to the log in Redis; says yes only when Redis holds what it was given.

What all requests in flight want to append goes to Redis in one round trip. Nobody waits longer
than ``ANSWER_SECONDS``, also when Redis hangs: then the answer is that nobody knows, the client
sends again, and the message id sees to it that the event takes effect once.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog
from hiredis import pack_command
from redis.asyncio import Connection, Redis
from redis.exceptions import RedisError

from config.errors import ShopkeeperError

ANSWER_SECONDS = 0.08
MAX_WAITING_COMMANDS = 10_000
_COMMANDS_AT_ONCE = 1_000
_TURNS = 4
_PAUSE_SECONDS = 0.02  # between tries to reach a Redis that is gone

Command = tuple[str | bytes | int, ...]

log = structlog.get_logger()


class LogUnavailable(ShopkeeperError):
    """Redis did not confirm in time, or refused; the events may or may not be in the log."""


class _Append(NamedTuple):
    commands: Sequence[Command]
    replies: asyncio.Future[list[object]]


class EventLog:
    """Writes commands to Redis in the order they are given; ``run`` it beside its callers."""

    def __init__(self, client: Redis, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._client = client
        self._answer_seconds = answer_seconds
        self._connection: Connection | None = None
        self._waiting: deque[_Append] = deque()
        self._n_waiting = 0
        self._wake = asyncio.Event()
        self._reachable = True

    async def append(self, commands: Sequence[Command]) -> list[object]:
        """Return Redis's replies, once it has carried all commands out.

        Raises:
            LogUnavailable: no confirmation in time, a command was refused, or the queue is full.
        """
        if self._n_waiting + len(commands) > MAX_WAITING_COMMANDS:
            raise LogUnavailable("too many events are waiting")
        loop = asyncio.get_running_loop()
        replies: asyncio.Future[list[object]] = loop.create_future()
        patience = _Patience(loop, self._answer_seconds, lambda: _give_up(replies))
        self._waiting.append(_Append(commands, replies))
        self._n_waiting += len(commands)
        self._wake.set()
        try:
            return await replies
        finally:
            patience.end()

    async def run(self) -> None:
        """Write what is waiting until cancelled; what is then still waiting is refused."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._write_some()
        finally:
            for append in self._waiting:
                _fail(append, "the server is stopping")
            await self._disconnect()

    async def _write_some(self) -> None:
        batch = self._take()
        commands = [command for append in batch for command in append.commands]
        if not commands:
            return
        try:
            replies = await self._exchange(commands)
        except (RedisError, OSError, TimeoutError) as error:
            await self._disconnect()
            self._tell(reachable=False, why=type(error).__name__)
            for append in batch:
                _fail(append, "Redis did not confirm")
            await asyncio.sleep(_PAUSE_SECONDS)
            return
        self._tell(reachable=True)
        start = 0
        for append in batch:
            end = start + len(append.commands)
            _settle(append, replies[start:end])
            start = end

    def _take(self) -> list[_Append]:
        """Return whole appends, together about a round trip's worth, without those given up."""
        batch: list[_Append] = []
        n_commands = 0
        while self._waiting and n_commands < _COMMANDS_AT_ONCE:
            append = self._waiting.popleft()
            self._n_waiting -= len(append.commands)
            if not append.replies.done():
                batch.append(append)
                n_commands += len(append.commands)
        return batch

    async def _exchange(self, commands: Sequence[Command]) -> list[object]:
        # Below redis-py's pipeline and packing, which cost ten times the time. One limit for all
        # replies: a Redis that answers slowly one by one must not hold us. When it is reached,
        # the connection is dropped, so that no late reply is taken for another command's.
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as limit:
            patience = _Patience(loop, self._answer_seconds, lambda: limit.reschedule(loop.time()))
            try:
                connection = await self._connected()
                await connection.send_packed_command(_packed(commands), check_health=False)
                return [await _reply(connection) for _ in commands]
            finally:
                patience.end()

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

    def _tell(self, *, reachable: bool, why: str = "") -> None:
        if reachable != self._reachable:
            self._reachable = reachable
            if reachable:
                log.info("event_log_back")
            else:
                log.error("event_log_unavailable", error=why)


def _packed(commands: Sequence[Command]) -> bytes:
    # Its type hints know commands of one word only.
    return b"".join(pack_command(command) for command in commands)  # type: ignore[arg-type]


class _Patience:
    """Calls ``then`` after so many seconds, counted in four turns of the event loop.

    Where the loop itself was busy for long, that is one turn, however long: Redis may have
    answered meanwhile, and must not be blamed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, then: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._turn_seconds = seconds / _TURNS
        self._then = then
        self._turns_left = _TURNS
        self._timer = loop.call_later(self._turn_seconds, self._turn)

    def end(self) -> None:
        """Call nothing any more."""
        self._timer.cancel()

    def _turn(self) -> None:
        self._turns_left -= 1
        if self._turns_left:
            self._timer = self._loop.call_later(self._turn_seconds, self._turn)
        else:
            self._then()


async def _reply(connection: Connection) -> object:
    try:
        return await connection.read_response(timeout=math.inf)
    except RedisError as error:
        if not connection.is_connected:
            raise
        return error  # the command was refused; the ones after it have replies of their own


def _settle(append: _Append, replies: list[object]) -> None:
    refused = next((reply for reply in replies if isinstance(reply, RedisError)), None)
    if refused is not None:
        log.error("append_refused", error=str(refused).partition(" ")[0])
        _fail(append, "Redis refused")
    elif not append.replies.done():
        append.replies.set_result(replies)


def _give_up(replies: asyncio.Future[list[object]]) -> None:
    if not replies.done():
        replies.set_exception(LogUnavailable("Redis did not confirm in time"))


def _fail(append: _Append, why: str) -> None:
    if not append.replies.done():
        append.replies.set_exception(LogUnavailable(why))
