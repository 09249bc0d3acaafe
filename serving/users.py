"""Reads what is remembered of a user; only the user's shard ever writes it."""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.keys import Ids, Keys, Subject
from online_models.users import Linked, Suppressed, User, UserState
from serving.refusals import Refusal, Refused
from serving.remembered import remembered


class UserReader:
    """Finds users by their id."""

    def __init__(self, client: Redis, ids: Ids, keys: Keys, retention_ms: int) -> None:
        self._client = client
        self._ids = ids
        self._keys = keys
        self._retention_ms = retention_ms

    def subject(self, user_id: str, *, anonymous: bool) -> Subject:
        """Return whom an id means."""
        return self._ids.anonymous(user_id) if anonymous else self._ids.known(user_id)

    async def find(self, subject: Subject) -> UserState:
        """Return the user; an anonymous visitor who is known by now is the known user.

        Raises:
            Refused: there is none, the user was erased, or Redis does not answer.
            UnknownStateVersion: a newer Shopkeeper wrote the user.
        """
        found = await self._read(subject)
        if isinstance(found, Linked):
            known = Subject(self._ids.shard_of(found.known), found.known)
            found = await self._read(known)
        if isinstance(found, Suppressed):
            raise Refused(Refusal.SUPPRESSED_USER, "this user was erased")
        if not isinstance(found, UserState):
            raise Refused(Refusal.UNKNOWN_USER, "nothing is known of this user")
        return found

    async def _read(self, subject: Subject) -> User | None:
        names = [self._keys.user(*subject), self._keys.commit(subject.shard)]
        try:
            values: Any = await self._client.mget(names)
        except (RedisError, OSError) as error:
            raise Refused(
                Refusal.STATE_UNAVAILABLE, "Redis does not answer", retry_after_seconds=1
            ) from error
        data, commit = values  # bytes, as the client decodes nothing
        return remembered(data, commit, self._retention_ms).user
