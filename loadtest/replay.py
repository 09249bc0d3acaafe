"""Sends the events of a file to collect, each accepted once, each user's in their order.

A live replay dates events as they are sent and spreads users over several senders, one batch in
flight a sender. An import keeps the times of the file; as they set the clocks of the shards, it is
sent by one sender in the order of the file, and while it waits, paces or backs off, it says every
three seconds that it is still there. A batch is sent again, with the same message ids, until it is
accepted. A batch of an import spans at most 12 hours, well inside the 24 hours of the
shard's clock within which a message id that comes again has no effect.
"""

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, NamedTuple

import httpx
import orjson

from loadtest.formats import SegmentEvent, Timed, iso_time

MAX_BATCH_EVENTS = 500  # what a strict Redis on a slow disk confirms well inside 80 ms
_SMALLEST_SPLIT = 50
_TRIES_BEFORE_SPLIT = 3
MAX_BATCH_BYTES = 480 * 1024
MAX_IMPORT_SPAN_MS = 12 * 60 * 60 * 1000
_QUEUED_EVENTS = 4 * MAX_BATCH_EVENTS
_TRY_AGAIN_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
_REQUEST_SECONDS = 30.0
_LIVE_PATH, _IMPORT_PATH = "/v1/batch", "/v1/import"
_EMPTY_BATCH = b'{"batch":[]}'


class _Queued(NamedTuple):
    """An event on its way: its time in the file (ms), and what is sent."""

    at_ms: int
    body: bytes


_Queue = asyncio.Queue[_Queued | None]


class ReplayRefused(Exception):
    """Collect refuses the batches as such, for one because of the key; the text says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the server answered {status}: {reason}")
        self.status = status


class ReplayGaveUp(Exception):
    """Nothing was accepted for so long that the replay ended."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(f"nothing was accepted for {seconds:g} s; last: {reason}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, with which key; ``imports`` keeps the file's times (a secret key is needed).

    ``speed`` is how many seconds of the file pass in one; None sends as fast as is accepted.
    ``give_up_seconds`` bounds how long a batch is sent again; every ``hold_seconds`` an import says
    that it goes on, well inside the 10 s after which wall time would enter the shards.
    """

    url: str
    key: str
    imports: bool = False
    speed: float | None = None
    senders: int = 4
    give_up_seconds: float = 60.0
    batch_events: int = MAX_BATCH_EVENTS
    hold_seconds: float = 3.0


@dataclass(slots=True)
class ReplayResult:
    """What became of the events; ``rejected`` by reason. ``retries`` counts batches sent again."""

    sent: int = 0
    accepted: int = 0
    retries: int = 0
    seconds: float = 0.0
    rejected: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the figures, snake_case, with ``events_per_second``."""
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "rejected": sum(self.rejected.values()),
            "rejected_by_reason": dict(self.rejected),
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.accepted / self.seconds) if self.seconds else 0,
        }


def replay(
    events: Sequence[Timed],
    target: Target,
    on_progress: Callable[[ReplayResult], None] = lambda _: None,
) -> ReplayResult:
    """Send the events and return what became of them; ``on_progress`` is told after each batch.

    Raises:
        ReplayRefused: the server does not take these batches at all.
        ReplayGaveUp: nothing was accepted for ``give_up_seconds``.
    """
    return asyncio.run(_Replay(target, on_progress).run(events))


def as_live(event: SegmentEvent, at_ms: int, run: str) -> SegmentEvent:
    """Return an event of a file as one of now: its times, and ids that this run alone uses."""
    live = {name: value for name, value in event.items() if name not in _FILE_TIMES}
    return live | {"timestamp": iso_time(at_ms), "messageId": f"{event['messageId']}-{run}"}


_FILE_TIMES = frozenset({"receivedAt", "originalTimestamp", "sentAt"})


class _Replay:
    def __init__(self, target: Target, on_progress: Callable[[ReplayResult], None]) -> None:
        self._target = target
        self._on_progress = on_progress
        self._result = ReplayResult()
        n_senders = 1 if target.imports else target.senders
        self._queues = [_Queue(_QUEUED_EVENTS) for _ in range(n_senders)]
        self._path = _IMPORT_PATH if target.imports else _LIVE_PATH

    async def run(self, events: Iterable[Timed]) -> ReplayResult:
        began = time.monotonic()
        headers = {
            "authorization": f"Bearer {self._target.key}",
            "content-type": "application/json",
        }
        async with httpx.AsyncClient(
            base_url=self._target.url,
            headers=headers,
            timeout=_REQUEST_SECONDS,
            verify=self._target.url.startswith("https"),  # reading certificates takes 50 ms
        ) as client:
            try:
                async with self._holding_time(client), asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._feed(events))
                    for queue in self._queues:
                        tasks.create_task(self._send_all(client, queue, began))
            except* (ReplayRefused, ReplayGaveUp) as group:
                raise group.exceptions[0] from None
        self._result.seconds = time.monotonic() - began
        return self._result

    @asynccontextmanager
    async def _holding_time(self, client: httpx.AsyncClient) -> AsyncIterator[None]:
        """Keep wall time out of the shards during an import, whatever its batches wait for."""
        if not self._target.imports:
            yield
            return
        holding = asyncio.create_task(self._hold_time(client))
        try:
            yield
        finally:
            holding.cancel()
            with suppress(asyncio.CancelledError):
                await holding

    async def _hold_time(self, client: httpx.AsyncClient) -> None:
        while True:
            await asyncio.sleep(self._target.hold_seconds)
            with suppress(httpx.TransportError):  # the next one will do
                await client.post(_IMPORT_PATH, content=_EMPTY_BATCH)

    async def _feed(self, events: Iterable[Timed]) -> None:
        """Put each event, when its time has come, into the queue of its user's sender."""
        speed, run = self._target.speed, token_hex(4)
        began, first_ms = time.time(), None
        for timed in events:
            first_ms = timed.at_ms if first_ms is None else first_ms
            due = began + (timed.at_ms - first_ms) / 1000 / speed if speed else time.time()
            if speed and due > time.time():
                await asyncio.sleep(due - time.time())
            event = timed.event
            if not self._target.imports:
                event = as_live(event, int(due * 1000), run)
            await self._queue_of(event).put(_Queued(timed.at_ms, orjson.dumps(event)))
        for queue in self._queues:
            await queue.put(None)

    def _queue_of(self, event: SegmentEvent) -> _Queue:
        user = str(event.get("userId") or event.get("anonymousId"))
        return self._queues[zlib.crc32(user.encode()) % len(self._queues)]

    async def _send_all(self, client: httpx.AsyncClient, queue: _Queue, began: float) -> None:
        target = self._target
        span_ms = MAX_IMPORT_SPAN_MS if target.imports else None
        left: list[_Queued] | None = []
        while left is not None:
            batch, left = await _next_batch(queue, left, target.batch_events, span_ms)
            if batch:
                self._result.sent += len(batch)
                await self._send(client, [queued.body for queued in batch])
                self._result.seconds = time.monotonic() - began
                self._on_progress(self._result)

    async def _send(self, client: httpx.AsyncClient, batch: list[bytes]) -> None:
        """Send a batch until it is accepted; in halves where the server stays too slow for it."""
        give_up_at = time.monotonic() + self._target.give_up_seconds
        pause, n_refused = _FIRST_PAUSE_SECONDS, 0
        while True:
            why, status = await self._try(client, batch)
            if not why:
                return
            if status is not None and status not in _TRY_AGAIN_STATUS:
                raise ReplayRefused(status, why)
            if time.monotonic() > give_up_at:
                raise ReplayGaveUp(self._target.give_up_seconds, why)
            self._result.retries += 1
            n_refused += status == 503
            if n_refused >= _TRIES_BEFORE_SPLIT and len(batch) > _SMALLEST_SPLIT:
                middle = len(batch) // 2
                await self._send(client, batch[:middle])
                return await self._send(client, batch[middle:])
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _try(self, client: httpx.AsyncClient, batch: list[bytes]) -> tuple[str, int | None]:
        """Send once; return why it was not accepted (empty: it was), and the status if any."""
        body = b'{"batch":[' + b",".join(batch) + b"]}"
        try:
            response = await client.post(self._path, content=body)
        except httpx.TransportError as error:
            return f"{type(error).__name__} {error}".strip(), None
        if response.status_code == 200:
            self._count(response.content, len(batch))
            return "", 200
        return response.text[:300] or "no reason given", response.status_code

    def _count(self, reply: bytes, n_events: int) -> None:
        reasons = [rejected["reason"] for rejected in orjson.loads(reply).get("rejected", ())]
        self._result.rejected.update(reasons)
        self._result.accepted += n_events - len(reasons)


async def _next_batch(
    queue: _Queue, left: list[_Queued], max_events: int, span_ms: int | None
) -> tuple[list[_Queued], list[_Queued] | None]:
    """Return what waits, within a batch's bounds, and what went over them; None for the end."""
    batch = list(left)
    if not batch:
        first = await queue.get()
        if first is None:
            return [], None
        batch = [first]
    size = sum(len(queued.body) + 1 for queued in batch)
    while len(batch) < max_events:
        if queue.empty():
            await asyncio.sleep(0)  # let the feeder go on, if it can
            if queue.empty():
                return batch, []
        queued = await queue.get()
        if queued is None:
            return batch, None
        is_long = span_ms is not None and queued.at_ms - batch[0].at_ms > span_ms
        if is_long or size + len(queued.body) > MAX_BATCH_BYTES:
            return batch, [queued]
        batch.append(queued)
        size += len(queued.body) + 1
    return batch, []
