"""A deliverer in the test's own loop, with a real Redis and, in place of the server, an answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from delivery.asking import Asker
from delivery.courier import Terms
from delivery.deliverer import Deliverer
from delivery.main import connect
from delivery.metrics import DeliveryMetrics
from delivery.receivers import ReceiverFile
from tests.delivery.builders import IDS, KEYS, SECRET

Answer = Callable[[httpx.Request], httpx.Response]


def no_server(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there")


class Running:
    """What a test may ask and tell a deliverer that runs."""

    def __init__(self, deliverer: Deliverer, registry: CollectorRegistry, file: Path) -> None:
        self.deliverer = deliverer
        self.file = file
        self._registry = registry

    def metric(self, name: str, **labels: str) -> float:
        return self._registry.get_sample_value(name, labels) or 0.0

    def given_up(self, reason: str) -> float | None:
        """Return how many messages of the tool were, None where that cannot be seen."""
        labels = {"receiver": "tool", "reason": reason}
        name = "shopkeeper_webhooks_undelivered_total"
        return self._registry.get_sample_value(name, labels)


@asynccontextmanager
async def delivering(
    redis_url: str,
    folder: Path,
    tables: str,
    answer: Answer = no_server,
    *,
    name: str = "d-1",
    max_waiting: int = 1_000,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    client: Redis | None = None,
) -> AsyncIterator[Running]:
    """Let a deliverer run meanwhile; ``tables`` is the file of triggers."""
    file = folder / "triggers.toml"
    file.write_text(tables, encoding="utf-8")
    registry = CollectorRegistry()
    client = client or connect(redis_url)
    asker = Asker("http://server", "secret-key", httpx.MockTransport(answer))
    deliverer = Deliverer(
        client,
        KEYS,
        name,
        ReceiverFile(file, {"TOOL_SECRET": SECRET}),
        asker,
        Terms(IDS, clock_ms, Random(1), DeliveryMetrics(registry), max_waiting),
    )
    running = asyncio.create_task(deliverer.run())
    try:
        yield Running(deliverer, registry, file)
    finally:
        deliverer.stop()
        await running
        await asker.close()
        await client.aclose()


async def until(holds: Callable[[], Any], seconds: float = 15.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 -- nothing tells when it does
            await asyncio.sleep(0.01)
