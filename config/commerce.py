"""What the E-commerce Spec v2 (https://segment.com/docs/connections/spec/ecommerce/v2/) says of an
event: names, products, amounts. Collect checks with it; the profile flow reads with it.
"""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from config.events import Event, InvalidEvent, Reason

MAX_AMOUNT = 1e9
MAX_PRODUCTS = 250
MAX_TEXT = 256
MAX_IMPRESSIONS = 8  # of a product, that are remembered of a visitor


class Name(StrEnum):
    """The track events that change a user's state by more than a count."""

    PRODUCT_LIST_VIEWED = "Product List Viewed"
    PRODUCT_CLICKED = "Product Clicked"
    PRODUCT_VIEWED = "Product Viewed"
    PRODUCT_ADDED = "Product Added"
    PRODUCT_REMOVED = "Product Removed"
    CART_VIEWED = "Cart Viewed"
    CHECKOUT_STARTED = "Checkout Started"
    CHECKOUT_STEP_VIEWED = "Checkout Step Viewed"
    CHECKOUT_STEP_COMPLETED = "Checkout Step Completed"
    PAYMENT_INFO_ENTERED = "Payment Info Entered"
    ORDER_COMPLETED = "Order Completed"
    PROMOTION_VIEWED = "Promotion Viewed"
    PROMOTION_CLICKED = "Promotion Clicked"
    PROMOTION_DISMISSED = "Promotion Dismissed"


_ONE_PRODUCT = frozenset(
    {Name.PRODUCT_CLICKED, Name.PRODUCT_VIEWED, Name.PRODUCT_ADDED, Name.PRODUCT_REMOVED}
)
_MANY_PRODUCTS = frozenset(
    {Name.PRODUCT_LIST_VIEWED, Name.CART_VIEWED, Name.CHECKOUT_STARTED, Name.ORDER_COMPLETED}
)
_PROMOTION = frozenset({Name.PROMOTION_VIEWED, Name.PROMOTION_CLICKED, Name.PROMOTION_DISMISSED})


class Product(NamedTuple):
    """A product as an event names it; ``price`` per piece in the shop's currency."""

    product_id: str
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    quantity: float | None = None


class Promotion(NamedTuple):
    """What an event tells of a promotion: the campaign, and which decision showed it where."""

    campaign: str
    decision_id: str | None = None
    placement: str | None = None


def as_amount(value: object) -> float | None:
    """Return a finite number within ±1e9, reading digits in a string too; else None.

    >>> as_amount("12.50"), as_amount(True), as_amount("nan"), as_amount(1e300)
    (12.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) <= MAX_AMOUNT else None


def as_text(value: object) -> str | None:
    """Return a short text of one line, a whole number as its digits; else None.

    >>> as_text(17), as_text(" shoes "), as_text(""), as_text(1.5)
    ('17', 'shoes', None, None)
    """
    if isinstance(value, str):
        # Names of rows are told apart by line ends (the streams of changes).
        line = value if "\n" not in value else value.replace("\n", " ")
        return line.strip()[:MAX_TEXT] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:MAX_TEXT]
    return None


def read_product(fields: Mapping[str, Any]) -> Product | None:
    """Return the product that ``fields`` describe, None where they name none."""
    product_id = as_text(fields.get("product_id")) or as_text(fields.get("sku"))
    if product_id is None:
        return None
    return Product(
        product_id,
        as_text(fields.get("category")),
        as_text(fields.get("brand")),
        as_amount(fields.get("price")),
        as_amount(fields.get("quantity")),
    )


def products_of(event: Event) -> list[Product]:
    """Return the products of a track event, at most 250, those without an id left out."""
    if event.name in _ONE_PRODUCT:
        product = read_product(event.properties)
        return [] if product is None else [product]
    listed = event.properties.get("products")
    if not isinstance(listed, list):
        return []
    found = (read_product(fields) for fields in listed[:MAX_PRODUCTS] if isinstance(fields, dict))
    return [product for product in found if product is not None]


def read_promotion(fields: Mapping[str, Any]) -> Promotion | None:
    """Return the promotion that ``fields`` describe, None where they name none.

    >>> read_promotion({"promotion_id": "spring", "decision_id": "d-1", "position": "hero"})
    Promotion(campaign='spring', decision_id='d-1', placement='hero')
    """
    campaign = as_text(fields.get("promotion_id")) or as_text(fields.get("name"))
    if campaign is None:
        return None
    return Promotion(campaign, as_text(fields.get("decision_id")), as_text(fields.get("position")))


def revenue_of(event: Event) -> float:
    """Return an order's revenue: ``revenue``, else ``total``, else the sum over its products."""
    for field in ("revenue", "total"):
        amount = as_amount(event.properties.get(field))
        if amount is not None:
            return amount
    total = sum(
        (p.price or 0.0) * (1.0 if p.quantity is None else p.quantity) for p in products_of(event)
    )
    return min(max(total, -MAX_AMOUNT), MAX_AMOUNT)


def has_discount(event: Event) -> bool:
    """Tell whether an order was made with a coupon or a discount, of all of it or of a product."""
    listed = event.properties.get("products")
    lines = listed[:MAX_PRODUCTS] if isinstance(listed, list) else []
    parts = (event.properties, *(line for line in lines if isinstance(line, dict)))
    return any(
        as_text(part.get("coupon")) is not None or (as_amount(part.get("discount")) or 0.0) > 0
        for part in parts
    )


def check_commerce(event: Event) -> None:
    """Check what the spec's events must carry; other events pass.

    Raises:
        InvalidEvent: a product, price, quantity or amount cannot be used.
    """
    if event.type != "track":
        return
    if event.name in _ONE_PRODUCT:
        _check_product(event.properties, "properties")
    if event.name in _MANY_PRODUCTS:
        _check_amounts(event.properties, "properties", ("revenue", "total"))
        _check_products(event.properties.get("products", []))
    if event.name in _PROMOTION:
        _check_promotion(event.properties)


def _check_products(listed: object) -> None:
    if not isinstance(listed, list) or len(listed) > MAX_PRODUCTS:
        raise InvalidEvent(
            Reason.BAD_FIELD, f"properties.products: a list of at most {MAX_PRODUCTS} is allowed"
        )
    for index, fields in enumerate(listed):
        where = f"properties.products[{index}]"
        if not isinstance(fields, dict):
            raise InvalidEvent(Reason.BAD_FIELD, f"{where}: an object is needed")
        _check_product(fields, where)


def _check_product(fields: Mapping[str, Any], where: str) -> None:
    if read_product(fields) is None:
        raise InvalidEvent(Reason.BAD_FIELD, f"{where}.product_id: a text or number is needed")
    _check_amounts(fields, where, ("price", "quantity"))


def _check_promotion(fields: Mapping[str, Any]) -> None:
    for name in ("promotion_id", "name", "position", "decision_id"):
        value = fields.get(name)
        is_long = isinstance(value, str) and len(value) > MAX_TEXT
        # Some libraries send an empty text for what they do not know.
        if is_long or (value not in (None, "") and as_text(value) is None):
            raise InvalidEvent(
                Reason.BAD_FIELD,
                f"properties.{name}: a text of at most {MAX_TEXT} characters is allowed",
            )
    if read_promotion(fields) is None:
        raise InvalidEvent(
            Reason.BAD_FIELD, "properties.promotion_id: a text or number is needed, or a name"
        )


def _check_amounts(fields: Mapping[str, Any], where: str, names: tuple[str, ...]) -> None:
    for name in names:
        if fields.get(name) is not None and as_amount(fields[name]) is None:
            raise InvalidEvent(
                Reason.BAD_FIELD, f"{where}.{name}: a finite number within 1e9 is allowed"
            )
