"""The demo's regular customers: their orders of the weeks before, to be due again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx

from config.errors import ShopkeeperError
from shopkeeper.storefront import CUSTOMERS

REGULARS = ("Ann", "Ben")  # the others come for the first time
EVERY = timedelta(days=14)
N_ORDERS = 3
N_PRODUCTS = 3
STAPLES = "groceries"


def send_past_orders(
    url: str, secret_key: str, products: Sequence[Mapping[str, Any]], now: datetime
) -> int:
    """Send the orders of those customers whom the shop does not know yet; return how many.

    Raises:
        ShopkeeperError: the server does not take them.
    """
    staples = [product for product in products if product["category"] == STAPLES]
    events = []
    with httpx.Client(base_url=url, auth=(secret_key, ""), timeout=10.0) as client:
        try:
            for place, user_id in enumerate(CUSTOMERS[name] for name in REGULARS):
                if client.get(f"/v1/users/{user_id}").status_code == HTTPStatus.NOT_FOUND:
                    bought = staples[place * N_PRODUCTS : (place + 1) * N_PRODUCTS]
                    events += past_orders(user_id, bought, now)
            if events:
                client.post("/v1/batch", json={"batch": events}).raise_for_status()
        except httpx.HTTPError as error:
            raise ShopkeeperError(f"the customers' past orders: {error}") from error
    return len(events)


def past_orders(
    user_id: str, products: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Return orders of the same products, the last of them about as long ago as they are apart."""
    lines = [
        {"product_id": product["id"], "category": product["category"], "price": product["price"]}
        for product in products
    ]
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - EVERY * n for n in range(N_ORDERS, 0, -1)]
    return [
        {
            "type": "track",
            "event": "Order Completed",
            "userId": user_id,
            "messageId": f"past-{user_id}-{day:%Y%m%d}",
            "timestamp": day.isoformat(),
            "properties": {"order_id": f"past-{user_id}-{day:%Y%m%d}", "products": lines},
        }
        for day in days
    ]
