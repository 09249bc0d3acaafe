"""Decisions over HTTP, from what lies in Redis."""

import json
from typing import Any

import httpx
import pytest
import redis

from config.settings import CollectSettings
from online_models.users import Linked, Suppressed
from serving.refusals import Refusal
from tests.serving.builders import NOW
from tests.serving.conftest import KEYS, Serve, wait_for
from tests.serving.deciding import (
    ANN,
    COOKIE,
    PLACEMENTS,
    a_token,
    a_user,
    learn,
    lessons,
    remember,
)

NEXT = {"placements": ["next-best"]}
COOKIE_NEXT = NEXT | {"anonymousId": "cookie-1"}


@pytest.fixture
def asked(serve: Serve, redis_url: str) -> httpx.Client:
    """Return a client of a server with placements of all kinds."""
    return serve(redis_url, placements=PLACEMENTS)


def ask(shop: httpx.Client, **fields: Any) -> dict[str, Any]:
    reply = shop.post("/v1/personalize", json=NEXT | fields)
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


def products(told: dict[str, Any], name: str = "next-best") -> list[str]:
    return [product["id"] for product in told["placements"][name]["products"]]


def products_of(shop: httpx.Client, **fields: Any) -> list[str]:
    return products(ask(shop, **fields))


def without_chance(told: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what differs between any two."""
    return {k: v for k, v in told.items() if k not in ("decisionId", "serverTimingMs")}


def test_a_visitor_gets_personal_products_and_is_told_why(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, COOKIE, a_user(n_events=3), offset="7-1")
    learn(redis_client, lessons({"boots": ["socks"]}))
    asked.put(
        "/v1/catalog",
        auth=("secret-key", ""),
        content=b'{"id":"boots","name":"Trail Boots"}\n{"id":"socks","name":"Socks","price":9.5}',
    )
    wait_for(lambda: "Trail Boots" in asked.post("/v1/personalize", json=COOKIE_NEXT).text)
    told = ask(asked, anonymousId="cookie-1")
    assert told["placements"]["next-best"]["products"][0] == {
        "id": "socks",
        "name": "Socks",
        "price": 9.5,
        "link": None,
        "image": None,
        "category": None,
        "brand": None,
        "reason": "often viewed after Trail Boots",
        "because": "boots",
        "step": "next-best",
    }
    assert (told["fallback"], told["profile"]["appliedUpTo"]) == (None, "7-1")
    assert (told["profile"]["known"], told["profile"]["eventsSeen"]) == (False, 3)


def test_a_customer_with_a_token_is_known(asked: httpx.Client, redis_client: redis.Redis) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", n_events=7))
    profile = ask(asked, userId="ann", userToken=a_token())["profile"]
    assert (profile["known"], profile["eventsSeen"]) == (True, 7)
    assert profile["updatedMsAgo"] > 0


@pytest.mark.parametrize("token", [None, "nonsense", "expired"])
def test_without_a_token_nobody_can_tell_known_ids_from_unknown(
    asked: httpx.Client, redis_client: redis.Redis, token: str | None
) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", n_events=7))
    learn(redis_client, lessons({"boots": ["socks"]}))
    wait_for(lambda: "socks" in products_of(asked, page={"productId": "boots"}))
    said = {"userToken": a_token(seconds=-5) if token == "expired" else token}
    known, unknown, erased = (
        ask(asked, userId=name, **said) for name in ("ann", "nobody", "erased")
    )
    assert without_chance(known) == without_chance(unknown) == without_chance(erased)
    assert known["profile"] == {
        "known": False,
        "eventsSeen": 0,
        "appliedUpTo": None,
        "updatedMsAgo": None,
    }


def test_a_linked_visitor_gets_the_customers_products_but_no_picture_of_them(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", n_events=7), offset="9-0")
    remember(redis_client, COOKIE, Linked(known=ANN.digest, linked_at=NOW, received_at=NOW))
    learn(redis_client, lessons({"boots": ["socks"]}))
    wait_for(lambda: products_of(asked, anonymousId="cookie-1")[:1] == ["socks"])
    assert ask(asked, anonymousId="cookie-1")["profile"] == {
        "known": False,
        "eventsSeen": 0,
        "appliedUpTo": "9-0",
        "updatedMsAgo": None,
    }


def test_a_customer_of_whom_nothing_is_known_yet_is_answered_as_the_visitor(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, COOKIE, a_user(n_events=3))
    told = ask(asked, userId="ann", userToken=a_token(), anonymousId="cookie-1")
    assert (told["profile"]["known"], told["profile"]["eventsSeen"]) == (False, 3)


def test_a_new_customer_is_not_taken_for_who_used_the_browser_before(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", n_events=7))
    remember(redis_client, COOKIE, Linked(known=ANN.digest, linked_at=NOW, received_at=NOW))
    told = ask(asked, userId="bob", userToken=a_token(sub="bob"), anonymousId="cookie-1")
    assert (told["fallback"], told["profile"]["eventsSeen"]) == ("unknown_user", 0)


def test_an_erased_customer_is_answered_like_one_who_never_was(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, ANN, Suppressed(erased_at=NOW))
    told = ask(asked, userId="ann", userToken=a_token())
    assert (told["fallback"], products(told)) == ("unknown_user", ["gift-card", "map"])


def test_a_user_that_cannot_be_read_gets_the_fallback(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    redis_client.set(KEYS.user(COOKIE.shard, COOKIE.digest), b"\xff")
    assert ask(asked, anonymousId="cookie-1")["fallback"] == "unreadable_user"


REFUSES = {"consent": {"categoryPreferences": {"personalization": False}}}
GRANTS = {"consent": {"categoryPreferences": {"personalization": True}}}


def test_a_visitor_who_refuses_gets_the_answer_for_nobody(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, COOKIE, a_user(n_events=3))
    told = ask(asked, anonymousId="cookie-1", context=REFUSES)
    assert (told["fallback"], told["profile"]["appliedUpTo"]) == ("consent_refused", None)
    assert products(told) == ["gift-card", "map"]


def test_a_refusal_that_is_remembered_counts(
    asked: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, COOKIE, a_user(n_events=3, consent=(NOW, False)))
    told = ask(asked, anonymousId="cookie-1", context=GRANTS)
    assert (told["fallback"], told["profile"]["eventsSeen"]) == ("consent_refused", 0)


def test_where_consent_is_needed_it_has_to_be_given(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    shop = serve(redis_url, collect=CollectSettings(consent_required=True))
    remember(redis_client, COOKIE, a_user(n_events=3))
    assert ask(shop, anonymousId="cookie-1")["fallback"] == "consent_refused"
    assert ask(shop, anonymousId="cookie-1", context=GRANTS)["profile"]["eventsSeen"] == 3


def test_banners_and_offers_without_campaigns_are_those_of_their_placements(
    asked: httpx.Client,
) -> None:
    told = ask(asked, anonymousId="cookie-1", placements=["hero", "exit"])["placements"]
    empty = {"campaign": None, "variation": None, "overlay": False}
    content = {"headline": "Hello", "text": "", "image": "", "link": "", "coupon": ""}
    hero = {"type": "banner", "content": content, "reason": "for every visitor"}
    offer = {"type": "offer", "content": None, "reason": "nothing for you right now"}
    assert told == {"hero": hero | empty, "exit": offer | empty}


def test_what_took_how_long_is_told(asked: httpx.Client) -> None:
    reply = asked.post("/v1/personalize", json=COOKIE_NEXT)
    stages = [stage.split(";")[0] for stage in reply.headers["Server-Timing"].split(", ")]
    assert stages == ["read", "decide", "encode"]
    assert reply.json()["serverTimingMs"] > 0


def test_a_page_of_the_shop_may_ask_and_another_may_not(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url, cors_origins=("https://shop.example",))
    for origin, allowed in (("https://shop.example", True), ("https://evil.example", False)):
        reply = shop.post("/v1/personalize", json=COOKIE_NEXT, headers={"Origin": origin})
        assert (reply.headers.get("Access-Control-Allow-Origin") == origin) is allowed
        wish = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        asked = shop.options("/v1/personalize", headers=wish)
        assert (asked.status_code == 200) is allowed


def test_the_key_may_stand_in_the_body(stranger: httpx.Client) -> None:
    said = COOKIE_NEXT | {"writeKey": "write-key"}
    assert stranger.post("/v1/personalize", content=json.dumps(said)).status_code == 200


def test_numbers_are_ids_as_in_events(asked: httpx.Client, redis_client: redis.Redis) -> None:
    learn(redis_client, lessons({"17": ["18", "19"]}))
    wait_for(lambda: "18" in products_of(asked, page={"productId": 17}))
    shown = products_of(asked, anonymousId=5, page={"productId": 17}, cart=[18, {"productId": 20}])
    assert shown[0] == "19"


TOO_MANY = {
    "placements": ["next-best"] * 21,
    "cart": ["x"] * 101,
    "options": {"exclude": ["x"] * 201},
}


@pytest.mark.parametrize(
    ("body", "reason", "part"),
    [
        (b"", "bad_request", "no JSON"),
        (b"[]", "bad_request", "object"),
        (b"[" * 60_000, "bad_request", ""),
        (b'{"a":' * 10_000, "bad_request", ""),
        (b"\xff\xfe", "bad_request", "no JSON"),
        (b"{}", "bad_request", "placements"),
        ({"placements": []}, "bad_request", "placements"),
        ({"placements": ["nowhere"]}, "unknown_placement", "exit, hero, next-best, trending"),
        (NEXT | {"userId": "a\x00b"}, "bad_request", "userId"),
        (NEXT | {"anonymousId": "x" * 257}, "bad_request", "anonymousId"),
        (NEXT | {"userId": {}}, "bad_request", "userId"),
        (NEXT | {"page": {"productId": []}}, "bad_request", "page.productId"),
        (NEXT | {"cart": [{"productId": "a", "quantity": -1}]}, "bad_request", "cart[0].quantity"),
        (NEXT | {"cart": TOO_MANY["cart"]}, "bad_request", "cart"),
        (NEXT | {"options": TOO_MANY["options"]}, "bad_request", "options.exclude"),
        (NEXT | {"options": {"limit": 0}}, "bad_request", "options.limit"),
        ({"placements": TOO_MANY["placements"]}, "bad_request", "placements"),
        (b'{"placements":["next-best"],"userId":"\\ud800"}', "bad_request", ""),
    ],
    ids=range(18),
)
def test_what_is_no_question_is_refused_by_name(
    asked: httpx.Client, body: bytes | dict[str, Any], reason: str, part: str
) -> None:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = asked.post("/v1/personalize", content=sent)
    assert (reply.status_code, reply.json()["reason"]) == (400, reason)
    assert part in reply.json()["detail"]


def test_a_body_that_is_too_large_is_refused(asked: httpx.Client) -> None:
    body = json.dumps(COOKIE_NEXT | {"userToken": "x" * 70_000})
    reply = asked.post("/v1/personalize", content=body)
    assert (reply.status_code, reply.json()["reason"]) == (413, Refusal.BODY_TOO_LARGE)


def test_a_key_that_asks_too_much_is_told_when_to_come_again(serve: Serve, redis_url: str) -> None:
    shop = serve(redis_url, collect=CollectSettings(key_events_per_second=1))
    replies = [shop.post("/v1/personalize", json=COOKIE_NEXT) for _ in range(12)]
    assert replies[0].status_code == 200
    assert replies[-1].json()["reason"] == Refusal.RATE_LIMITED
    assert int(replies[-1].headers["Retry-After"]) >= 1


def test_other_methods_are_refused(asked: httpx.Client) -> None:
    assert asked.get("/v1/personalize").status_code == 405


def test_metrics_count_decisions_by_placement_and_result(
    serve: Serve, redis_url: str, redis_client: redis.Redis
) -> None:
    shop = serve(redis_url)
    remember(redis_client, COOKIE, a_user(categories={"hiking": 1.0}))
    learn(redis_client, lessons({"boots": ["socks"]}))
    wait_for(lambda: products_of(shop, anonymousId="cookie-1")[:1] == ["socks"])
    ask(shop)
    told = shop.get("/metrics").text.replace('process="server",', "")
    for labels in ('result="no_id"', 'result="personal"'):
        assert f'shopkeeper_decisions_total{{placement="next-best",{labels}}}' in told
    assert 'shopkeeper_decision_seconds_count{stage="decide"}' in told
    assert 'shopkeeper_followed_rows{what="steps"} 2.0' in told
    assert 'shopkeeper_learned_to_served_seconds_count{process="server"} 1.0' in told
