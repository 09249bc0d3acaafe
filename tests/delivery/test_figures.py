import asyncio
from typing import Any

import redis
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from config.figures import FIGURES_FIELD, decode_figures
from config.keys import Keys
from delivery.figures import FiguresPublisher
from delivery.metrics import DeliveryMetrics

KEYS = Keys("shop")


def test_what_became_of_each_triggers_firings_is_told_once(
    redis_client: redis.Redis, redis_url: str
) -> None:
    async def publish_twice() -> None:
        metrics, client = DeliveryMetrics(CollectorRegistry()), Redis.from_url(redis_url)
        publisher = FiguresPublisher(client, KEYS, "d-1", metrics)
        metrics.told_of(["cart-left"] * 2)
        await publisher.publish()
        metrics.taken("cart-left")
        await publisher.publish()
        await client.aclose()

    asyncio.run(publish_twice())
    entries: Any = redis_client.xrange(KEYS.figures())
    told = [decode_figures(fields[FIGURES_FIELD]) for _, fields in entries]
    assert [one.role for one in told] == ["deliverer", "deliverer"]
    assert [one.counts.get("deliveries", {}) for one in told] == [
        {"cart-left told": 2.0},
        {"cart-left webhooks-taken": 1.0},
    ]
