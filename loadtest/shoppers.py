"""Sends the demo's shoppers to a server: their events, and what their pages ask.

Open loop: events leave when they are due, however long the server takes.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from random import Random
from secrets import token_hex
from threading import Event as Stop
from typing import Any

import httpx

from loadtest.formats import SegmentEvent, iso_time
from loadtest.shopping import Goods, Question, Tastes, visits

_STATS_SECONDS = 0.5
_REQUEST_SECONDS = 5.0
_MOST_IN_FLIGHT = 200
_BATCH = 200
_PAST_MS = 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class ShopperStats:
    """What the shoppers did so far. ``p99_ms``: of the last 1,000 replies to events.

    ``first_reason`` is that of the first product that a visitor's own history led to, and
    ``first_at`` when it came, by the monotonic clock.
    """

    sent: int = 0
    accepted: int = 0
    failed: int = 0
    visitors: int = 0
    identified: int = 0
    orders: int = 0
    decisions: int = 0
    clicks: int = 0
    events_per_second: float = 0.0
    p99_ms: float = 0.0
    first_reason: str = ""
    first_at: float | None = None


OnStats = Callable[[ShopperStats], None]


def send_past_shoppers(
    base_url: str, write_key: str, tastes: Tastes, seed: int, n_events: int
) -> int:
    """Send what shoppers did in the last hour, at once; return how many events were accepted."""
    events = [step for step in islice(visits(seed, tastes), 3 * n_events) if isinstance(step, dict)]
    events = events[:n_events]
    began_ms = int(datetime.now(UTC).timestamp() * 1000) - _PAST_MS
    accepted = 0
    with httpx.Client(base_url=base_url, headers=_headers(write_key), timeout=30.0) as client:
        for start in range(0, len(events), _BATCH):
            batch = [
                event
                | {
                    "messageId": token_hex(8),
                    "timestamp": iso_time(began_ms + _PAST_MS * (start + n) // len(events)),
                }
                for n, event in enumerate(events[start : start + _BATCH])
            ]
            answer = client.post("/v1/batch", json={"batch": batch})
            accepted += len(batch) if answer.status_code == 200 else 0
    return accepted


def run_shoppers(
    base_url: str,
    write_key: str,
    tastes: Tastes,
    seed: int,
    events_per_second: float,
    stop: Stop,
    on_stats: OnStats,
) -> None:
    """Shop until ``stop`` is set; tell ``on_stats`` twice a second, and at the end."""
    crowd = _Crowd(tastes, seed, on_stats)
    asyncio.run(crowd.run(base_url, write_key, events_per_second, stop))


def tastes_of(goods: Sequence[Goods], seed: int) -> Tastes:
    """Return what the shoppers of a seed like."""
    return Tastes(goods, Random(f"{seed} tastes"))


class _Crowd:
    def __init__(self, tastes: Tastes, seed: int, on_stats: OnStats) -> None:
        self._steps = visits(seed, tastes)
        self._on_stats = on_stats
        self._stats = ShopperStats()
        self._visitors: set[str] = set()
        self._latencies: deque[float] = deque(maxlen=1000)
        self._in_flight: set[asyncio.Task[None]] = set()

    async def run(self, url: str, key: str, rate: float, stop: Stop) -> None:
        began = stats_at = time.monotonic()
        n_events = 0
        async with httpx.AsyncClient(
            base_url=url,
            headers=_headers(key),
            timeout=_REQUEST_SECONDS,
            verify=url.startswith("https"),
        ) as client:
            for step in self._steps:
                if isinstance(step, Question):
                    self._start(self._ask(client, step))
                    continue
                await _sleep_until(began + n_events / rate, stop)
                if stop.is_set():
                    break
                n_events += 1
                self._start(self._send(client, step))
                if time.monotonic() >= stats_at:
                    stats_at = time.monotonic() + _STATS_SECONDS
                    self._tell(time.monotonic() - began)
            await asyncio.gather(*self._in_flight)
        self._tell(time.monotonic() - began)

    def _start(self, work: Any) -> None:
        if len(self._in_flight) >= _MOST_IN_FLIGHT:
            work.close()
            self._stats = replace(self._stats, failed=self._stats.failed + 1)
            return
        task = asyncio.create_task(work)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

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
        stats, name = self._stats, event.get("event")
        self._stats = replace(
            stats,
            sent=stats.sent + 1,
            accepted=stats.accepted + is_accepted,
            failed=stats.failed + (not is_accepted),
            visitors=len(self._visitors),
            identified=stats.identified + (is_accepted and event["type"] == "identify"),
            orders=stats.orders + (is_accepted and name == "Order Completed"),
            clicks=stats.clicks + (is_accepted and name == "Promotion Clicked"),
        )

    async def _ask(self, client: httpx.AsyncClient, question: Question) -> None:
        try:
            response = await client.post("/v1/personalize", json=question.body)
        except httpx.TransportError:
            return
        if response.status_code != 200:
            return
        self._stats = replace(self._stats, decisions=self._stats.decisions + 1)
        decision = response.json()
        for name, placement in decision["placements"].items():
            answered, products = question.answered, placement["products"]
            answered.decision_id, answered.placement = decision["decisionId"], name
            answered.products = [product["id"] for product in products]
            led = next((product for product in products if product["because"]), None)
            is_first = self._stats.first_at is None and decision["profile"]["eventsSeen"] > 0
            if led is not None and is_first:
                self._stats = replace(
                    self._stats, first_at=time.monotonic(), first_reason=led["reason"]
                )

    def _tell(self, seconds: float) -> None:
        ordered = sorted(self._latencies)
        p99 = ordered[int(0.99 * (len(ordered) - 1))] if ordered else 0.0
        rate = self._stats.accepted / seconds if seconds > 0 else 0.0
        self._stats = replace(self._stats, events_per_second=rate, p99_ms=p99)
        self._on_stats(self._stats)


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def _sleep_until(due: float, stop: Stop) -> None:
    # ``stop`` belongs to threads: it has no way to wake this loop, so look every 50 ms.
    while (left := due - time.monotonic()) > 0 and not stop.is_set():  # noqa: ASYNC110
        await asyncio.sleep(min(left, 0.05))
