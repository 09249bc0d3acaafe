"""Decisions for lists of users, over HTTP."""

from typing import Any

import httpx
import pytest
import redis

from tests.serving.builders import NOW
from tests.serving.conftest import OwnRedis, Serve
from tests.serving.deciding import ANN, PLACEMENTS, a_user, learn, lessons, remember

PATH = "/v1/personalize/batch"
ASK = {"channel": "email", "placements": ["next-best"]}


@pytest.fixture
def tool(serve: Serve, redis_url: str) -> httpx.Client:
    """Return a client that holds the secret key."""
    shop = serve(redis_url, placements=PLACEMENTS)
    shop.auth = httpx.BasicAuth("secret-key", "")
    return shop


def decisions(tool: httpx.Client, **fields: Any) -> list[dict[str, Any]]:
    reply = tool.post(PATH, json=ASK | fields)
    assert reply.status_code == 200, reply.text
    told: list[dict[str, Any]] = reply.json()["decisions"]
    return told


def test_each_user_gets_a_decision_in_order(tool: httpx.Client, redis_client: redis.Redis) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", viewed=[(NOW, "boots")]))
    learn(redis_client, lessons({"boots": ["socks"]}))
    nobody, ann = decisions(tool, users=[{"userId": "nobody"}, {"userId": "ann"}])
    assert (nobody["profile"]["known"], ann["profile"]["known"]) == (False, True)
    alone = tool.post("/v1/personalize", json={"placements": ["next-best"], "userId": "ann"})
    assert [p["id"] for p in ann["placements"]["next-best"]["products"]] == [
        p["id"] for p in alone.json()["placements"]["next-best"]["products"]
    ]


def test_a_thousand_users_are_the_most(tool: httpx.Client) -> None:
    users = [{"userId": f"user-{n}"} for n in range(1_001)]
    assert len(decisions(tool, users=users[:1_000])) == 1_000
    reply = tool.post(PATH, json=ASK | {"users": users})
    assert (reply.status_code, reply.json()["reason"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"users": []}, "bad_request"),
        ({"users": [{"userId": "ann"}], "channel": ""}, "bad_request"),
        ({"users": [{"userId": "ann"}], "placements": ["nowhere"]}, "unknown_placement"),
        ({"users": [{"userId": "a\x00"}]}, "bad_request"),
        ({"users": [{"userId": "a"}] * 501, "placements": ["hero"] * 10}, "bad_request"),
        ({"users": [{"userId": "ann"}], "options": {"explain": True}}, "bad_request"),
        ({"users": [{"userId": "ann"}], "options": {"preview": {}}}, "bad_request"),
        ({}, "bad_request"),
    ],
)
def test_what_is_no_batch_is_refused(
    tool: httpx.Client, fields: dict[str, Any], reason: str
) -> None:
    reply = tool.post(PATH, json=ASK | fields)
    assert (reply.status_code, reply.json()["reason"]) == (400, reason)


def test_a_write_key_may_not_ask(tool: httpx.Client) -> None:
    tool.auth = httpx.BasicAuth("write-key", "")
    reply = tool.post(PATH, json=ASK | {"users": [{"userId": "ann"}]})
    assert (reply.status_code, reply.json()["reason"]) == (403, "secret_key_needed")


def test_while_users_cannot_be_read_a_batch_is_to_be_sent_again(
    serve: Serve, own_redis: OwnRedis
) -> None:
    shop = serve(own_redis.url, placements=PLACEMENTS)
    shop.auth = httpx.BasicAuth("secret-key", "")
    own_redis.process.terminate()
    own_redis.process.wait()
    reply = shop.post(PATH, json=ASK | {"users": [{"userId": "ann"}]})
    assert (reply.status_code, reply.json()["reason"]) == (503, "state_unavailable")
    assert reply.headers["retry-after"]
