import gzip
import json

import httpx
import pytest
import redis

from config.events import ENTRY_FIELD, SUBJECT_FIELD, Reason
from serving.bodies import MAX_EVENT_BYTES
from serving.collecting import MAX_LETTER_BYTES
from serving.refusals import Refusal
from tests.serving.builders import an_event
from tests.serving.conftest import ANN, KEYS, Serve, dead_letters, events_of, log_of, stream_of


def test_what_is_answered_with_success_lies_in_the_log(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    reply = shop.post("/v1/track", json=an_event())
    assert (reply.status_code, reply.json()) == (200, {"success": True})
    [entry] = log_of(redis_client)
    assert entry[SUBJECT_FIELD] == ANN.digest.encode()
    assert [event.message_id for event in events_of(redis_client)] == ["message-1"]


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("track", "track"),
        ("page", "page"),
        ("screen", "screen"),
        ("identify", "identify"),
        ("alias", "alias"),
        ("group", "group"),
        ("t", "track"),
        ("p", "page"),
        ("s", "screen"),
        ("i", "identify"),
        ("a", "alias"),
        ("g", "group"),
    ],
)
def test_each_route_takes_its_type(
    shop: httpx.Client, redis_client: redis.Redis, path: str, type_: str
) -> None:
    fields = an_event(type=None, previousId="old", groupId="club")
    assert shop.post(f"/v1/{path}", json=fields).status_code == 200
    assert [event.type for event in events_of(redis_client)] == [type_]


@pytest.mark.parametrize("path", ["batch", "b"])
def test_a_batch_keeps_its_order(shop: httpx.Client, redis_client: redis.Redis, path: str) -> None:
    sent = [an_event(messageId=f"m-{n}") for n in range(50)]
    assert shop.post(f"/v1/{path}", json={"batch": sent}).json() == {"success": True}
    assert [event.message_id for event in events_of(redis_client)] == [f"m-{n}" for n in range(50)]


def test_one_bad_event_does_not_take_its_neighbours_with_it(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    bad = an_event(messageId="bad", event=None)
    reply = shop.post("/v1/batch", json={"batch": [an_event(), bad, an_event()]})
    assert reply.status_code == 200
    assert reply.json() == {
        "success": True,
        "accepted": 2,
        "rejected": [
            {
                "index": 1,
                "messageId": "bad",
                "reason": "no_name",
                "detail": "event: a track event needs its name",
            }
        ],
    }
    assert len(log_of(redis_client)) == 2


def test_a_bad_event_becomes_a_dead_letter(shop: httpx.Client, redis_client: redis.Redis) -> None:
    bad = an_event(messageId="bad", event=None)
    reply = shop.post("/v1/track", json=bad)
    assert (reply.status_code, reply.json()["reason"]) == (400, "no_name")
    [letter] = dead_letters(redis_client)
    assert letter[b"reason"] == b"no_name"
    assert json.loads(letter[b"raw"]) == bad
    assert letter[b"k"] == ANN.digest.encode()


def test_a_body_that_names_nobody_is_a_dead_letter_of_the_first_shard(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    assert shop.post("/v1/track", content=b"{").json()["reason"] == "bad_json"
    assert [letter[b"raw"] for letter in dead_letters(redis_client, 0)] == [b"{"]


def test_a_too_large_event_in_a_batch_is_one_dead_letter(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    large = an_event(pad="x" * MAX_EVENT_BYTES)
    reply = shop.post("/v1/batch", json={"batch": [large, an_event()]})
    assert [bad["reason"] for bad in reply.json()["rejected"]] == ["too_large"]
    [letter] = dead_letters(redis_client, 0)
    assert large["event"].encode() in letter[b"raw"]
    assert len(letter[b"raw"]) == MAX_LETTER_BYTES
    assert len(log_of(redis_client)) == 1


def test_log_ids_are_told_when_asked_for(shop: httpx.Client, redis_client: redis.Redis) -> None:
    reply = shop.post("/v1/batch?ids=true", json={"batch": [an_event(), {}, an_event()]}).json()
    held = [entry_id.decode() for entry_id, _ in stream_of(redis_client, KEYS.events(ANN.shard))]
    assert reply["ids"] == [held[0], None, held[1]]
    assert len(shop.post("/v1/track?ids=true", json=an_event()).json()["ids"]) == 1


def test_an_empty_batch_is_fine(shop: httpx.Client) -> None:
    assert shop.post("/v1/batch", json={"batch": []}).json() == {"success": True}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_is_json_whatever_its_content_type_says(
    shop: httpx.Client, content_type: str
) -> None:
    reply = shop.post(
        "/v1/track", content=json.dumps(an_event()), headers={"Content-Type": content_type}
    )
    assert reply.status_code == 200


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {}])
def test_a_body_may_be_gzip(
    shop: httpx.Client, redis_client: redis.Redis, headers: dict[str, str]
) -> None:
    body = gzip.compress(json.dumps({"batch": [an_event()]}).encode())
    assert shop.post("/v1/batch", content=body, headers=headers).status_code == 200
    assert len(log_of(redis_client)) == 1


def test_of_a_visitor_who_refused_the_log_holds_no_content(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    refusal = {"consent": {"categoryPreferences": {"Personalization": False}}}
    assert shop.post("/v1/track", json=an_event(context=refusal)).json() == {"success": True}
    [entry] = log_of(redis_client)
    assert b"shoe-1" not in entry[ENTRY_FIELD]
    assert entry[SUBJECT_FIELD] == ANN.digest.encode()


def test_a_clamped_time_is_counted(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url)
    shop.post("/v1/track", json=an_event(timestamp="2001-01-01"))
    assert 'shopkeeper_clamped_times_total{process="server"} 1.0' in shop.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", "/v1/track", b"[]", 400, Reason.NOT_AN_OBJECT),
        ("POST", "/v1/batch", b"{}", 400, Refusal.NO_BATCH),
        ("POST", "/v1/batch", b'{"batch":[],"context":5}', 400, Reason.BAD_FIELD),
        ("POST", "/v1/track?ids=perhaps", b"{}", 400, Refusal.BAD_QUERY),
        ("GET", "/v1/track", b"", 405, Refusal.METHOD_NOT_ALLOWED),
        ("POST", "/v1/purchase", b"{}", 404, Refusal.NOT_FOUND),
        ("GET", "/%00", b"", 404, Refusal.NOT_FOUND),
    ],
)
def test_every_refusal_has_a_reason(
    shop: httpx.Client, method: str, path: str, body: bytes, status: int, reason: str
) -> None:
    reply = shop.request(method, path, content=body)
    assert (reply.status_code, reply.json()["reason"]) == (status, reason)
    assert reply.json()["success"] is False
