"""Clients of Redis as the command uses them: bounded in time, and nothing repeated silently."""

import time
from collections.abc import Callable

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.errors import ShopkeeperError

LOAD_SECONDS = 600.0  # a full append-only file of some GB


class RedisDidNotStart(ShopkeeperError):
    """Redis ended, or did not load in time; the text ends with its last log lines if known."""


def wait_until_loaded(
    url: str, check_alive: Callable[[], None], deadline_seconds: float = LOAD_SECONDS
) -> None:
    """Return once Redis answers PING; one that is still loading its file is waited for.

    ``check_alive`` is called between the tries, and raises where waiting is of no use.

    Raises:
        RedisDidNotStart: no answer within the deadline.
    """
    deadline = time.monotonic() + deadline_seconds
    why = "no answer"
    with connect(url) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
            except redis.RedisError as error:  # BusyLoadingError is one of them
                why = str(error)
            else:
                return
            check_alive()
            time.sleep(0.05)
    raise RedisDidNotStart(
        f"Redis at {shown(url)} was not ready within {deadline_seconds:g} s: {why}"
    )


def shown(url: str) -> str:
    """Return an address without its password.

    >>> shown("redis://me:word@host:6379/0"), shown("unix:///run/redis.sock")
    ('redis://…@host:6379/0', 'unix:///run/redis.sock')
    """
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else url


def connect(url: str, timeout_seconds: float = 2.0) -> redis.Redis:
    """Return a client that fails within the timeout and never repeats a command by itself."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
