"""The demo's customers: what they did in the weeks before the demo opens."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx

from config.errors import ShopkeeperError
from shopkeeper.storefront import CUSTOMERS

REGULARS = ("Ann", "Ben")  # their orders are due again
BROWSER, BARGAINER = "Chloé", "Deniz"  # never ordered anything; ordered with coupons alone
COUPON = "SPRING"
EVERY = timedelta(days=14)
N_ORDERS = 3
N_PRODUCTS = 3
STAPLES = "groceries"


def send_past_orders(
    url: str, secret_key: str, products: Sequence[Mapping[str, Any]], now: datetime
) -> int:
    """Send what those customers did whom the shop does not know yet; return how many events.

    Raises:
        ShopkeeperError: the server does not take them.
    """
    staples = [product for product in products if product["category"] == STAPLES]
    events: list[dict[str, Any]] = []
    with httpx.Client(base_url=url, auth=(secret_key, ""), timeout=10.0) as client:
        try:
            for place, name in enumerate((*REGULARS, BARGAINER, BROWSER)):
                user_id = CUSTOMERS[name]
                if client.get(f"/v1/users/{user_id}").status_code != HTTPStatus.NOT_FOUND:
                    continue
                turned_to = staples[place * N_PRODUCTS : (place + 1) * N_PRODUCTS]
                if name == BROWSER:
                    events += past_visits(user_id, turned_to, now)
                else:
                    coupon = COUPON if name == BARGAINER else None
                    events += past_orders(user_id, turned_to, now, coupon)
            if events:
                client.post("/v1/batch", json={"batch": events}).raise_for_status()
        except httpx.HTTPError as error:
            raise ShopkeeperError(f"the customers' past orders: {error}") from error
    return len(events)


def past_orders(
    user_id: str,
    products: Sequence[Mapping[str, Any]],
    now: datetime,
    coupon: str | None = None,
) -> list[dict[str, Any]]:
    """Return orders of the same products, the last of them about as long ago as they are apart."""
    given = {} if coupon is None else {"coupon": coupon}
    lines = [
        {"product_id": product["id"], "category": product["category"], "price": product["price"]}
        for product in products
    ]
    return [
        {
            "type": "track",
            "event": "Order Completed",
            "userId": user_id,
            "messageId": f"past-{user_id}-{day:%Y%m%d}",
            "timestamp": day.isoformat(),
            "properties": {
                "order_id": f"past-{user_id}-{day:%Y%m%d}",
                "products": lines,
                **given,
            },
        }
        for day in _days_before(now)
    ]


def past_visits(
    user_id: str, products: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Return visits with a product each, that led to nothing."""
    return [
        {
            "type": "track",
            "event": "Product Viewed",
            "userId": user_id,
            "messageId": f"past-{user_id}-{day:%Y%m%d}",
            "timestamp": day.isoformat(),
            "properties": {
                "product_id": product["id"],
                "category": product["category"],
                "price": product["price"],
            },
        }
        for day, product in zip(_days_before(now), products, strict=True)
    ]


def _days_before(now: datetime) -> list[datetime]:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [today - EVERY * n for n in range(N_ORDERS, 0, -1)]
