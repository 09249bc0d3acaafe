"""Optimistic transactions in two round trips: ``WATCH`` with reads, then ``MULTI`` to ``EXEC``.

redis-py's pipeline takes a round trip for each read while watching, which at a few entries a commit
is most of its cost. Replies are as they come from Redis.
"""

from collections.abc import Sequence
from typing import Any

import redis
from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError

from stream.commands import Command

# Redis is away, or full: wait, and try again from the start.
AWAY = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError)


class Transactions:
    """One transaction after the other, on a connection of its own; for one thread."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None

    def watch(self, key: str, *reads: Command) -> list[Any]:
        """Watch a key, and nothing that was watched before; return the replies to the reads.

        Raises:
            redis.RedisError: Redis did not answer, or refused.
        """
        return _whole(self._exchange([("UNWATCH",), ("WATCH", key), *reads]))[2:]

    def read(self, command: Command) -> Any:
        """Return the reply to one more read, while watching.

        Raises:
            redis.RedisError: Redis did not answer, or refused.
        """
        return _whole(self._exchange([command]))[0]

    def read_all(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies to more reads, while watching.

        Raises:
            redis.RedisError: Redis did not answer, or refused.
        """
        return _whole(self._exchange(commands)) if commands else []

    def execute(self, commands: Sequence[Command]) -> None:
        """Carry out all commands, or none where the watched key has changed.

        Raises:
            WatchError: it has.
            redis.RedisError: Redis refused, or its answer was lost; then nobody knows.
        """
        replies = self._exchange([("MULTI",), *commands, ("EXEC",)])
        results = _whole(replies)[-1]  # a refused command first: it says more than EXEC's abort
        if results is None:
            raise WatchError("another owner committed first")
        _whole(results)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.disconnect()

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send all commands in one write and return a reply, or a refusal, for each."""
        try:
            if self._connection is None:
                self._connection = self._pool.make_connection()
                self._connection.connect()
            # By hiredis itself: redis-py looks at each argument before, in as much time again.
            packed = b"".join([pack_command(command) for command in commands])  # type: ignore[arg-type]
            self._connection.send_packed_command([packed], check_health=False)
            return [self._reply() for _ in commands]
        except (RedisConnectionError, RedisTimeoutError, OSError):
            self.close()
            raise

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as refused:
            return refused


def _whole(replies: list[Any]) -> list[Any]:
    """Return replies none of which is a refusal."""
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply
    return replies
