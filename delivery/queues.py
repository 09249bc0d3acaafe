"""The queues of receivers in Redis: what waits, what was tried, what was given up.

A message stays in the queue until a receiver took it or it was given up, whatever is killed: so it
is sent at least once, always with the same id and the same bytes.
"""

from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis

from config.events import SUBJECT_FIELD
from config.keys import Ids, Keys
from config.receiver_states import Stop, decode_stop, encode_state
from config.told import (
    LETTER_FIELD,
    TOLD_FIELD,
    InvalidTold,
    Letter,
    Told,
    decode_told,
    encode_told,
    told_fields,
)
from delivery.lanes import Waiting
from delivery.linked import may_be_told_of

PAGE = 500

log = structlog.get_logger()


class Tries(msgspec.Struct, frozen=True, array_like=True):
    """How often a message was tried, when (ms) first, when it is due again, what came of it."""

    n: int
    first_at: int
    due_at: int
    last: str = ""


_encode_tries = msgspec.json.Encoder().encode
_decode_tries = msgspec.json.Decoder(Tries).decode


class Queue:
    """The messages of one receiver."""

    def __init__(self, client: Redis, keys: Keys, receiver: str, max_undelivered: int) -> None:
        self._client = client
        self._keys = keys
        self._receiver = receiver
        self._max_undelivered = max_undelivered
        self._waiting = keys.waiting(receiver)
        self._tries = keys.tries(receiver)
        self._after = "0-0"

    async def new(self) -> list[Waiting]:
        """Return what came since this was last asked, in order; at first all of it."""
        found: list[Waiting] = []
        while True:
            entries: Any = await self._client.xrange(self._waiting, f"({self._after}", count=PAGE)
            names = [entry_id.decode() for entry_id, _ in entries]
            tried: Any = await self._client.hmget(self._tries, names) if names else []
            for name, (_, fields), tries in zip(names, entries, tried, strict=True):
                digest = fields.get(SUBJECT_FIELD, b"").decode()
                found.append(_waiting(name, digest, tries))
            if names:
                self._after = names[-1]
            if len(names) < PAGE:
                return found

    async def fetch(self, waiting: Waiting, ids: Ids) -> Told | None:
        """Return the message, None where it is gone, unreadable or of who must not be told of."""
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.xrange(self._waiting, waiting.entry_id, waiting.entry_id)
            pipe.get(self._keys.user(_shard(ids, waiting.digest), waiting.digest))
            entries, user = await pipe.execute()
        [is_allowed] = await may_be_told_of(self._client, self._keys, ids, [user])
        if not entries or not is_allowed:
            return None
        try:
            return decode_told(entries[0][1].get(TOLD_FIELD, b""))
        except InvalidTold:
            log.warning("message_unreadable", receiver=self._receiver, entry=waiting.entry_id)
            return None

    async def clean(self) -> None:
        """Forget tries of messages that are no longer there."""
        names: Any = await self._client.hkeys(self._tries)
        for start in range(0, len(names), PAGE):
            some = names[start : start + PAGE]
            async with self._client.pipeline(transaction=False) as pipe:
                for name in some:
                    pipe.xrange(self._waiting, name, name)
                found = await pipe.execute()
            left = [name for name, entries in zip(some, found, strict=True) if not entries]
            if left:
                await self._client.hdel(self._tries, *left)

    async def take_out(self, waiting: Waiting) -> None:
        """Take out a message that needs no more tries."""
        async with self._client.pipeline(transaction=True) as pipe:
            self._take_out(pipe, waiting.entry_id)
            await pipe.execute()

    async def put_off(self, waiting: Waiting) -> None:
        """Write down how often a message was tried, and when it is due."""
        tries = Tries(waiting.n_tries, waiting.first_at, waiting.due_at, waiting.last)
        fields: Any = {waiting.entry_id: _encode_tries(tries)}
        await self._client.hset(self._tries, mapping=fields)

    async def give_up(self, waiting: Waiting, told: Told, letter: Letter) -> None:
        """Set a message aside, with the reason."""
        async with self._client.pipeline(transaction=True) as pipe:
            name, most = self._keys.undelivered(self._receiver), self._max_undelivered
            set_aside(pipe, name, told, letter, most)
            self._take_out(pipe, waiting.entry_id)
            await pipe.execute()

    async def stop(self, stop: Stop) -> None:
        """Write down that nothing is sent to this receiver any more."""
        fields: Any = {self._receiver: encode_state(stop)}
        await self._client.hset(self._keys.stopped(), mapping=fields)

    async def stopped(self) -> Stop | None:
        """Return why nothing is sent to this receiver, if so.

        Raises:
            InvalidReceiverState: something is written there that cannot be read.
        """
        data: Any = await self._client.hget(self._keys.stopped(), self._receiver)
        return None if data is None else decode_stop(data)

    async def go_on(self) -> None:
        """Write down that this receiver is sent to again."""
        await self._client.hdel(self._keys.stopped(), self._receiver)

    def _take_out(self, pipe: Any, entry_id: str) -> None:
        pipe.xdel(self._waiting, entry_id)
        pipe.hdel(self._tries, entry_id)


def set_aside(pipe: Any, name: str, told: Told, letter: Letter, most: int) -> None:
    """Let a transaction put a message into a list, so long, of those that were given up."""
    fields = told_fields(told) | {LETTER_FIELD: encode_told(letter)}
    pipe.xadd(name, fields, maxlen=most, approximate=True)


def _shard(ids: Ids, digest: str) -> int:
    try:
        return ids.shard_of(digest)
    except ValueError:
        return 0  # of a digest that is none there is no user in any shard


def _waiting(entry_id: str, digest: str, tries: bytes | None) -> Waiting:
    if tries is None:
        return Waiting(entry_id, digest)
    try:
        told = _decode_tries(tries)
    except msgspec.MsgspecError:  # it is tried as one that never was
        return Waiting(entry_id, digest)
    return Waiting(entry_id, digest, told.due_at, told.n, told.first_at, told.last)
