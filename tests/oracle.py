"""A plain single-pass oracle: what a user's history comes to, worked out in the most naive way.

It shares no code with the profile flow: facts are kept as lists and summed directly when asked.
Bounds and half-lives are spelled again on purpose. Events come in the order of time, then line.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from loadtest.formats import Timed

HOUR_MS = 3_600_000
HALF_LIVES_MS = (HOUR_MS, 24 * HOUR_MS, 30 * 24 * HOUR_MS)
SESSION_GAP_MS = 30 * 60 * 1000
MOST_RECENT, MOST_LIKED, MOST_CART_CHANGES, MOST_ORDERS = 20, 16, 64, 10
LIKING = {"Product Viewed": 1.0, "Product Added": 3.0, "Order Completed": 5.0}


@dataclass
class PlainUser:
    """The facts of one user; ``liked`` holds, by kind, each name's sum as of ``latest_at``."""

    first_at: int
    latest_at: int
    n_events: int = 0
    views: list[tuple[int, float]] = field(default_factory=list)
    carts: list[tuple[int, float]] = field(default_factory=list)
    orders: list[tuple[int, float]] = field(default_factory=list)
    revenue: list[tuple[int, float]] = field(default_factory=list)
    sessions: list[tuple[int, float]] = field(default_factory=list)
    last_times: dict[str, dict[str, int]] = field(default_factory=dict)
    added: list[tuple[int, str, float]] = field(default_factory=list)
    emptied_at: int = -1
    liked: dict[str, dict[str, float]] = field(default_factory=dict)

    def recent(self, act: str) -> list[tuple[int, str]]:
        """Return the last distinct products of an act, newest first, ties by product id."""
        times = self.last_times.get(act, {})
        return sorted(
            ((at, product) for product, at in times.items()), key=lambda pair: (-pair[0], pair[1])
        )[:MOST_RECENT]

    def cart(self) -> dict[str, float]:
        """Return pieces by product that were added since the last order."""
        pieces: dict[str, float] = {}
        left = sorted(change for change in self.added if change[0] > self.emptied_at)
        for _, product, quantity in left[-MOST_CART_CHANGES:]:
            pieces[product] = pieces.get(product, 0.0) + quantity
        return pieces

    def order_times(self) -> list[int]:
        """Return when the last orders were, newest first."""
        return sorted((at for at, _ in self.orders), reverse=True)[:MOST_ORDERS]


def faded(facts: Iterable[tuple[int, float]], half_life_ms: int, now: int) -> float:
    """Return the sum of amount * 2^(-(now - at) / half-life).

    >>> faded([(0, 8.0), (1000, 1.0)], half_life_ms=1000, now=2000)
    2.5
    """
    return fsum(amount * 2.0 ** (-(now - at) / half_life_ms) for at, amount in facts)


def plain_users(events: Iterable[Timed]) -> dict[str, PlainUser]:
    """Return every user's facts, by user id."""
    users: dict[str, PlainUser] = {}
    for timed in events:
        user_id, at = timed.event["userId"], timed.at_ms
        user = users.setdefault(user_id, PlainUser(first_at=at, latest_at=at))
        if not user.n_events or at - user.latest_at > SESSION_GAP_MS:
            user.sessions.append((at, 1.0))
        fade_liking(user, at)
        user.n_events += 1
        take(user, at, timed.event["event"], timed.event["properties"])
    return users


def take(user: PlainUser, at: int, act: str, properties: dict[str, Any]) -> None:
    if act == "Product Viewed":
        user.views.append((at, 1.0))
        take_product(user, at, act, properties)
    elif act == "Product Added":
        user.carts.append((at, 1.0))
        take_product(user, at, act, properties)
        user.added.append((at, properties["product_id"], properties["quantity"]))
    elif act == "Order Completed":
        user.orders.append((at, 1.0))
        user.revenue.append((at, properties.get("revenue", 0.0)))
        user.emptied_at = at
        for product in properties["products"]:
            take_product(user, at, act, product)


def take_product(user: PlainUser, at: int, act: str, product: dict[str, Any]) -> None:
    user.last_times.setdefault(act, {})[product["product_id"]] = at
    price = product.get("price")
    band = 1.0
    while price and band > price:
        band /= 2
    while price and band * 2 <= price:
        band *= 2
    names = {
        "categories": product.get("category"),
        "brands": product.get("brand"),
        "price_bands": f"{band:g}" if price else None,
    }
    for kind, name in names.items():
        if name:
            like(user.liked.setdefault(kind, {}), name, LIKING[act])


def like(liked: dict[str, float], name: str, amount: float) -> None:
    """Add to a name's sum; the weakest name goes where there are too many, the first at a tie."""
    liked[name] = liked.get(name, 0.0) + amount
    if len(liked) > MOST_LIKED:
        del liked[min(liked, key=lambda other: (liked[other], other))]


def fade_liking(user: PlainUser, at: int) -> None:
    factor = 2.0 ** (-(at - user.latest_at) / HALF_LIVES_MS[2])
    for liked in user.liked.values():
        for name in liked:
            liked[name] *= factor
    user.latest_at = at
