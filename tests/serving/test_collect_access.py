import httpx
import pytest
import redis

from serving.refusals import Refusal
from tests.serving.builders import an_event
from tests.serving.conftest import Serve, dead_letters, log_of


@pytest.mark.parametrize(
    ("headers", "body_key"),
    [
        ({"Authorization": "Basic d3JpdGUta2V5Og=="}, None),
        ({"Authorization": "Bearer write-key"}, None),
        ({"Authorization": "bearer write-key"}, None),
        ({}, "write-key"),
    ],
)
@pytest.mark.parametrize("path", ["track", "batch"])
def test_a_key_may_come_in_each_form(
    stranger: httpx.Client, path: str, headers: dict[str, str], body_key: str | None
) -> None:
    fields = an_event() if path == "track" else {"batch": [an_event()]}
    body = fields | ({"writeKey": body_key} if body_key else {})
    assert stranger.post(f"/v1/{path}", json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "body_key", "reason"),
    [
        ({}, None, Refusal.NO_KEY),
        ({}, 5, Refusal.NO_KEY),
        ({}, "other", Refusal.UNKNOWN_KEY),
        ({"Authorization": "Bearer other"}, "write-key", Refusal.UNKNOWN_KEY),
        ({"Authorization": "Basic ***"}, None, Refusal.UNKNOWN_KEY),
        ({"Authorization": "Digest write-key"}, None, Refusal.UNKNOWN_KEY),
        ({"Authorization": ""}, None, Refusal.UNKNOWN_KEY),
    ],
)
@pytest.mark.parametrize("path", ["track", "batch"])
def test_without_a_valid_key_nothing_is_taken_in(
    stranger: httpx.Client,
    redis_client: redis.Redis,
    path: str,
    headers: dict[str, str],
    body_key: object,
    reason: str,
) -> None:
    fields = an_event() if path == "track" else {"batch": [an_event()]}
    body = fields | ({"writeKey": body_key} if body_key else {})
    reply = stranger.post(f"/v1/{path}", json=body, headers=headers)
    assert (reply.status_code, reply.json()["reason"]) == (401, reason)
    assert not log_of(redis_client)


def test_without_a_key_an_unreadable_body_is_not_kept(
    stranger: httpx.Client, redis_client: redis.Redis
) -> None:
    assert stranger.post("/v1/track", content=b"{").status_code == 400
    assert not redis_client.keys("*dead*")


def test_a_key_in_the_body_does_not_enter_the_dead_letters(
    stranger: httpx.Client, redis_client: redis.Redis
) -> None:
    stranger.post("/v1/track", json=an_event(writeKey="secret-key", event=None))
    [letter] = dead_letters(redis_client)
    assert b"secret-key" not in letter[b"raw"]


@pytest.mark.parametrize("path", ["/v1/track", "/v1/b"])
def test_a_page_of_an_allowed_origin_may_send(serve: Serve, redis_url: str, path: str) -> None:
    shop = serve(redis_url, cors_origins=("https://shop.example",))
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    reply = shop.options(path, headers=asked)
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"


def test_a_page_of_another_origin_may_not(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url, cors_origins=("https://shop.example",))
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    reply = shop.options("/v1/track", headers=asked)
    assert reply.status_code == 400
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/v1/users/ann"])
def test_only_collect_is_open_to_pages(shop: httpx.Client, path: str) -> None:
    reply = shop.get(path, headers={"Origin": "https://any.example"})
    assert "Access-Control-Allow-Origin" not in reply.headers
