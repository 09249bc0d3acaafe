"""A copy of hashes in Redis that keeps up, whatever becomes of Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import redis

from serving.following import Follower, Source
from serving.main import connect
from tests.serving.conftest import OwnRedis
from tests.serving.following import at_work, until

SOURCES = [Source("rows-0", "changes-0"), Source("rows-1", "changes-1")]


class Copy:
    """What a follower has handed over."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.times: list[int] = []

    def put(self, name: str, data: bytes | None) -> None:
        if data == b"broken":
            raise ValueError(data)
        if data is None:
            self.rows.pop(name, None)
        else:
            self.rows[name] = data


def change(client: redis.Redis, index: int = 0, t: int = 5, **rows: str) -> None:
    """Write rows as their owner does: the rows, and who changed."""
    pipeline = client.pipeline()
    for name, data in rows.items():
        pipeline.hset(f"rows-{index}", name, data)
    pipeline.xadd(f"changes-{index}", {"n": "\n".join(rows), "t": t})
    pipeline.execute()


@asynccontextmanager
async def following(url: str, copy: Copy) -> AsyncIterator[Follower]:
    async with connect(url) as client:
        follower = Follower("copy", client, SOURCES, copy.put, copy.times.extend)
        async with at_work(follower.run()):
            yield follower


def told(story: Callable[[Copy], Awaitable[None]]) -> Copy:
    copy = Copy()
    asyncio.run(story(copy))  # type: ignore[arg-type]
    return copy


def test_what_is_there_is_loaded_and_what_changes_is_followed(
    redis_url: str, redis_client: redis.Redis
) -> None:
    change(redis_client, a="1", b="1")
    change(redis_client, 1, c="1")

    async def story(copy: Copy) -> None:
        async with following(redis_url, copy) as follower:
            await until(lambda: len(copy.rows) == 3)
            change(redis_client, a="2", d="1", t=7)
            change(redis_client, 1, e="1", t=9)
            await until(lambda: len(copy.times) == 2)
            assert follower.told().n_rows == 5
            assert follower.told().n_loads <= 2

    copy = told(story)
    assert copy.rows == {"a": b"2", "b": b"1", "c": b"1", "d": b"1", "e": b"1"}
    assert sorted(copy.times) == [7, 9]


def test_a_row_that_is_gone_is_put_away(redis_url: str, redis_client: redis.Redis) -> None:
    change(redis_client, a="1", b="1")

    async def story(copy: Copy) -> None:
        async with following(redis_url, copy):
            await until(lambda: len(copy.rows) == 2)
            redis_client.hdel("rows-0", "a")
            redis_client.xadd("changes-0", {"n": "a"})
            await until(lambda: len(copy.rows) == 1)

    assert told(story).rows == {"b": b"1"}


def test_a_row_that_cannot_be_read_leaves_the_one_before_in_use(
    redis_url: str, redis_client: redis.Redis
) -> None:
    change(redis_client, a="1")

    async def story(copy: Copy) -> None:
        async with following(redis_url, copy):
            await until(lambda: copy.rows)
            change(redis_client, a="broken", b="1")
            await until(lambda: "b" in copy.rows)

    assert told(story).rows == {"a": b"1", "b": b"1"}


def test_an_emptied_redis_empties_the_copy_and_it_fills_again(
    redis_url: str, redis_client: redis.Redis
) -> None:
    change(redis_client, a="1")

    async def story(copy: Copy) -> None:
        async with following(redis_url, copy):
            await until(lambda: copy.rows)
            redis_client.flushall()
            await until(lambda: not copy.rows)
            change(redis_client, a="2")
            await until(lambda: copy.rows)

    assert told(story).rows == {"a": b"2"}


def test_changes_that_were_trimmed_away_unseen_are_not_missed(
    redis_url: str, redis_client: redis.Redis
) -> None:
    change(redis_client, a="1")

    async def story(copy: Copy) -> None:
        async with following(redis_url, copy):
            await until(lambda: copy.rows)
            pipeline = redis_client.pipeline()
            pipeline.hset("rows-0", "a", "2")
            pipeline.xadd("changes-0", {"n": "a"})
            pipeline.xadd("changes-0", {"n": "b"}, maxlen=1, approximate=False)
            pipeline.execute()
            await until(lambda: copy.rows == {"a": b"2"})

    told(story)


def test_a_redis_with_older_data_is_loaded_anew(redis_url: str, redis_client: redis.Redis) -> None:
    change(redis_client, a="2")

    async def story(copy: Copy) -> None:
        async with following(redis_url, copy):
            await until(lambda: copy.rows)
            pipeline = redis_client.pipeline()
            pipeline.flushall()
            pipeline.hset("rows-0", "a", "1")
            pipeline.xadd("changes-0", {"n": "a"}, id="1-1")
            pipeline.execute()
            await until(lambda: copy.rows == {"a": b"1"})

    told(story)


def test_a_redis_that_comes_later_is_followed(own_redis: OwnRedis) -> None:
    own_redis.client.client_pause(700)

    async def story(copy: Copy) -> None:
        async with following(own_redis.url, copy):
            await asyncio.sleep(0.8)
            change(own_redis.client, a="1")
            await until(lambda: copy.rows)

    told(story)
