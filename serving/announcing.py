"""Says that this server lives and where its metrics are; knows the others of this machine."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.announcements import Announcement, decode_announcement, encode_announcement
from config.keys import HEARTBEAT_MS, Keys

BEAT_SECONDS = 0.5

log = structlog.get_logger()


class Neighbours:
    """The processes of this shop on this machine; ``run`` it beside the requests.

    Without Redis those that were known last stay known.
    """

    def __init__(
        self, client: Redis, keys: Keys, server_id: str, announcement: Announcement
    ) -> None:
        self._client = client
        self._keys = keys
        self._me = server_id
        self._announcement = announcement
        self._families = (
            (keys.servers(), keys.server),
            (keys.workers(), keys.worker),
            (keys.learners(), keys.learner),
            (keys.deliverers(), keys.deliverer),
        )
        # Who dies without a word is taken out by whoever looks; workers see to their own.
        self._swept = (keys.servers(), keys.deliverers())
        self.others: dict[str, Announcement] = {}

    async def run(self) -> None:
        """Beat and look until cancelled; then say good-bye."""
        try:
            while True:
                with suppress(RedisError, OSError, TimeoutError):  # the watcher says so
                    await self.look()
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            await self._leave()

    async def look(self) -> None:
        """Beat once, and read what the others say of themselves.

        Raises:
            RedisError: Redis does not answer.
        """
        pipeline = self._client.pipeline(transaction=False)
        beat = encode_announcement(self._announcement)
        pipeline.set(self._keys.server(self._me), beat, px=HEARTBEAT_MS)
        pipeline.sadd(self._keys.servers(), self._me)
        for members, _ in self._families:
            pipeline.smembers(members)
        # A Redis that is full takes no heartbeat, but tells those of others until they end.
        replies: list[Any] = (await pipeline.execute(raise_on_error=False))[2:]
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        ids = [
            (members, key_of, member.decode())
            for (members, key_of), found in zip(self._families, replies, strict=True)
            for member in sorted(found)
        ]
        beats = await self._client.mget([key_of(name) for _, key_of, name in ids]) if ids else []
        others: dict[str, Announcement] = {}
        for (members, _, name), value in zip(ids, beats, strict=True):
            told = decode_announcement(value)
            if value is None and members in self._swept:
                await self._client.srem(members, name)
            elif told is not None and told.machine == self._announcement.machine:
                others[name] = told
        others.pop(self._me, None)
        self.others = others

    async def _leave(self) -> None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.delete(self._keys.server(self._me))
        pipeline.srem(self._keys.servers(), self._me)
        try:
            await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            log.info("server_left_without_a_word", error=type(error).__name__)
