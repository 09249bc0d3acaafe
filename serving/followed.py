"""What servers follow in Redis: what the learning flow commits, and the catalog."""

from collections.abc import Callable, Sequence

from redis.asyncio import Redis

from config.keys import MODELS_CHANGED, N_MODEL_SHARDS, SUMS_CHANGED, Keys
from online_models.budgets import Given
from online_models.dense import DenseModels
from online_models.popularity import Popularity
from online_models.recommender import Recommender
from serving.catalog import Catalog
from serving.copying import SLOW_POLL_SECONDS
from serving.following import Follower, Source
from serving.following_steps import StepsFollower
from serving.metrics import ServingMetrics


def follow_popularity(
    client: Redis,
    keys: Keys,
    model: Popularity,
    metrics: ServingMetrics,
) -> Follower:
    """Return what keeps popularity as the learning flow commits it."""
    sources = [
        Source(keys.model_rows(shard), keys.model_changes(shard)) for shard in range(N_MODEL_SHARDS)
    ]
    follower = Follower("popularity", client, sources, model.put)
    metrics.followed["popularity"] = follower.told
    return follower


def follow_dense(
    client: Redis, keys: Keys, models: DenseModels, metrics: ServingMetrics
) -> Follower:
    """Return what keeps policies and propensities as the learning flow commits them."""
    sources = [
        Source(keys.models(shard), keys.model_changes(shard), MODELS_CHANGED)
        for shard in range(N_MODEL_SHARDS)
    ]
    follower = Follower("dense", client, sources, models.put, poll_seconds=SLOW_POLL_SECONDS)
    metrics.followed["dense"] = follower.told
    return follower


def follow_given(client: Redis, keys: Keys, given: Given, metrics: ServingMetrics) -> Follower:
    """Return what keeps the sums that campaigns' offers gave away."""
    sources = [
        Source(keys.experiments(shard), keys.model_changes(shard), SUMS_CHANGED)
        for shard in range(N_MODEL_SHARDS)
    ]
    follower = Follower("given", client, sources, given.put)
    metrics.followed["given"] = follower.told
    return follower


def follow_steps(
    client: Redis,
    keys: Keys,
    model: Recommender,
    metrics: ServingMetrics,
    clock_ms: Callable[[], int],
) -> StepsFollower:
    """Return what keeps the models of products as steps and a learner make them."""
    observe = metrics.learned_to_served_seconds.observe
    record = metrics.fine.latencies.recorder("learned_to_served")

    def learned(times: Sequence[int]) -> None:
        now = clock_ms()
        for at in times:
            seconds = max(now - at, 0) / 1000
            observe(seconds)
            record(seconds)

    follower = StepsFollower(client, keys, model, learned)
    metrics.followed["steps"] = follower.told
    return follower


def follow_catalog(
    client: Redis, keys: Keys, catalog: Catalog, metrics: ServingMetrics
) -> Follower:
    """Return what keeps the catalog as the shop writes it."""
    source = Source(keys.catalog(), keys.catalog_changes())
    follower = Follower("catalog", client, [source], catalog.put, begun=catalog.begin)
    metrics.followed["catalog"] = follower.told
    return follower
