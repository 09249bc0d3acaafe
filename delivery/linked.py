"""Asks Redis for known users whom visitors turned out to be: they say who may be told of."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from config.keys import Ids, Keys
from delivery.permission import allows, known_behind


async def may_be_told_of(
    client: Redis, keys: Keys, ids: Ids, found: Sequence[bytes | None]
) -> list[bool]:
    """Tell it from the bytes of users; of a visitor who turned out to be a known user, theirs say.

    Raises:
        RedisError: Redis did not answer.
    """
    behind = [known_behind(data) for data in found]
    known = {one: keys.user(ids.shard_of(one), one) for one in behind if one is not None}
    states: dict[str, bytes | None] = {}
    if known:
        data: Any = await client.mget(list(known.values()))
        states = dict(zip(known, data, strict=True))
    return [
        allows(data if one is None else states[one])
        for data, one in zip(found, behind, strict=True)
    ]
