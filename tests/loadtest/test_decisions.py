"""What a load reads from an answer, and what it puts into a shop to get answers."""

import tomllib
from typing import Any

import msgspec
import orjson
import pytest

from config.catalog import decode_item
from config.settings import parse_settings
from loadtest.decisions import (
    PLACEMENTS,
    PLACEMENTS_TOML,
    catalog_lines,
    read_decision,
    visitor_request,
)


def an_answer(**changes: Any) -> bytes:
    """Return a personal answer, with the changes."""
    product = {"id": "boots", "because": "socks", "reason": "often viewed after Socks"}
    answer: dict[str, Any] = {
        "decisionId": "d",
        "profile": {"known": False, "eventsSeen": 3, "appliedUpTo": "17-1", "updatedMsAgo": 5},
        "placements": {
            "next-best": {"type": "products", "products": [product], "fallback": None},
            "hero": {"type": "banner", "content": {}, "reason": "for everyone"},
        },
        "fallback": None,
        "serverTimingMs": 1.5,
    }
    return orjson.dumps(answer | changes)


def a_slate(because: str | None, fallback: str | None) -> dict[str, Any]:
    products = [{"id": "boots", "because": because}]
    return {"next-best": {"type": "products", "products": products, "fallback": fallback}}


def test_an_answer_is_read() -> None:
    decision = read_decision(an_answer())
    assert (decision.is_personal, decision.says_fallback) == (True, False)
    assert (decision.applied_up_to, decision.server_ms) == ("17-1", 1.5)
    assert decision.products == ("boots",)


@pytest.mark.parametrize(
    ("changes", "is_personal", "says_fallback"),
    [
        ({"fallback": "redis_slow"}, False, True),
        ({"placements": a_slate("socks", "no_history")}, False, True),
        ({"placements": a_slate(None, None)}, False, False),
    ],
)
def test_what_fell_back_or_knows_nothing_is_not_personal(
    changes: dict[str, Any], is_personal: bool, says_fallback: bool
) -> None:
    decision = read_decision(an_answer(**changes))
    assert (decision.is_personal, decision.says_fallback) == (is_personal, says_fallback)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"bytes": 3, "placements": {}}'])
def test_another_answer_is_no_decision(body: bytes) -> None:
    with pytest.raises(ValueError, match="no decision"):
        read_decision(body)


def test_a_request_names_its_visitor_and_all_placements() -> None:
    request = msgspec.json.decode(visitor_request("visitor-1"))
    assert request["anonymousId"] == "visitor-1"
    assert request["placements"] == list(PLACEMENTS)


def test_the_placements_are_settings() -> None:
    assert tuple(parse_settings(tomllib.loads(PLACEMENTS_TOML), {}).placements) == PLACEMENTS


def test_a_catalog_holds_each_product_of_the_events_once() -> None:
    boots = {"product_id": "boots", "category": "hiking", "price": 129.0, "quantity": 1}
    events = [
        {"type": "page", "properties": {"path": "/"}},
        {"event": "Product Viewed", "properties": boots},
        {"event": "Order Completed", "properties": {"products": [boots, {"product_id": "hat"}]}},
    ]
    items = [decode_item(line) for line in catalog_lines(events)]
    assert [(item.id, item.category, item.price) for item in items] == [
        ("boots", "hiking", 129.0),
        ("hat", None, 10.0),
    ]
