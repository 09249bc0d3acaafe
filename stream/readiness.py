"""What a worker insists on before it starts: a Redis that keeps what it is given, the same shop."""

from collections.abc import Callable
from typing import Any

import redis
import structlog

from config.creation import check_creation, creation_fields
from config.errors import SettingsError
from config.keys import Ids, Keys
from config.redis_health import REMEDIES, judge
from stream.transactions import AWAY

log = structlog.get_logger()


def check_redis(client: redis.Redis) -> None:
    """Refuse a Redis that could lose acknowledged events.

    Raises:
        SettingsError: the append-only file is off, keys may be evicted, or memory has no limit.
        redis.RedisError: Redis did not answer.
    """
    persistence: Any = client.info("persistence")
    memory: Any = client.info("memory")
    faults = judge({**persistence, **memory}).faults
    for fault, remedy in REMEDIES.items():
        if fault in faults:
            raise SettingsError(remedy)


def settle_creation(client: redis.Redis, keys: Keys, ids: Ids) -> None:
    """Write what is fixed at creation where nothing is yet; compare.

    Raises:
        SettingsError: the data was created with other settings.
        redis.RedisError: Redis did not answer.
    """
    found: Any = client.hgetall(keys.creation())
    if not found:
        with client.pipeline() as pipe:
            for field, value in creation_fields(ids).items():
                pipe.hsetnx(keys.creation(), field, value)
            pipe.execute()
        found = client.hgetall(keys.creation())
    check_creation(found, ids)


def wait_until_ready(
    client: redis.Redis, keys: Keys, ids: Ids, wait: Callable[[Exception], None]
) -> None:
    """Check Redis and the shop, again and again until Redis is there to answer.

    Raises:
        SettingsError: what is there will not do.
    """
    is_said = False
    while True:
        try:
            check_redis(client)
            settle_creation(client, keys, ids)
        except AWAY as error:
            if not is_said:
                log.warning("redis_away", error=type(error).__name__)
            is_said = True
            wait(error)
        else:
            return
