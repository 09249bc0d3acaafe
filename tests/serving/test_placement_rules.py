"""Rules of placements over HTTP: what the answer tells, what is logged, what is gone for good."""

import json
import re
import time
from typing import Any

import httpx
import pytest
import redis

from config.decisions import DECISION_FIELD, Chosen, decode_decided
from config.placements import Picks, Placement, Products
from tests.serving.conftest import Serve, stream_of, wait_for
from tests.serving.deciding import COOKIE, a_user, learn, lessons, remember
from tests.serving.test_catalog_route import put
from tests.serving.test_personalize import ask, products

ROWS: dict[str, Placement] = {
    "first": Products(
        slots=2, fallback=(Picks(("gift-card",)),), explore=0.0, exclude_viewed_days=1
    ),
    "explored": Products(slots=2, strategy="trending", explore=1.0),
    "cheap": Products(slots=2, filter="product.price < 10.0", allow_repeats=True),
    "broken": Products(filter="user.traits.tier == 'gold'"),
}
LINES = [
    {"id": name, "name": name.title(), "category": "hiking", "price": price, "stock": 3}
    for name, price in {"boots": 99, "socks": 9, "tent": 199, "gift-card": 25, "cap": 8}.items()
]


@pytest.fixture
def shop(serve: Serve, redis_url: str, redis_client: redis.Redis) -> httpx.Client:
    """Return a server whose catalog and model are there, for a visitor who viewed boots."""
    learn(redis_client, lessons({"boots": ["socks"]}, {"": ["tent", "cap"]}))
    remember(redis_client, COOKIE, a_user(viewed=[(time.time_ns() // 1_000_000, "boots")]))
    shop = serve(redis_url, placements=ROWS, key="secret-key")
    put(shop, *LINES)
    wait_for(lambda: "Socks" in json.dumps(told(shop, "first")))
    return shop


def told(shop: httpx.Client, *placements: str) -> dict[str, Any]:
    return ask(shop, anonymousId="cookie-1", placements=list(placements))


def test_each_product_says_by_which_step_it_came(shop: httpx.Client) -> None:
    shown = told(shop, "first")["placements"]["first"]["products"]
    assert [(product["id"], product["step"]) for product in shown] == [
        ("socks", "next-best"),
        ("gift-card", "picks"),
    ]
    assert shown[1]["reason"] == "picked by the shop"
    assert "explored" not in shown[0]


def test_no_product_is_twice_in_an_answer_unless_a_placement_allows_it(shop: httpx.Client) -> None:
    answer = told(shop, "first", "explored", "cheap")
    first, second = products(answer, "first"), products(answer, "explored")
    assert not set(first) & set(second)
    assert "socks" in products(answer, "cheap")
    assert set(products(answer, "cheap")) == {"socks", "cap"}


def logged(client: redis.Redis, decision_id: str) -> dict[str, Chosen]:
    for key in client.scan_iter("*:decisions"):
        for _, fields in stream_of(client, str(key, "utf-8")):
            decided = decode_decided(fields[DECISION_FIELD])
            if decided.decision_id == decision_id:
                return decided.placements
    return {}


def test_steps_and_probabilities_are_logged_and_exploring_is_told(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    answer = told(shop, "first", "explored")
    last = answer["placements"]["explored"]["products"][-1]
    assert (last["explored"], last["step"]) == (True, "explore")
    wait_for(lambda: logged(redis_client, answer["decisionId"]))
    chosen = logged(redis_client, answer["decisionId"])
    assert chosen["first"].steps == ["next-best", "picks"]
    assert chosen["first"].probabilities == [1.0, 1.0]
    # Boots and cap are free: one of them fills the slot before the last.
    assert chosen["explored"].steps[-1] == "explore"
    assert chosen["explored"].probabilities[-1] == pytest.approx(1 / _n_in_pool(answer))


def _n_in_pool(answer: dict[str, Any]) -> int:
    """Return how many might have been explored: all that neither is shown nor was ranked last."""
    kept = {*products(answer, "first"), products(answer, "explored")[0]}
    return len(LINES) - len(kept) - 1


def test_a_condition_that_cannot_be_evaluated_is_counted(shop: httpx.Client) -> None:
    assert told(shop, "broken")["placements"]["broken"]["products"] == []
    page = shop.get("/metrics").text
    [count] = re.findall(r'condition_errors_total{.*placement="broken"} ([\d.]+)', page)
    assert float(count) >= 1


def test_what_is_sold_out_or_taken_out_is_shown_by_no_step_any_more(shop: httpx.Client) -> None:
    put(shop, LINES[1] | {"stock": 0}, {"id": "gift-card", "delete": True})
    wait_for(lambda: not {"socks", "gift-card"} & _everywhere(shop))
    put(shop, *({"id": line["id"], "delete": True} for line in LINES))
    wait_for(lambda: not _everywhere(shop))


def _everywhere(shop: httpx.Client) -> set[str]:
    answer = told(shop, "first", "explored", "cheap")
    return {name for row in ("first", "explored", "cheap") for name in products(answer, row)}


def test_a_server_that_starts_on_an_emptied_catalog_shows_nothing_of_it(
    shop: httpx.Client, serve: Serve, redis_url: str
) -> None:
    put(shop, *({"id": line["id"], "delete": True} for line in LINES))
    other = serve(redis_url, placements=ROWS)
    page = 'shopkeeper_followed_loads_total{process="server"'
    wait_for(lambda: f'{page},what="catalog"}} 1.0' in other.get("/metrics").text)
    wait_for(lambda: f'{page},what="steps"}} 1.0' in other.get("/metrics").text)
    assert _everywhere(other) == set()
