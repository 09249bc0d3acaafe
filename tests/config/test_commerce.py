from typing import Any

import pytest

from config.commerce import MAX_PRODUCTS, check_commerce, products_of, revenue_of
from config.events import InvalidEvent
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
