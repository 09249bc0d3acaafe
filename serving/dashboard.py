"""Collects the figures of all processes for those who look at the dashboard, once for all of them.

While nobody looks, nothing is read. Who comes first waits for the history to be loaded, a little at
a time: decisions go first. Each viewer is handed the same bytes.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.figures import FIGURES_EVERY_SECONDS, FIGURES_FIELD, InvalidFigures, decode_figures
from config.keys import FIGURES_AGE_MS, Keys
from config.log_ids import log_id
from serving.experiments import ExperimentReader
from serving.figure_history import FigureHistory
from serving.health import Watcher
from serving.picture import Around, minute_of, picture_of, point_of
from serving.refusals import Refusal, Refused

MAX_VIEWERS = 50  # of a server process
LINGER_SECONDS = 5.0  # after the last viewer: one that loads the page again need not wait
LOGS_EVERY_SECONDS = 5.0
EXPERIMENTS_EVERY_SECONDS = 10.0
MAX_EXPERIMENTS = 20
WAIT_SECONDS = 20.0  # of who asks once, for the history
_AT_ONCE = 20  # entries of the history until requests go first
_PAUSE_SECONDS = 0.002
_SHARDS_AT_ONCE = 64
_OF_EXPERIMENTS = ("name", "sentence", "visitors", "isActive")

log = structlog.get_logger()


class Dashboard:
    """One for all viewers of a server process; ``run`` it beside the requests."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        around: Around,
        watcher: Watcher,
        experiments: ExperimentReader,
        every_seconds: float = FIGURES_EVERY_SECONDS,
    ) -> None:
        self._client = client
        self._keys = keys
        self._around = around
        self._watcher = watcher
        self._experiments = experiments
        self._every_seconds = every_seconds
        self._n_viewers = 0
        self._left_at = float("-inf")
        self._wanted = asyncio.Event()
        self._changed = asyncio.Condition()
        self._forget()

    async def run(self) -> None:
        """Collect while somebody looks, until cancelled."""
        while True:
            await self._wanted.wait()
            try:
                await self._collect()
            finally:
                self._forget()

    async def watch(self) -> AsyncIterator[bytes]:
        """Yield what is to be shown as JSON once a second, each time with the points that are new.

        Raises:
            Refused: too many look already.
        """
        with self._viewing():
            turn = since = 0
            while True:
                turn = await self._next(turn)
                yield self._told(since)
                since = self._points[-1][0] if self._points else since

    async def look(self) -> bytes:
        """Return the picture of now and all points, as JSON.

        Raises:
            Refused: too many look already, or Redis does not answer.
        """
        with self._viewing():
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._next(0)
            except TimeoutError as error:
                raise Refused(
                    Refusal.STATE_UNAVAILABLE, "Redis does not answer", retry_after_seconds=1
                ) from error
            return self._told(0)

    def check_room(self) -> None:
        """Check that one more may look.

        Raises:
            Refused: too many look already.
        """
        if self._n_viewers >= MAX_VIEWERS:
            raise Refused(
                Refusal.OVERLOADED,
                f"{MAX_VIEWERS} look at the dashboard of this server already",
                retry_after_seconds=5,
            )

    @contextmanager
    def _viewing(self) -> Iterator[None]:
        self.check_room()
        self._n_viewers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._n_viewers -= 1
            self._left_at = time.monotonic()

    async def _next(self, turn: int) -> int:
        async with self._changed:
            await self._changed.wait_for(lambda: self._turn > turn)
            return self._turn

    def _told(self, since: int) -> bytes:
        points = b",".join(data for at, data in self._points if at > since)
        return b'{"now":%s,"points":[%s]}' % (self._now, points)

    def _forget(self) -> None:
        self._history = FigureHistory()
        self._points: deque[tuple[int, bytes]] = deque()
        self._now = b""
        self._minute: dict[str, Any] = {}
        self._turn = 0
        self._read_up_to = ""
        self._is_loaded = False
        self._read_at, self._read_ms = 0.0, 0  # when Redis' clock was asked, and what it said
        self._logs_at = self._experiments_at = float("-inf")

    def _is_wanted(self) -> bool:
        return self._n_viewers > 0 or time.monotonic() - self._left_at < LINGER_SECONDS

    async def _collect(self) -> None:
        while self._is_wanted():
            started = time.monotonic()
            try:
                await self._read()
                await self._look_around()
            except (RedisError, OSError) as error:
                log.warning("dashboard_cannot_read", error=type(error).__name__)
            if self._is_loaded:
                await self._show()
            await asyncio.sleep(max(started + self._every_seconds - time.monotonic(), 0.05))
        self._wanted.clear()

    async def _read(self) -> None:
        """Take in what processes told since the last time, or in all of the minutes shown."""
        seconds, us = await self._client.time()  # the clock that ids of entries are of
        self._read_at, self._read_ms = time.monotonic(), 1000 * int(seconds) + int(us) // 1000
        if not self._read_up_to:
            self._read_up_to = f"{self._read_ms - FIGURES_AGE_MS}-0"
        while True:
            found: Any = await self._client.xrange(
                self._keys.figures(), min=f"({self._read_up_to}", count=_AT_ONCE
            )
            for entry_id, fields in found:
                self._read_up_to = entry_id.decode()
                self._take(log_id(self._read_up_to)[0], fields)
            if len(found) < _AT_ONCE:
                self._history.close_to(self._read_ms)
                self._is_loaded = True
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    def _take(self, at: int, fields: Mapping[bytes, bytes]) -> None:
        try:
            self._history.take(at, decode_figures(fields[FIGURES_FIELD]))
        except (InvalidFigures, KeyError) as error:
            log.warning("figures_unreadable", error=type(error).__name__)

    async def _look_around(self) -> None:
        now = time.monotonic()
        if now - self._logs_at >= LOGS_EVERY_SECONDS:
            self._logs_at = now
            self._around.log_entries = await self._n_log_entries()
        if now - self._experiments_at >= EXPERIMENTS_EVERY_SECONDS:
            self._experiments_at = now
            self._around.experiments = await self._told_experiments()

    async def _n_log_entries(self) -> int:
        n_entries, n_shards = 0, self._around.n_shards
        for start in range(0, n_shards, _SHARDS_AT_ONCE):
            pipeline = self._client.pipeline(transaction=False)
            for shard in range(start, min(start + _SHARDS_AT_ONCE, n_shards)):
                pipeline.xlen(self._keys.events(shard))
            n_entries += sum(await pipeline.execute())
        return n_entries

    async def _told_experiments(self) -> list[Mapping[str, Any]]:
        before = {report["name"]: report for report in self._around.experiments}
        told: list[Mapping[str, Any]] = []
        for name in list(self._experiments.experiments())[:MAX_EXPERIMENTS]:
            try:
                report = await self._experiments.tell(name)
            except Refused:
                told += [before[name]] if name in before else []
            else:
                told.append({key: report[key] for key in _OF_EXPERIMENTS})
            await asyncio.sleep(_PAUSE_SECONDS)
        return told

    async def _show(self) -> None:
        """Make the picture, and tell all viewers that it is there."""
        look = self._watcher.last
        self._around.missing = sorted(look.missing)
        self._around.memory_rate = look.memory_rate
        passed_ms = int(1000 * (time.monotonic() - self._read_at))
        self._history.pass_to(self._read_ms + passed_ms)
        await self._show_points()
        await self._sum_minute()
        self._now = orjson.dumps(picture_of(self._history, self._around, self._minute))
        async with self._changed:
            self._turn += 1
            self._changed.notify_all()

    async def _sum_minute(self) -> None:
        """Add up the last whole minute, where that is another one now."""
        began = self._history.minute_began()
        if self._minute.get("from") != began:
            sums = self._history.minute()
            await asyncio.sleep(0)  # between pieces of a millisecond, decisions go first
            self._minute = minute_of(began, sums)
            await asyncio.sleep(0)

    async def _show_points(self) -> None:
        since = self._points[-1][0] + 1 if self._points else 0
        for number, point in enumerate(self._history.complete(since), start=1):
            self._points.append((point.at, orjson.dumps(point_of(point))))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(_PAUSE_SECONDS)
        while self._points and self._points[0][0] <= self._history.now - FIGURES_AGE_MS:
            self._points.popleft()
        await asyncio.sleep(0)
