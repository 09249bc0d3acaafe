"""Events of the past keep their times and hold wall time off; live events do neither."""

from typing import Any

import httpx
import pytest
import redis

from config.events import Reason
from serving.refusals import Refusal
from tests.serving.builders import an_event
from tests.serving.conftest import KEYS, OwnRedis, Serve, events_of, log_of

PAST = {"receivedAt": "2017-11-25T00:00:00Z", "timestamp": "2017-11-24T00:00:00Z"}
IMPORTS: list[tuple[str, dict[str, Any]]] = [("import", {}), ("batch", {"import": True})]
OWNER = ("secret-key", "")


@pytest.mark.parametrize(("path", "mark"), IMPORTS)
def test_an_import_brings_its_own_times_and_holds_wall_time_off(
    shop: httpx.Client, redis_client: redis.Redis, path: str, mark: dict[str, Any]
) -> None:
    sent = [an_event(**PAST, messageId=f"m-{n}") for n in range(3)]
    reply = shop.post(f"/v1/{path}", json={"batch": sent} | mark, auth=OWNER)
    assert reply.json() == {"success": True}
    events = events_of(redis_client)
    assert [event.message_id for event in events] == ["m-0", "m-1", "m-2"]
    times = {(event.received_at, event.occurred_at) for event in events}
    assert times == {(1_511_568_000_000, 1_511_481_600_000)}
    assert redis_client.pttl(KEYS.import_hold()) > 0


@pytest.mark.parametrize(("path", "mark"), IMPORTS)
def test_an_empty_import_holds_wall_time_off(
    shop: httpx.Client, redis_client: redis.Redis, path: str, mark: dict[str, Any]
) -> None:
    shop.post(f"/v1/{path}", json={"batch": []} | mark, auth=OWNER)
    assert redis_client.pttl(KEYS.import_hold()) > 0


@pytest.mark.parametrize(("path", "mark"), IMPORTS)
def test_an_import_needs_the_secret_key(
    shop: httpx.Client, redis_client: redis.Redis, path: str, mark: dict[str, Any]
) -> None:
    reply = shop.post(f"/v1/{path}", json={"batch": [an_event(**PAST)]} | mark)
    assert (reply.status_code, reply.json()["reason"]) == (403, Refusal.SECRET_KEY_NEEDED)
    assert not log_of(redis_client)
    assert not redis_client.exists(KEYS.import_hold())


@pytest.mark.parametrize("key", ["write-key", "secret-key"])
def test_a_live_event_cannot_set_the_clock(
    shop: httpx.Client, redis_client: redis.Redis, key: str
) -> None:
    forwarded = {"batch": [an_event(**PAST)], "import": False}
    assert shop.post("/v1/batch", json=forwarded, auth=(key, "")).status_code == 200
    assert shop.post("/v1/track", json=an_event(**PAST), auth=(key, "")).status_code == 200
    assert all(event.received_at > 1_700_000_000_000 for event in events_of(redis_client))
    assert not redis_client.exists(KEYS.import_hold())


def test_a_mark_that_is_neither_true_nor_false_is_refused(shop: httpx.Client) -> None:
    reply = shop.post("/v1/batch", json={"batch": [], "import": "yes"}, auth=OWNER)
    assert (reply.status_code, reply.json()["reason"]) == (400, Reason.BAD_FIELD)


def test_an_import_that_is_refused_for_lack_of_memory_goes_on_holding(
    serve: Serve, own_redis: OwnRedis
) -> None:
    own_redis.client.setrange("ballast", 40_000_000, b"x")
    used = int(own_redis.client.info("memory")["used_memory"])
    own_redis.client.config_set("maxmemory", used * 8 // 7)
    shop = serve(own_redis.url)
    full = (503, Refusal.MEMORY_FULL)

    def answer(key: str) -> tuple[int, str]:
        reply = shop.post("/v1/import", json={"batch": [an_event()]}, auth=(key, ""))
        return reply.status_code, reply.json()["reason"]

    assert answer("write-key") == full
    assert not own_redis.client.exists(KEYS.import_hold())
    assert answer("secret-key") == full
    assert own_redis.client.exists(KEYS.import_hold())
