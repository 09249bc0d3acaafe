"""A server's models keep up with the log of steps, whatever becomes of Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import redis

from config.session_log import STEPS_FIELD, TIME_FIELD, Step, encode_steps
from online_models.next_product import NextProduct, Suggestion
from online_models.recommender import Recommender
from online_models.snapshots import take_snapshot
from serving.following_steps import StepsFollower
from serving.main import connect
from tests.serving.conftest import KEYS, OwnRedis
from tests.serving.deciding import Lessons, learn, lessons
from tests.serving.following import at_work, until

CAPACITY = 4_096


class Server:
    """A model and what follows it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.model = Recommender(CAPACITY)
        self.times: list[int] = []
        self.n_loads = 0

    def suggested(self, *viewed: str, session: int | None = None) -> list[str]:
        """Return what comes next, without what was viewed."""
        found = self.model.next_best(viewed, lambda name: name not in viewed, 20, session)
        return [one.product_id for one in found]


@asynccontextmanager
async def following(server: Server) -> AsyncIterator[StepsFollower]:
    async with connect(server.url) as client:
        follower = StepsFollower(client, KEYS, server.model, server.times.extend)
        async with at_work(follower.run()):
            try:
                yield follower
            finally:
                server.n_loads = follower.told().n_loads


def told(url: str, story: Callable[[Server], Awaitable[None]]) -> Server:
    server = Server(url)
    asyncio.run(story(server))  # type: ignore[arg-type]
    return server


def publish(client: redis.Redis, model: NextProduct, position: int, table: str = "t-1") -> None:
    """Publish a snapshot as a trainer does."""
    data, blocks = take_snapshot(model, position, table)
    pipeline = client.pipeline()
    for number, block in enumerate(blocks):
        pipeline.hset(KEYS.vector_table(table), str(number), block)
    pipeline.set(KEYS.snapshot(), data)
    pipeline.set(KEYS.snapshot_position(), position)
    pipeline.execute()


def a_taught_model(said: Lessons) -> NextProduct:
    model = NextProduct(CAPACITY)
    for _ in range(5):
        for step in said.steps:
            model.learn_one(step.session, step.product_id)
    return model


def test_what_is_there_is_loaded_and_a_click_is_served(
    redis_url: str, redis_client: redis.Redis
) -> None:
    learn(redis_client, lessons({"boots": ["socks"]}), at_ms=5)

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            assert server.suggested("boots") == ["socks"]
            learn(redis_client, lessons({"boots": ["hat"]}), at_ms=7)
            await until(lambda: "hat" in server.suggested("boots"))
            assert follower.told().n_rows == 4
            assert follower.told().n_loads == 1

    # Only what came while it followed says how soon steps are served.
    assert told(redis_url, story).times == [7]


def test_carts_and_orders_go_together_and_are_no_next_product(
    redis_url: str, redis_client: redis.Redis
) -> None:
    steps = [Step(1, "boots", "cart"), Step(1, "laces", "order")]
    learn(redis_client, Lessons(steps, {}))

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            found = server.model.bought_with(["boots"], lambda _: True, 5)
            assert [one.product_id for one in found] == ["laces"]
            assert server.suggested("boots") == []

    told(redis_url, story)


def test_a_long_log_is_loaded_whole_entry_by_entry(
    redis_url: str, redis_client: redis.Redis
) -> None:
    for number in range(60):
        learn(
            redis_client, Lessons([Step(number, "boots", "view"), Step(number, "hat", "view")], {})
        )

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            assert follower.told().n_rows == 120

    assert told(redis_url, story).times == []


def test_a_snapshot_is_taken_over_and_a_newer_one_after_it(
    redis_url: str, redis_client: redis.Redis
) -> None:
    said = lessons({"boots": ["socks", "tent"], "tent": ["mat"]})
    learn(redis_client, said)
    first = a_taught_model(said)
    publish(redis_client, first, 3)

    def has(server: Server, learner: NextProduct) -> bool:
        mine, theirs = server.model.next_product, learner
        number = mine.steps.slots.number
        return (mine.ranker.mean_linear == theirs.ranker.mean_linear).all() and all(
            (mine.vectors.table[number(name) or 0] == theirs.vectors.table[row]).all()
            for row, name in enumerate(theirs.steps.slots.names)
        )

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            assert has(server, first)
            second = a_taught_model(said)
            for step in said.steps:
                second.learn_one(1_000 + step.session, step.product_id)
            publish(redis_client, second, 5, "t-2")
            await until(lambda: has(server, second))
            assert not has(server, first)

    told(redis_url, story)


@pytest.mark.parametrize("harm", ["snapshot", "block", "no table"])
def test_a_broken_snapshot_is_told_and_steps_are_followed_all_the_same(
    redis_url: str,
    redis_client: redis.Redis,
    harm: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = lessons({"boots": ["socks"]})
    learn(redis_client, said)
    model = a_taught_model(said)
    publish(redis_client, model, 2)
    if harm == "snapshot":
        redis_client.set(KEYS.snapshot(), b"broken")
    elif harm == "block":
        redis_client.hset(KEYS.vector_table("t-1"), "0", b"broken")
    else:
        redis_client.delete(KEYS.vector_table("t-1"))

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            assert server.suggested("boots") == ["socks"]
            learn(redis_client, lessons({"boots": ["hat"]}))
            await until(lambda: "hat" in server.suggested("boots"))
            publish(redis_client, model, 4, "t-2")
            mean, theirs = server.model.next_product.ranker.mean_linear, model.ranker.mean_linear
            await until(lambda: np.array_equal(mean, theirs))

    told(redis_url, story)
    assert ("snapshot_unreadable" in capsys.readouterr().out) == (harm != "no table")


def test_after_the_log_was_emptied_the_old_answers_stand_until_there_are_new_ones(
    own_redis: OwnRedis,
) -> None:
    learn(own_redis.client, lessons({"boots": ["socks"]}))

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            own_redis.client.client_pause(600)
            await asyncio.sleep(0.3)
            assert server.suggested("boots") == ["socks"]
            await asyncio.sleep(0.4)
            own_redis.client.flushall()
            learn(own_redis.client, lessons({"boots": ["hat"], "tent": ["mat"]}))
            await until(lambda: server.suggested("boots") == ["hat"])
            assert server.suggested("tent") == ["mat"]

    assert told(own_redis.url, story).n_loads == 2


@pytest.mark.parametrize("n_more", [0, 1, 5])
def test_a_redis_with_older_data_is_loaded_anew_however_long_its_log_is(
    redis_url: str, redis_client: redis.Redis, n_more: int
) -> None:
    """Also where another entry stands at the very position that was read last."""
    for _ in range(3):
        learn(redis_client, lessons({"boots": ["socks"]}))

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_rows == 6)
            redis_client.delete(KEYS.session_log())
            for _ in range(3 + n_more):
                learn(redis_client, lessons({"boots": ["hat"]}))
            await until(lambda: server.suggested("boots") == ["hat"])

    assert told(redis_url, story).n_loads == 2


def test_what_was_trimmed_before_it_was_read_is_loaded_anew(
    redis_url: str, redis_client: redis.Redis
) -> None:
    learn(redis_client, lessons({"boots": ["socks"]}))
    boots_and_hat = lessons({"boots": ["hat"]}).steps

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            redis_client.delete(KEYS.session_log())
            fields: Any = {STEPS_FIELD: encode_steps(boots_and_hat), TIME_FIELD: 1}
            redis_client.xadd(KEYS.session_log(), fields, id="400-0")
            await until(lambda: server.suggested("boots") == ["hat"])
            assert follower.told().n_rows == 2

    told(redis_url, story)


def test_the_visitors_own_steps_do_not_come_back_as_suggestions_of_others(
    redis_url: str, redis_client: redis.Redis
) -> None:
    learn(redis_client, Lessons([Step(7, "boots", "view"), Step(7, "hat", "view")], {}))

    async def story(server: Server) -> None:
        async with following(server) as follower:
            await until(lambda: follower.told().n_loads == 1)
            found: list[Suggestion] = server.model.next_best(["boots"], lambda _: True, 5, 8)
            assert "hat" in [one.product_id for one in found]
            mine = server.model.next_best(["hat", "boots"], lambda _: True, 5, 7)
            assert {one.because for one in mine} == {one.product_id for one in mine}

    told(redis_url, story)
