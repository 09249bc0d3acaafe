"""What the learning flow commits of models and sums is what servers answer with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import redis
from prometheus_client import CollectorRegistry

from config.examples import Visited
from online_models.budgets import Given, given_by
from online_models.dense import DenseModels
from serving.followed import follow_dense, follow_given
from serving.following import Follower
from serving.main import connect
from serving.metrics import ServingMetrics
from tests.builders import NOON
from tests.serving.following import at_work, until
from tests.stream.test_model_parts import DIARIES, Diary, a_reward, exposed
from tests.stream.test_model_shards import KEYS, Owner, append


@asynccontextmanager
async def following(
    url: str, make: Callable[..., Follower], put: DenseModels | Given
) -> AsyncIterator[Follower]:
    async with connect(url) as client:
        follower = make(client, KEYS, put, ServingMetrics(CollectorRegistry()))
        async with at_work(follower.run()):
            yield follower


def test_models_are_those_that_were_committed_before_and_since(
    redis_client: redis.Redis, redis_url: str
) -> None:
    owner, models = Owner(redis_client, kinds=DIARIES), DenseModels(DIARIES)

    async def story() -> None:
        append(redis_client, a_reward(1))
        owner.go()
        async with following(redis_url, follow_dense, models) as follower:
            await until(lambda: models.get("policy:hero") == Diary([("spring/v1", 1.0)]))
            append(redis_client, a_reward(2))
            append(redis_client, Visited([0.5], NOON, is_last=True, is_ordered=False))
            owner.go()
            await until(lambda: models.get("leave") == Diary([("visit", 0.5)]))
            both = Diary([("spring/v1", 1.0), ("spring/v2", 2.0)])
            await until(lambda: models.get("policy:hero") == both)
            assert follower.told().n_rows == 3

    asyncio.run(story())


def test_a_model_of_a_newer_shopkeeper_leaves_the_others_in_use(
    redis_client: redis.Redis, redis_url: str
) -> None:
    owner, models = Owner(redis_client, kinds=DIARIES), DenseModels({"order": DIARIES["order"]})

    async def story() -> None:
        append(redis_client, a_reward(1))
        append(redis_client, Visited([0.5], NOON, is_last=True, is_ordered=False))
        owner.go()
        async with following(redis_url, follow_dense, models):
            await until(lambda: models.get("order") is not None)
            assert models.get("policy:hero") is None

    asyncio.run(story())


def test_what_offers_gave_away_is_followed_and_experiments_are_left_out(
    redis_client: redis.Redis, redis_url: str
) -> None:
    owner, given = Owner(redis_client), Given()

    async def story() -> None:
        async with following(redis_url, follow_given, given):
            append(redis_client, exposed(given_by("ten-off"), "2026-11-24", revenue=4.0))
            append(redis_client, exposed(revenue=7.0))
            owner.go()
            await until(lambda: given.on("ten-off", "2026-11-24") == 4.0)
            append(redis_client, exposed(given_by("ten-off"), "2026-11-24", revenue=3.0))
            owner.go()
            await until(lambda: given.on("ten-off", "2026-11-24") == 7.0)

    asyncio.run(story())
