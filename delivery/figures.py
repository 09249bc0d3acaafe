"""What a deliverer tells the dashboard of itself, once a second.

Where Redis is away, the next entry holds what this one would have told.
"""

import asyncio
import time
from secrets import token_hex

from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.figures import FIGURES_EVERY_SECONDS, Teller, Told
from config.keys import Keys
from delivery.metrics import DeliveryMetrics


class FiguresPublisher:
    """Publishes how many firings of each trigger were told, delivered and given up."""

    def __init__(self, client: Redis, keys: Keys, name: str, metrics: DeliveryMetrics) -> None:
        self._client = client
        self._key = keys.figures()
        self._metrics = metrics
        # Another one after each start: what it counted begins at 0 then.
        self._teller = Teller(f"{name}-{token_hex(4)}", "deliverer")

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await asyncio.sleep(FIGURES_EVERY_SECONDS)
            await self.publish()

    async def publish(self) -> None:
        """Append one entry, and let go of those that are too old to be shown."""
        told = Told({"deliveries": dict(self._metrics.deliveries)}, {}, {})
        fields, oldest = self._teller.entry(told, time.time_ns() // 1_000_000)
        try:
            await self._client.xadd(self._key, fields, minid=oldest)
        except (RedisError, OSError):
            return  # the deliverer says so
        self._teller.confirm()
