"""What triggers fired, for those who listen: each from where it left off, as long as it is kept.

A listener that is slow reads later, at its own pace: nothing is held for it in memory.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from config.keys import Keys
from config.log_ids import log_id
from config.receiver_states import InvalidReceiverState, decode_state
from config.told import TOLD_FIELD, InvalidTold, decode_told
from serving.refusals import Refusal, Refused

MAX_LISTENERS = 50  # of a server process
PAGE = 100
BLOCK_MS = 5_000
SOCKET_SECONDS = BLOCK_MS / 1000 + 5
START = "0-0"
_TOO_LARGE = 2**64  # for either number of an entry's id


class Heard(NamedTuple):
    """A message: its place in the list, which trigger it is of, for which channel, and its JSON."""

    entry_id: str
    trigger: str
    channel: str
    body: bytes


class TriggerFeed:
    """The list of what was told, for all listeners of a server process."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._told = keys.told()
        self._n_listeners = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place among those who listen.

        Raises:
            Refused: too many listen already.
        """
        if self._n_listeners >= MAX_LISTENERS:
            raise Refused(
                Refusal.OVERLOADED,
                f"{MAX_LISTENERS} listen to this server's triggers already",
                retry_after_seconds=5,
            )
        self._n_listeners += 1
        try:
            yield
        finally:
            self._n_listeners -= 1

    async def start(self, after: str | None) -> tuple[str, bool]:
        """Return from where on to listen, and whether something before it may be gone already.

        Without ``after`` it is from now on.

        Raises:
            Refused: ``after`` is no place in the list, or Redis does not answer.
        """
        try:
            ms, number = log_id(START if after is None else after)
        except ValueError:
            ms = number = -1
        if not (0 <= ms < _TOO_LARGE and 0 <= number < _TOO_LARGE):
            raise Refused(Refusal.BAD_QUERY, f"{str(after)[:50]!r}: no id of a trigger's event")
        try:
            info: Any = await self._client.xinfo_stream(self._told)
        except ResponseError:  # nothing was told yet
            return (START if after is None else f"{ms}-{number}"), False
        except (RedisError, OSError) as error:
            raise _away() from error
        if after is None:
            return info["last-generated-id"].decode(), False
        first = info["first-entry"]
        oldest = log_id(first[0] if first else info["last-generated-id"])
        is_whole = info["entries-added"] == info["length"]
        return f"{ms}-{number}", (ms, number) < oldest and not (is_whole and first)

    async def listen(self, after: str) -> AsyncIterator[Heard | None]:
        """Yield what is told after a place, None every few seconds in which nothing is.

        It ends where Redis does not answer; who listens comes again.
        """
        while True:
            try:
                reply: Any = await self._client.xread({self._told: after}, PAGE, BLOCK_MS)
            except (RedisError, OSError):
                return
            if not reply:
                yield None
            for entry_id, fields in reply[0][1] if reply else ():
                after = entry_id.decode()
                heard = _heard(after, fields)
                if heard is not None:
                    yield heard

    async def receivers(self) -> dict[str, Any]:
        """Return how each receiver of webhooks stands, by name.

        Raises:
            Refused: Redis does not answer.
        """
        try:
            found: Any = await self._client.hgetall(self._keys.receivers())
            names = [name.decode() for name in found]
            async with self._client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.xlen(self._keys.undelivered(name))
                lengths = await pipe.execute()
        except (RedisError, OSError) as error:
            raise _away() from error
        told: dict[str, Any] = {}
        for name, data, n_undelivered in zip(names, found.values(), lengths, strict=True):
            try:
                state = msgspec.to_builtins(decode_state(data))
            except InvalidReceiverState:  # a newer deliverer wrote it
                state = {}
            told[name] = state | {"nUndelivered": n_undelivered}
        return told


def _heard(entry_id: str, fields: dict[bytes, bytes]) -> Heard | None:
    try:
        told = decode_told(fields.get(TOLD_FIELD, b""))
    except InvalidTold:
        return None
    return Heard(entry_id, told.trigger, told.channel, told.body)


def _away() -> Refused:
    return Refused(Refusal.STATE_UNAVAILABLE, "Redis does not answer", retry_after_seconds=1)
