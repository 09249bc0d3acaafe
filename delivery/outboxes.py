"""From the outboxes of all shards into one list of what was told, and into receivers' queues.

What is told and how far it reaches into each outbox are written in one transaction: each firing is
told once, with one body, whatever is killed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.exceptions import WatchError

from config.errors import ShopkeeperError
from config.fired import FIRED_FIELD, Fired, InvalidFired, decode_fired
from config.keys import MAX_TOLD, Keys
from config.told import Told, told_fields

START = "0-0"
BLOCK_MS = 250
MOST_A_ROUND = 1_024


class OtherDeliverer(ShopkeeperError):
    """Another deliverer has written meanwhile; what is known here is old."""


class InvalidCommit(ShopkeeperError):
    """How far the outboxes were told cannot be read: telling from their start would repeat all."""


class ToldCommit(msgspec.Struct, frozen=True):
    """How far into each outbox what was told reaches; ``seq`` grows with every commit."""

    seq: int = 0
    positions: dict[int, str] = {}


class Read(NamedTuple):
    """New firings, by shard in their order, with the log id of each; and how far they reach."""

    firings: list[tuple[str, Fired]]
    positions: dict[int, str]
    n_unreadable: int


_encode_commit = msgspec.json.Encoder().encode
_decode_commit = msgspec.json.Decoder(ToldCommit).decode


class Outboxes:
    """The outboxes of all shards, from where what was told ends."""

    def __init__(self, client: Redis, keys: Keys, n_shards: int) -> None:
        self._client = client
        self._keys = keys
        self._shards = {keys.triggers(shard).encode(): shard for shard in range(n_shards)}
        self._count = max(MOST_A_ROUND // n_shards, 4)
        self._commit = ToldCommit()

    async def load(self) -> None:
        """Stand where the last commit stands.

        Raises:
            InvalidCommit: nobody knows where that is.
        """
        data: Any = await self._client.get(self._keys.told_commit())
        self._commit = _read_commit(data)

    async def read(self) -> Read:
        """Return what is new, waiting for up to 250 ms where nothing is."""
        positions = self._commit.positions
        streams: Any = {name: positions.get(shard, START) for name, shard in self._shards.items()}
        reply: Any = await self._client.xread(streams, count=self._count, block=BLOCK_MS)
        parts = reply.items() if isinstance(reply, dict) else reply or ()
        firings: list[tuple[str, Fired]] = []
        reached = dict(positions)
        n_unreadable = 0
        for name, entries in parts:
            for entry_id, fields in entries:
                reached[self._shards[name]] = entry_id.decode()
                try:
                    firings.append((entry_id.decode(), decode_fired(fields.get(FIRED_FIELD, b""))))
                except InvalidFired:
                    n_unreadable += 1
        return Read(firings, reached, n_unreadable)

    async def commit(
        self,
        read: Read,
        told: Sequence[Told],
        queue: Callable[[Any, Told, dict[bytes, bytes | str]], None],
    ) -> None:
        """Write down what is told, and that all that was read is; ``queue`` adds receivers'.

        Raises:
            OtherDeliverer: somebody else committed since the last commit of this one.
        """
        key = self._keys.told_commit()
        commit = ToldCommit(self._commit.seq + 1, read.positions)
        async with self._client.pipeline(transaction=True) as pipe:
            await pipe.watch(key)
            data: Any = await pipe.get(key)
            if _read_commit(data) != self._commit:
                raise OtherDeliverer("another deliverer committed")
            pipe.multi()  # type: ignore[no-untyped-call]
            for one in told:
                fields: Any = told_fields(one)
                pipe.xadd(self._keys.told(), fields, maxlen=MAX_TOLD, approximate=True)
                queue(pipe, one, fields)
            pipe.set(key, _encode_commit(commit))
            try:
                await pipe.execute()
            except WatchError as error:
                raise OtherDeliverer("another deliverer committed") from error
        self._commit = commit

    @property
    def positions(self) -> Mapping[int, str]:
        """How far into each outbox what was told reaches."""
        return self._commit.positions


def _read_commit(data: bytes | None) -> ToldCommit:
    try:
        return ToldCommit() if data is None else _decode_commit(data)
    except msgspec.MsgspecError as error:
        raise InvalidCommit(
            f"how far triggers were told cannot be read: {error}; run the version that wrote it"
        ) from error
