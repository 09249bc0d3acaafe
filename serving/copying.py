"""What copies of something in Redis share: load it, follow it, load it anew after a gap."""

import asyncio
import time
from abc import ABC, abstractmethod

import structlog
from redis.exceptions import RedisError

from config.errors import ShopkeeperError

POLL_SECONDS = 0.05  # changes of so long are fetched together
SLOW_POLL_SECONDS = 0.2  # of what is large, and changes with each example
CHECK_SECONDS = 0.5
PAUSE_SECONDS = 0.25
SLICE_SECONDS = 0.001  # of work, until requests go first

log = structlog.get_logger()


class Missed(ShopkeeperError):
    """The copy may lack changes."""


class Copy(ABC):
    """Keeps a copy; ``run`` it beside the requests."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._n_loads = 0
        self._looked_at = float("-inf")
        self._is_reachable = True

    async def run(self) -> None:
        """Load and follow until cancelled."""
        must_load = True
        while True:
            try:
                if must_load:
                    await self._load()
                must_load = False
                await self._follow()
            except Missed:
                must_load = True
            except (RedisError, OSError, TimeoutError) as error:
                # A load that was cut off begins again; what was followed goes on, once checked.
                self._tell(reachable=False, why=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)

    @abstractmethod
    async def _load(self) -> None:
        """Take all there is, and count the load."""

    @abstractmethod
    async def _follow(self) -> None:
        """Take what changes, for ever.

        Raises:
            Missed: changes may be gone that were never seen.
        """

    def _looked(self) -> None:
        self._looked_at = time.monotonic()
        self._tell(reachable=True)

    def _tell(self, *, reachable: bool, why: str = "") -> None:
        if reachable != self._is_reachable:
            self._is_reachable = reachable
            if reachable:
                log.info("following_again", what=self._name)
            else:
                log.error("following_stopped", what=self._name, error=why)
