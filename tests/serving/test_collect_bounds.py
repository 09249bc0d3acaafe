import gzip
import socket
from collections.abc import Iterator

import httpx
import pytest
import redis

from config.keys import MAX_DEAD_LETTERS
from config.settings import CollectSettings
from serving.bodies import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES
from serving.protocol import PatientProtocol
from serving.refusals import Refusal
from tests.serving.builders import IDS, an_event
from tests.serving.conftest import Serve, dead_letters, log_of


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("track", b" " * (MAX_EVENT_BYTES + 1), Refusal.BODY_TOO_LARGE),
        ("batch", b" " * (MAX_BATCH_BYTES + 1), Refusal.BODY_TOO_LARGE),
        ("batch", gzip.compress(b" " * 20_000_000), Refusal.BODY_TOO_LARGE),
        (
            "batch",
            b'{"batch":[' + b"1," * MAX_BATCH_EVENTS + b"1]}",
            Refusal.TOO_MANY_EVENTS,
        ),
    ],
)
def test_too_large_a_body_is_refused(
    shop: httpx.Client, path: str, body: bytes, reason: str
) -> None:
    reply = shop.post(f"/v1/{path}", content=body)
    assert (reply.status_code, reply.json()["reason"]) == (413, reason)


def test_a_body_of_unknown_length_is_counted_while_it_comes(shop: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BATCH_BYTES // 1_000 + 2):
            yield b" " * 1_000

    reply = shop.post("/v1/batch", content=endless())
    assert (reply.status_code, reply.json()["reason"]) == (413, Refusal.BODY_TOO_LARGE)


def test_a_body_that_never_comes_is_not_waited_for(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url, body_seconds=0.05)
    host, port = shop.base_url.host, shop.base_url.port
    assert port is not None
    head = b"POST /v1/track HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\n{"
    reply = said_to(host, port, head)
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"body_timeout" in reply


def test_headers_that_never_come_are_not_waited_for(serve: Serve, redis_url: str) -> None:
    class Impatient(PatientProtocol):
        header_seconds = 0.05

    shop = serve(redis_url, http=Impatient)
    host, port = shop.base_url.host, shop.base_url.port
    assert port is not None
    assert said_to(host, port, b"POST /v1/track HTTP/1.1\r\nHost: sh") == b""
    assert said_to(host, port, b"") == b""
    assert shop.get("/healthz").status_code == 200


def test_too_many_requests_at_once_are_told_to_come_again(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url, max_in_flight=0)
    reply = shop.post("/v1/track", json=an_event())
    assert (reply.status_code, reply.json()["reason"]) == (503, Refusal.OVERLOADED)
    assert reply.headers["Retry-After"] == "1"
    assert shop.get("/healthz").status_code == 200


def said_to(host: str, port: int, request: bytes) -> bytes:
    """Return what the server answers to a request of which no more will come."""
    with socket.create_connection((host, port), timeout=30) as sock:
        sock.sendall(request)
        return sock.recv(10_000)


def test_a_user_who_sends_too_much_is_told_when_to_come_again(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    shop = serve(redis_url, collect=CollectSettings(user_events_per_second=1))
    ten = {"batch": [an_event() for _ in range(10)]}
    assert shop.post("/v1/batch", json=ten).status_code == 200
    reply = shop.post("/v1/batch", json=ten)
    assert (reply.status_code, reply.json()["reason"]) == (429, Refusal.RATE_LIMITED)
    assert 1 <= int(reply.headers["Retry-After"]) <= 10
    assert shop.post("/v1/track", json=an_event(userId="bob")).status_code == 200
    assert len(log_of(redis_client)) == 10


def test_a_key_that_sends_too_much_is_refused(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url, collect=CollectSettings(key_events_per_second=1))
    others = {"batch": [an_event(userId=f"user-{n}") for n in range(10)]}
    assert shop.post("/v1/batch", json=others).status_code == 200
    reply = shop.post("/v1/track", json=an_event())
    assert (reply.status_code, reply.json()["reason"]) == (429, Refusal.RATE_LIMITED)
    assert shop.post("/v1/track", json=an_event(), auth=("secret-key", "")).status_code == 200


def test_a_flood_of_bad_events_leaves_collect_open_and_the_dead_letters_bounded(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    shop = serve(redis_url, collect=CollectSettings(user_events_per_second=10_000))
    bad = {"batch": [{"pad": "x" * 1_000}] * 400}
    for _ in range(2 * MAX_DEAD_LETTERS // 400 + 1):
        assert len(shop.post("/v1/batch", json=bad).json()["rejected"]) == 400
    assert MAX_DEAD_LETTERS <= len(dead_letters(redis_client, 0)) < MAX_DEAD_LETTERS + 100
    assert shop.post("/v1/track", json=an_event()).json() == {"success": True}


def test_a_key_leaves_no_more_dead_letters_than_its_limit_and_good_events_still_pass(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    shop = serve(redis_url, collect=CollectSettings(user_events_per_second=1))
    bad = [an_event(userId=f"user-{n}", event=None) for n in range(300)]
    reply = shop.post("/v1/batch?ids=true", json={"batch": [*bad, an_event()]}).json()
    assert (reply["accepted"], len(reply["rejected"])) == (1, 300)
    assert reply["ids"][-1] is not None
    kept = sum(len(dead_letters(redis_client, shard)) for shard in range(IDS.n_shards))
    assert 100 <= kept < 200
    shown = f'shopkeeper_collect_unkept_letters_total{{process="server"}} {300.0 - kept}'
    assert shown in shop.get("/metrics").text


def test_an_import_is_not_limited_by_user(serve: Serve, redis_url: str) -> None:
    collect = CollectSettings(user_events_per_second=1)
    shop = serve(redis_url, collect=collect, key="secret-key")
    ten = {"batch": [an_event() for _ in range(10)]}
    assert [shop.post("/v1/batch", json=ten).status_code for _ in range(3)] == [200] * 3
