"""What a server tells the dashboard of itself, once a second, beside the requests.

Where Redis is away, the next entry holds what this one would have told.
"""

import asyncio
from collections.abc import Callable
from secrets import token_hex

from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.figures import (
    FIGURES_EVERY_SECONDS,
    MAX_SLOW,
    Numbers,
    Teller,
    Told,
    numbers_of,
)
from config.keys import Keys
from serving.metrics import ServingMetrics
from serving.slow import SlowDecisions


class FiguresPublisher:
    """Publishes what a server counted, and its slowest decisions of late."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        metrics: ServingMetrics,
        slow: SlowDecisions,
        clock_ms: Callable[[], int],
        every_seconds: float = FIGURES_EVERY_SECONDS,
    ) -> None:
        self._client = client
        self._key = keys.figures()
        self._metrics = metrics
        self._slow = slow
        self._clock_ms = clock_ms
        self._every_seconds = every_seconds
        self._teller = Teller(f"s-{token_hex(4)}", "server")

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await asyncio.sleep(self._every_seconds)
            await self.publish()

    async def publish(self) -> None:
        """Append one entry, and let go of those that are too old to be shown."""
        fields, oldest = self._teller.entry(self._told(), self._clock_ms())
        try:
            await self._client.xadd(self._key, fields, minid=oldest)
        except (RedisError, OSError):
            return  # the watcher says so; what is in this entry will be in the next
        self._teller.confirm()

    def _told(self) -> Told:
        metrics = self._metrics
        totals: Numbers = {
            "events": numbers_of(metrics.events.collect(), "type", "result"),
            "decisions": {" ".join(values): n for values, n in metrics.decisions.counts.items()},
            "campaigns": dict(metrics.fine.campaigns),
            "dead_letters": numbers_of(metrics.dead_letters.collect(), "reason"),
            "refused": numbers_of(metrics.refused_requests.collect(), "reason"),
            "dropped": numbers_of(metrics.dropped_decisions.collect(), "reason"),
        }
        slow = self._slow.slowest(MAX_SLOW)
        return Told(totals, {}, metrics.fine.latencies.take(), slow)
