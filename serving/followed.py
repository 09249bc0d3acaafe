"""What servers follow in Redis: the rows of the model, and the catalog."""

import time
from collections.abc import Callable, Sequence

from redis.asyncio import Redis

from config.keys import N_MODEL_SHARDS, Keys
from online_models.next_product import NextProduct
from serving.catalog import Catalog
from serving.following import Follower, Source
from serving.metrics import ServingMetrics


def follow_model(
    client: Redis,
    keys: Keys,
    model: NextProduct,
    metrics: ServingMetrics,
    clock_ms: Callable[[], int],
) -> Follower:
    """Return what keeps the model as the learning flow commits it."""
    sources = [
        Source(keys.model_rows(shard), keys.model_changes(shard)) for shard in range(N_MODEL_SHARDS)
    ]
    observe = metrics.learned_to_served_seconds.observe

    def learned(times: Sequence[int]) -> None:
        now = clock_ms()
        for at in times:
            observe(max(now - at, 0) / 1000)

    follower = Follower("next_product", client, sources, model.put, learned)
    _tell("next_product", follower, metrics)
    return follower


def follow_catalog(
    client: Redis, keys: Keys, catalog: Catalog, metrics: ServingMetrics
) -> Follower:
    """Return what keeps the catalog as the shop writes it."""
    source = Source(keys.catalog(), keys.catalog_changes())
    follower = Follower("catalog", client, [source], catalog.put, begun=catalog.begin)
    _tell("catalog", follower, metrics)
    return follower


def _tell(what: str, follower: Follower, metrics: ServingMetrics) -> None:
    # Looked up when metrics are asked for, so that nobody has to set them.
    metrics.followed_rows.labels(what).set_function(lambda: follower.told().n_rows)
    metrics.followed_loads.labels(what).set_function(lambda: follower.told().n_loads)
    metrics.followed_age_seconds.labels(what).set_function(lambda: _age(follower))


def _age(follower: Follower) -> float:
    return time.monotonic() - follower.told().looked_at
