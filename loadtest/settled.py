"""Reads from Redis, from outside, how far the workers are and what they have stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from config.keys import IMPORT_HOLD_MS, N_MODEL_SHARDS
from config.log_ids import LogId, log_id
from loadtest.processes import ShopUnderTest


def committed(commit: bytes | None) -> LogId:
    """Return how far a shard's commit reaches: JSON with an ``offset``."""
    return (0, 0) if commit is None else log_id(orjson.loads(commit)["offset"])


def all_applied(shop: ShopUnderTest) -> bool:
    """Tell whether every shard has applied its whole log and has nothing left to forward.

    While Redis is away: False.
    """
    try:
        return not behind(shop)
    except redis.RedisError:
        return False


def behind(shop: ShopUnderTest) -> list[int]:
    """Return the shards whose log is not applied to its end, or whose outgoing is not empty."""
    ends, n_shards = log_ends(shop), shop.ids.n_shards
    pipe = shop.client.pipeline(transaction=False)
    for shard in range(n_shards):
        pipe.get(shop.keys.commit(shard))
        pipe.xlen(shop.keys.outgoing(shard))
    replies = pipe.execute()
    return [
        shard
        for shard in range(n_shards)
        if replies[2 * shard + 1] or committed(replies[2 * shard]) < ends.get(shard, (0, 0))
    ]


def log_ends(shop: ShopUnderTest) -> dict[int, LogId]:
    """Return the last id of each shard's log that has one."""
    pipe = shop.client.pipeline(transaction=False)
    for shard in range(shop.ids.n_shards):
        pipe.xrevrange(shop.keys.events(shard), count=1)
    return {shard: log_id(last[0][0]) for shard, last in enumerate(pipe.execute()) if last}


def all_learned(shop: ShopUnderTest) -> bool:
    """Tell whether every model shard has learned from all examples that there are.

    While Redis is away: False.
    """
    sources = range(shop.ids.n_shards)
    pipe = shop.client.pipeline(transaction=False)
    for shard in sources:
        pipe.xrevrange(shop.keys.examples(shard), count=1)
    for model_shard in range(N_MODEL_SHARDS):
        pipe.get(shop.keys.model_commit(model_shard))
    try:
        replies = pipe.execute()
    except redis.RedisError:
        return False
    ends = {shard: log_id(replies[shard][0][0]) for shard in sources if replies[shard]}
    return all(covers(commit, ends) for commit in replies[len(sources) :])


def covers(model_commit: bytes | None, ends: Mapping[int, LogId]) -> bool:
    """Tell whether a model shard's commit, JSON with ``positions``, reaches these examples.

    >>> covers(b'{"positions":{"7":"17-1"}}', {7: (17, 1)}), covers(None, {7: (17, 1)})
    (True, False)
    """
    positions = {} if model_commit is None else orjson.loads(model_commit)["positions"]
    return all(log_id(positions.get(str(shard), "0-0")) >= end for shard, end in ends.items())


def hold_time(shop: ShopUnderTest) -> None:
    """Keep wall time out of the shards, as collect does during an import."""
    try:
        shop.client.set(shop.keys.import_hold(), 1, px=IMPORT_HOLD_MS)
    except redis.RedisError:
        return  # Redis is being started again; the next call will do


@dataclass(frozen=True, slots=True)
class Stored:
    """Every user's bytes by key, and every shard's timers and who watches what there."""

    users: dict[bytes, bytes]
    timers: dict[int, Any]
    watchers: dict[int, Any]


def stored(shop: ShopUnderTest) -> Stored:
    """Return everything that the profile flow keeps of users."""
    users: dict[bytes, bytes] = {}
    timers: dict[int, Any] = {}
    watchers: dict[int, Any] = {}
    for shard in range(shop.ids.n_shards):
        timers[shard] = shop.client.zrange(shop.keys.timers(shard), 0, -1, withscores=True)
        watchers[shard] = shop.client.zrange(shop.keys.watchers(shard), 0, -1)
    prefix = shop.keys.user(0, "*").replace("{u0}", "{u*}")
    names = list(shop.client.scan_iter(match=prefix, count=1000))
    for start in range(0, len(names), 1000):
        part = names[start : start + 1000]
        users |= {
            name: value
            for name, value in zip(part, shop.client.mget(part), strict=True)
            if value is not None
        }
    return Stored(users, timers, watchers)
