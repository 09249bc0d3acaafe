"""What a worker or a learner tells the dashboard of itself, about once a second, in its flow.

Where Redis is away or full, the next entry holds what this one would have told.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import OutOfMemoryError

from config.announcements import Role
from config.figures import FIGURES_EVERY_SECONDS, Teller, Told, numbers_of
from config.keys import Keys
from online_models.progress import Progress
from stream.metrics import LearnMetrics, StreamMetrics


def worker_figures(metrics: StreamMetrics) -> Told:
    """Return what a worker tells."""
    return Told(
        {
            "applied": numbers_of(metrics.events.collect(), "type", "result"),
            "dead_letters": numbers_of(metrics.dead_letters.collect(), "reason"),
            "fired": numbers_of(metrics.fired.collect(), "trigger"),
            "commits": {
                "committed": _number(metrics.commits.collect()),
                "conflicts": _number(metrics.conflicts.collect()),
                "gaps": _number(metrics.gaps.collect()),
                "reconnects": _number(metrics.reconnects.collect()),
            },
        },
        {
            "lag": numbers_of(metrics.lag.collect(), "shard"),
            "worker": {
                "owned": _number(metrics.owned_shards.collect()),
                "cached_users": _number(metrics.cached_users.collect()),
                "memory": _number(metrics.redis_memory.collect()),
                "memory_limit": _number(metrics.redis_memory_limit.collect()),
            },
        },
        metrics.latencies.take(),
    )


def learner_figures(metrics: LearnMetrics, progress: Progress) -> Told:
    """Return what a learner tells."""
    return Told(
        {
            "learned": {
                "examples": _number(metrics.examples.collect()),
                "steps": _number(metrics.trained.collect()),
                "committed": _number(metrics.commits.collect()),
                "conflicts": _number(metrics.conflicts.collect()),
            },
            "progress": progress.numbers(),
            "rewards": progress.rewards(),
        },
        {"learner": {"behind": _number(metrics.behind.collect())}},
        metrics.latencies.take(),
    )


class FiguresPublisher:
    """Publishes in the flow's thread; a process whose flow hangs tells nothing, which is true."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        process: str,
        role: Role,
        look: Callable[[], Told],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._key = keys.figures()
        # Another one after each start: what it counted begins at 0 then.
        self._teller = Teller(f"{process}-{time.time_ns():x}", role)
        self._look = look
        self._clock = clock
        self._publish_at = 0.0

    def publish(self) -> None:
        """Append an entry, if it is time.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        now = self._clock()
        if now < self._publish_at:
            return
        self._publish_at = now + FIGURES_EVERY_SECONDS
        fields, oldest = self._teller.entry(self._look(), int(time.time() * 1000))
        # In a full Redis there are more urgent things to make room for.
        with suppress(OutOfMemoryError):
            self._client.xadd(self._key, fields, minid=oldest)
            self._teller.confirm()


def _number(metric: Any) -> float:
    return sum(numbers_of(metric).values())
