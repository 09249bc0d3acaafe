"""Seeded shoppers for the demo: they come, look around, fill carts, some identify, some order.

Open loop: events leave when they are due, however long the server takes.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from secrets import token_hex
from threading import Event as Stop
from typing import Any

import httpx

from loadtest.formats import SegmentEvent

N_CATEGORIES = 12
PRODUCTS_A_CATEGORY = 20
N_CUSTOMERS = 40
_STATS_SECONDS = 0.5
_REQUEST_SECONDS = 5.0
_MOST_IN_FLIGHT = 200
_PLACES = ("hats", "boots", "coats", "bags", "belts", "shirts")


@dataclass(frozen=True, slots=True)
class ShopperStats:
    """What the shoppers did so far. ``p99_ms``: of the last 1,000 replies."""

    sent: int = 0
    accepted: int = 0
    failed: int = 0
    visitors: int = 0
    identified: int = 0
    orders: int = 0
    events_per_second: float = 0.0
    p99_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class _Product:
    product_id: str
    category: str
    brand: str
    price: float

    def fields(self) -> dict[str, Any]:
        return {
            "product_id": self.product_id,
            "category": self.category,
            "brand": self.brand,
            "price": self.price,
        }


def run_shoppers(
    base_url: str,
    write_key: str,
    seed: int,
    events_per_second: float,
    stop: Stop,
    on_stats: Callable[[ShopperStats], None],
) -> None:
    """Send events until ``stop`` is set; tell ``on_stats`` twice a second, and at the end."""
    crowd = _Crowd(Random(seed), on_stats)
    asyncio.run(crowd.run(base_url, write_key, events_per_second, stop))


def visits(rng: Random) -> Iterator[SegmentEvent]:
    """Yield the events of some 20 shoppers who are in the shop at one time, for ever.

    Without times and message ids, which differ from run to run.
    """
    catalog = _catalog(rng)
    run = f"{rng.getrandbits(32):08x}"
    number = 20
    present = [_visit(rng, catalog, f"demo-{run}-{n}") for n in range(number)]
    while True:
        place = rng.randrange(len(present))
        event = next(present[place], None)
        if event is None:
            present[place] = _visit(rng, catalog, f"demo-{run}-{number}")
            number += 1
        else:
            yield event


class _Crowd:
    def __init__(self, rng: Random, on_stats: Callable[[ShopperStats], None]) -> None:
        self._rng = rng
        self._on_stats = on_stats
        self._stats = ShopperStats()
        self._visitors: set[str] = set()
        self._latencies: deque[float] = deque(maxlen=1000)

    async def run(self, url: str, key: str, rate: float, stop: Stop) -> None:
        began = stats_at = time.monotonic()
        headers = {"authorization": f"Bearer {key}"}
        in_flight: set[asyncio.Task[None]] = set()
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=_REQUEST_SECONDS, verify=url.startswith("https")
        ) as client:
            for number, event in enumerate(visits(self._rng)):
                due = began + number / rate
                await _sleep_until(due, stop)
                if stop.is_set():
                    break
                now = time.monotonic()
                if len(in_flight) < _MOST_IN_FLIGHT:
                    task = asyncio.create_task(self._send(client, event))
                    in_flight.add(task)
                    task.add_done_callback(in_flight.discard)
                else:
                    self._stats = replace(self._stats, failed=self._stats.failed + 1)
                if now >= stats_at:
                    stats_at = now + _STATS_SECONDS
                    self._tell(now - began)
            await asyncio.gather(*in_flight)
        self._tell(time.monotonic() - began)

    async def _send(self, client: httpx.AsyncClient, event: SegmentEvent) -> None:
        self._visitors.add(event["anonymousId"])
        began = time.perf_counter()
        try:
            # As libraries do; without, the same seed's next run would be a repeat of this one.
            identified = event | {"messageId": token_hex(8)}
            response = await client.post(f"/v1/{event['type']}", json=identified)
            is_accepted = response.status_code == 200
        except httpx.TransportError:
            is_accepted = False
        self._latencies.append(1000 * (time.perf_counter() - began))
        stats = self._stats
        self._stats = replace(
            stats,
            sent=stats.sent + 1,
            accepted=stats.accepted + is_accepted,
            failed=stats.failed + (not is_accepted),
            visitors=len(self._visitors),
            identified=stats.identified + (is_accepted and event["type"] == "identify"),
            orders=stats.orders + (is_accepted and event.get("event") == "Order Completed"),
        )

    def _tell(self, seconds: float) -> None:
        ordered = sorted(self._latencies)
        p99 = ordered[int(0.99 * (len(ordered) - 1))] if ordered else 0.0
        rate = self._stats.accepted / seconds if seconds > 0 else 0.0
        self._stats = replace(self._stats, events_per_second=rate, p99_ms=p99)
        self._on_stats(self._stats)


async def _sleep_until(due: float, stop: Stop) -> None:
    # ``stop`` belongs to threads: it has no way to wake this loop, so look every 50 ms.
    while (left := due - time.monotonic()) > 0 and not stop.is_set():  # noqa: ASYNC110
        await asyncio.sleep(min(left, 0.05))


def _catalog(rng: Random) -> list[list[_Product]]:
    names = [f"{_PLACES[n % len(_PLACES)]}-{n // len(_PLACES) + 1}" for n in range(N_CATEGORIES)]
    return [
        [
            _Product(f"{name}-{n}", name, f"brand-{rng.randrange(10)}", rng.randint(5, 400) - 0.01)
            for n in range(PRODUCTS_A_CATEGORY)
        ]
        for name in names
    ]


def _visit(rng: Random, catalog: list[list[_Product]], visitor: str) -> Iterator[SegmentEvent]:
    """Yield one visit: pages and products of a category or two, maybe a cart, maybe an order."""
    ids = {"anonymousId": visitor}
    context = {"locale": "en-GB", "device": {"type": rng.choice(("mobile", "desktop"))}}
    cart: list[_Product] = []

    def track(name: str, properties: dict[str, Any]) -> SegmentEvent:
        base = {"type": "track", "event": name, "properties": properties, "context": context}
        return base | ids

    for category in rng.sample(catalog, rng.choice((1, 1, 2))):
        path = f"/{category[0].category}"
        yield {"type": "page", "properties": {"path": path}, "context": context} | ids
        for product in rng.sample(category, rng.randint(1, 6)):
            yield track("Product Viewed", product.fields())
            if rng.random() < 0.25:
                cart.append(product)
                yield track("Product Added", product.fields() | {"quantity": 1})
    if cart and rng.random() < 0.7:
        yield track("Cart Viewed", {"products": [p.fields() | {"quantity": 1} for p in cart]})
    if rng.random() < 0.3:
        traits = {"tier": rng.choice(("gold", "silver", "none"))}
        customer = f"customer-{rng.randrange(N_CUSTOMERS)}"
        yield {"type": "identify", "userId": customer, "traits": traits} | ids
    if cart and rng.random() < 0.4:
        lines = [product.fields() | {"quantity": 1} for product in cart]
        total = round(sum(product.price for product in cart), 2)
        yield track("Checkout Started", {"products": lines})
        order = {"order_id": f"order-{visitor}", "revenue": total, "products": lines}
        yield track("Order Completed", order)
