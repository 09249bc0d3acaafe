from typing import Any

import msgspec
import pytest

from config.commerce import (
    MAX_PRODUCTS,
    check_commerce,
    has_discount,
    products_of,
    revenue_of,
)
from config.events import InvalidEvent, Reason
from tests.builders import an_event


def test_a_product_event_names_one_product() -> None:
    event = an_event("Product Viewed", product_id=17, price="9.50", brand="Acme")

    (product,) = products_of(event)

    assert (product.product_id, product.price, product.brand) == ("17", 9.5, "Acme")


def test_a_product_id_is_one_line() -> None:
    (product,) = products_of(an_event("Product Viewed", product_id="boots\nnext:hat"))

    assert product.product_id == "boots next:hat"


def test_a_sku_stands_in_for_a_product_id() -> None:
    event = an_event("Product Viewed", product_id=None, sku="s-1")

    assert [product.product_id for product in products_of(event)] == ["s-1"]


@pytest.mark.parametrize(
    ("properties", "revenue"),
    [
        ({"revenue": 12, "total": 15}, 12),
        ({"total": "15.5"}, 15.5),
        ({"products": [{"product_id": "a", "price": 2, "quantity": 3}, {"product_id": "b"}]}, 6),
        ({}, 0),
    ],
)
def test_revenue_is_what_the_order_says_else_the_sum(
    properties: dict[str, Any], revenue: float
) -> None:
    event = an_event("Order Completed", **properties)

    assert revenue_of(event) == revenue


@pytest.mark.parametrize(
    ("properties", "is_discounted"),
    [
        ({}, False),
        ({"coupon": " ", "discount": 0}, False),
        ({"coupon": "TEN"}, True),
        ({"discount": "2.50"}, True),
        ({"discount": "nan"}, False),
        ({"products": [{"product_id": "a"}, {"product_id": "b", "coupon": "TEN"}]}, True),
        ({"products": [7, {"product_id": "b", "discount": -1}]}, False),
    ],
)
def test_an_order_is_discounted_as_a_whole_or_in_a_line(
    properties: dict[str, Any], is_discounted: bool
) -> None:
    assert has_discount(an_event("Order Completed", **properties)) is is_discounted


@pytest.mark.parametrize(
    ("name", "properties", "detail"),
    [
        ("Product Viewed", {"product_id": {}}, "product_id"),
        ("Product Added", {"product_id": "a", "price": "cheap"}, "price"),
        ("Product Added", {"product_id": "a", "quantity": 1e12}, "quantity"),
        ("Order Completed", {"products": "boots"}, "products"),
        ("Order Completed", {"products": [{"product_id": "a"}, 7]}, r"products\[1\]"),
        ("Order Completed", {"products": [{}] * (MAX_PRODUCTS + 1)}, "products"),
        ("Order Completed", {"revenue": "nan"}, "revenue"),
    ],
)
def test_what_the_spec_needs_is_checked(name: str, properties: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidEvent, match=detail):
        check_commerce(an_event(name, **properties))


def test_events_outside_the_spec_pass() -> None:
    check_commerce(an_event("Song Played", products="any", revenue="thing"))


@pytest.mark.parametrize(
    ("name", "properties", "told"),
    [
        ("Promotion Viewed", {}, "properties.promotion_id: a text or number is needed, or a name"),
        ("Promotion Clicked", {"promotion_id": ["spring"]}, "properties.promotion_id: a text"),
        ("Promotion Viewed", {"promotion_id": "s", "decision_id": {}}, "properties.decision_id"),
        ("Promotion Viewed", {"promotion_id": "s", "position": 1.5}, "properties.position"),
        ("Promotion Dismissed", {"promotion_id": "s" * 257}, "at most 256 characters"),
    ],
)
def test_a_promotion_is_told_of_by_short_texts(
    name: str, properties: dict[str, Any], told: str
) -> None:
    event = msgspec.structs.replace(an_event(), name=name, properties=properties)
    with pytest.raises(InvalidEvent, match=told) as error:
        check_commerce(event)
    assert error.value.reason == Reason.BAD_FIELD


@pytest.mark.parametrize(
    "facts",
    [
        {"promotion_id": 17},
        {"name": "spring"},
        {"promotion_id": "spring", "position": 2, "creative": "", "decision_id": None},
    ],
)
def test_a_promotion_of_another_tool_is_taken(facts: dict[str, Any]) -> None:
    check_commerce(msgspec.structs.replace(an_event("Promotion Viewed"), properties=facts))
