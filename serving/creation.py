"""Settles what is fixed when a shop is created, with whichever process reaches Redis first."""

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from config.creation import check_creation, creation_fields
from config.keys import Ids, Keys


async def settle_creation(client: Redis, keys: Keys, ids: Ids) -> None:
    """Write what is fixed where nothing is yet; compare.

    Raises:
        SettingsError: the data was created with other settings; the text says what to do.
        RedisError: Redis did not answer, or refused to write.
    """
    # Read first: a Redis that is full, and so refuses writes, was created long ago.
    found = await _read(client, keys)
    if not found:
        pipeline = client.pipeline(transaction=True)
        for field, value in creation_fields(ids).items():
            pipeline.hsetnx(keys.creation(), field, value)
        await pipeline.execute()
        found = await _read(client, keys)
    check_creation(found, ids)


async def _read(client: Redis, keys: Keys) -> dict[bytes, bytes]:
    return await cast(Awaitable[dict[bytes, bytes]], client.hgetall(keys.creation()))
