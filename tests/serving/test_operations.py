import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from config.keys import Keys
from serving.health import Missing, judge
from serving.refusals import Refusal
from tests.serving.builders import an_event
from tests.serving.conftest import KEYS, OwnRedis, Serve, wait_for

SOUND = {
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "maxmemory": 100,
    "maxmemory_policy": "noeviction",
    "used_memory": 79,
}


def test_a_sound_redis_and_a_worker_lack_nothing() -> None:
    assert judge(SOUND, n_workers=1).missing == frozenset()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"aof_enabled": 0}, Missing.APPEND_ONLY),
        ({"aof_last_write_status": "err"}, Missing.APPEND_ONLY_WRITES),
        ({"maxmemory_policy": "allkeys-lru"}, Missing.NO_EVICTION),
        ({"maxmemory": 0}, Missing.MAX_MEMORY),
        ({"used_memory": 80}, Missing.MEMORY),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, object], missing: Missing) -> None:
    assert judge({**SOUND, **changes}, n_workers=1).missing == {missing}


def test_a_server_that_lives_says_so(shop: httpx.Client) -> None:
    assert shop.get("/healthz").json() == {"alive": True}


def test_without_a_live_worker_it_is_not_ready(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url)
    reply = shop.get("/readyz")
    assert (reply.status_code, reply.json()) == (
        503,
        {"ready": False, "missing": [Missing.WORKER], "campaigns": "none"},
    )


def test_a_worker_without_heartbeat_is_not_alive(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    redis_client.sadd(KEYS.workers(), "gone")
    assert serve(redis_url).get("/readyz").json()["missing"] == [Missing.WORKER]


def test_with_a_live_worker_it_is_ready(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    redis_client.sadd(KEYS.workers(), "one", "gone")
    redis_client.set(KEYS.worker("one"), 1)
    reply = serve(redis_url).get("/readyz")
    told = {"ready": True, "missing": [], "campaigns": "none"}
    assert (reply.status_code, reply.json()) == (200, told)


def test_a_worker_that_comes_later_is_seen(shop: httpx.Client, redis_client: redis.Redis) -> None:
    redis_client.sadd(KEYS.workers(), "one")
    redis_client.set(KEYS.worker("one"), 1)
    wait_for(lambda: shop.get("/readyz").status_code == 200)


def test_a_frozen_redis_is_answered_for_and_nothing_hangs(
    serve: Serve, own_redis: OwnRedis
) -> None:
    shop = serve(own_redis.url, answer_seconds=0.08)
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(8) as senders:
        replies = list(senders.map(lambda _: shop.post("/v1/track", json=an_event()), range(24)))
    assert {reply.status_code for reply in replies} == {503}
    assert {reply.json()["reason"] for reply in replies} == {Refusal.LOG_UNAVAILABLE}
    assert {reply.headers["Retry-After"] for reply in replies} == {"1"}
    assert shop.get("/healthz").status_code == 200
    wait_for(lambda: shop.get("/readyz").json()["missing"] == [Missing.REDIS])


def test_after_a_frozen_redis_events_are_taken_in_again(serve: Serve, own_redis: OwnRedis) -> None:
    shop = serve(own_redis.url, answer_seconds=0.08)
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    assert shop.post("/v1/track", json=an_event()).status_code == 503
    os.kill(own_redis.process.pid, signal.SIGCONT)
    wait_for(lambda: shop.post("/v1/track", json=an_event()).status_code == 200)


def test_a_dead_redis_is_answered_for(serve: Serve, own_redis: OwnRedis) -> None:
    shop = serve(own_redis.url)
    own_redis.process.kill()
    own_redis.process.wait()
    good, bad = (shop.post("/v1/track", json=e) for e in (an_event(), an_event(event=None)))
    assert (good.status_code, bad.status_code) == (503, 503)
    assert good.headers["Retry-After"] == "1"


def test_a_server_started_without_redis_takes_nothing_in(serve: Serve, own_redis: OwnRedis) -> None:
    own_redis.process.kill()
    own_redis.process.wait()
    shop = serve(own_redis.url)
    assert shop.get("/readyz").json()["missing"] == [Missing.REDIS]
    assert shop.post("/v1/track", json=an_event()).status_code == 503


def test_from_80_percent_of_memory_on_nothing_is_taken_in(
    serve: Serve, own_redis: OwnRedis
) -> None:
    own_redis.client.set("ballast", b"x" * 10_000_000)
    used = int(own_redis.client.info("memory")["used_memory"])
    own_redis.client.config_set("maxmemory", used * 10 // 9)
    shop = serve(own_redis.url)
    reply = shop.post("/v1/track", json=an_event())
    assert (reply.status_code, reply.json()["reason"]) == (503, Refusal.MEMORY_FULL)
    assert int(reply.headers["Retry-After"]) > 0
    own_redis.client.config_set("maxmemory", 100 * used)
    wait_for(lambda: shop.post("/v1/track", json=an_event()).status_code == 200)


def test_a_redis_that_refuses_a_write_is_answered_for(serve: Serve, own_redis: OwnRedis) -> None:
    shop = serve(own_redis.url)
    own_redis.client.config_set("min-replicas-to-write", 1)
    reply = shop.post("/v1/track", json=an_event())
    assert (reply.status_code, reply.json()["reason"]) == (503, Refusal.LOG_UNAVAILABLE)


@pytest.mark.parametrize(
    ("name", "value"),
    [("appendonly", "no"), ("maxmemory-policy", "allkeys-lru"), ("maxmemory", "0")],
)
def test_where_events_could_get_lost_none_is_taken_in(
    serve: Serve, own_redis: OwnRedis, name: str, value: str
) -> None:
    own_redis.client.config_set(name, value)
    reply = serve(own_redis.url).post("/v1/track", json=an_event())
    assert (reply.status_code, reply.json()["reason"]) == (503, Refusal.NOT_READY)


def test_data_of_another_secret_is_not_mixed_with_ours(serve: Serve, own_redis: OwnRedis) -> None:
    own_redis.client.hset(
        Keys("shop").creation(),
        mapping={"shards": "64", "fingerprint": "other", "format": "1"},
    )
    shop = serve(own_redis.url)
    assert shop.get("/readyz").json()["missing"] == [Missing.CREATION]
    assert shop.post("/v1/track", json=an_event()).json()["reason"] == Refusal.NOT_READY


def test_creation_is_written_by_the_first_server(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    assert serve(redis_url).get("/healthz").status_code == 200
    shards = redis_client.hget(KEYS.creation(), "shards")
    assert shards == b"64"


def test_metrics_count_by_route_type_and_reason(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url)
    shop.post("/v1/batch", json={"batch": [an_event(), an_event(event=None)]})
    shop.get("/some/path/that/is/none")
    shop.get("/v1/users/ann")
    expected = {
        'shopkeeper_request_seconds_count{route="/v1/batch",status="200"} 1.0',
        'shopkeeper_request_seconds_count{route="unmatched",status="404"} 1.0',
        'shopkeeper_request_seconds_count{route="/v1/users/{user_id:path}",status="403"} 1.0',
        'shopkeeper_collected_events_total{result="accepted",type="track"} 1.0',
        'shopkeeper_collected_events_total{result="dead_letter",type="track"} 1.0',
        'shopkeeper_collect_dead_letters_total{reason="no_name"} 1.0',
    }

    def lines() -> set[str]:
        return set(shop.get("/metrics").text.replace('process="server",', "").splitlines())

    # A request is timed to the end of its answer, so it is counted after that.
    wait_for(lambda: expected <= lines())
