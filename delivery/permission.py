"""Whether a user may still be told of: not one who was erased or refused meanwhile."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from config.errors import ShopkeeperError
from config.keys import Ids, Keys
from online_models.users import Linked, Suppressed, User, UserState, decode_user


async def may_be_told_of(
    client: Redis, keys: Keys, ids: Ids, found: Sequence[bytes | None]
) -> list[bool]:
    """Tell it from the bytes of users; of a visitor who turned out to be a known user, theirs say.

    Raises:
        RedisError: Redis did not answer.
    """
    users = [_user(data) for data in found]
    known = {user.known: _key(keys, ids, user.known) for user in users if isinstance(user, Linked)}
    states: dict[str, User | None] = {}
    if known:
        data: Any = await client.mget(list(known.values()))
        states = dict(zip(known, map(_user, data), strict=True))
    return [_allows(states[u.known] if isinstance(u, Linked) else u) for u in users]


def _user(data: bytes | None) -> User | None:
    """Return a user, as one who was erased where the bytes cannot be read: they allow nothing."""
    try:
        return None if data is None else decode_user(data)
    except ShopkeeperError:
        return Suppressed(erased_at=0)


def _key(keys: Keys, ids: Ids, digest: str) -> str:
    return keys.user(ids.shard_of(digest), digest)


def _allows(user: User | None) -> bool:
    """Tell what a state allows; what was erased without one is taken out of the lists by name."""
    if isinstance(user, UserState):
        return user.consent is None or user.consent[1]
    return user is None
