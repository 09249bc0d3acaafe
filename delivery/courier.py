"""Brings one receiver its messages: several at once, of each user one after the other.

Each receiver has a courier, connections and a queue of its own, so that none waits for another. One
in trouble is sent one message at a time until it takes one again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import structlog

from config.keys import MAX_UNDELIVERED, Ids
from config.log_ids import log_id
from config.receiver_states import InvalidReceiverState, ReceiverState, Stop
from config.told import Letter, Reason, Told
from config.webhooks import Receiver
from delivery.lanes import Lanes, Waiting
from delivery.metrics import DeliveryMetrics
from delivery.queues import Queue
from delivery.schedule import next_try_at
from delivery.sending import Result, Sender, Tried
from delivery.signing import signed_headers
from delivery.tasks import Tasks

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """What couriers share: ``clock_ms`` is wall time, ``rng`` the chance in their schedules.

    ``max_waiting`` is how many messages may wait for one receiver.
    """

    ids: Ids
    clock_ms: Callable[[], int]
    rng: Random
    metrics: DeliveryMetrics
    max_waiting: int

    @property
    def max_undelivered(self) -> int:
        """How many messages given up are kept of a receiver: all that may wait at once."""
        return max(MAX_UNDELIVERED, self.max_waiting)


class Courier:
    """Brings messages while it runs; ``keys`` sign them, without keys they wait."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        keys: tuple[bytes, ...],
        queue: Queue,
        sender: Sender,
        terms: Terms,
    ) -> None:
        self.receiver = receiver
        self.keys = keys
        self.stopped_at: int | None = None
        self._name = name
        self._queue = queue
        self._sender = sender
        self._terms = terms
        self._lanes = Lanes()
        self._wake = asyncio.Event()
        self._n_sending = 0
        self._in_trouble = self._is_finishing = False
        self._n_taken = self._n_failed = self._last_at = 0
        self._last = ""

    @property
    def n_waiting(self) -> int:
        """How many messages the receiver has not taken yet."""
        return self._lanes.n_waiting

    def state(self) -> ReceiverState:
        """Return how the receiver stands."""
        return ReceiverState(
            self.n_waiting,
            self._n_taken,
            self._n_failed,
            self._last,
            self._last_at,
            bool(self.keys),
            self.stopped_at,
        )

    async def start(self) -> None:
        """Take in what waits already.

        Raises:
            RedisError: Redis did not answer.
        """
        await self._queue.clean()
        await self.look()

    async def look(self) -> None:
        """Take in what came into the queue, and whether the receiver counts as gone.

        Raises:
            RedisError: Redis did not answer.
        """
        # In this order: what was put there when a stop was lifted shall not count as stopped.
        new, now = await self._queue.new(), self._terms.clock_ms()
        known = self.stopped_at
        stop = await self._stopped(now)
        if stop is not None and stop.url != self.receiver.url:
            await self._queue.go_on()
            stop = None
        if self.stopped_at == known:  # else the receiver said so just now
            self.stopped_at = None if stop is None else stop.at
        for waiting in new:
            if not waiting.n_tries:  # its turn is when it came, by a clock that may be ahead
                waiting.due_at = min(log_id(waiting.entry_id)[0], now)
            self._lanes.add(waiting)
        self._wake.set()

    async def _stopped(self, now: int) -> Stop | None:
        try:
            return await self._queue.stopped()
        except InvalidReceiverState:  # that it is stopped is all that can be read of it
            return Stop(self.stopped_at or now, self.receiver.url)

    def finish(self) -> None:
        """Send nothing more; ``run`` returns once what is under way has come to its end."""
        self._is_finishing = True
        self._wake.set()

    async def run(self) -> None:
        """Bring what is due until told to finish.

        Raises:
            RedisError: Redis did not answer.
        """
        under_way = Tasks(self._wake.set)
        try:
            while not self._is_finishing:
                self._wake.clear()
                under_way.check()
                while (waiting := self._next()) is not None:
                    self._n_sending += 1
                    under_way.start(self._bring(waiting))
                await self._wait()
            await under_way.until_done()
        finally:
            await under_way.close()
            await self._sender.close()

    def _next(self) -> Waiting | None:
        most = 1 if self._in_trouble else self.receiver.at_once
        if not self.keys or self._n_sending >= most:
            return None
        return self._lanes.next_due(self._terms.clock_ms())

    async def _wait(self) -> None:
        # With something due already there is no place free: who comes back wakes this up.
        due_at, now = self._lanes.next_due_at(), self._terms.clock_ms()
        seconds = None if due_at is None or due_at <= now else (due_at - now) / 1000
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _bring(self, waiting: Waiting) -> None:
        """Send one message, and see to what came of it."""
        is_done = await self._try(waiting)
        self._n_sending -= 1
        if is_done:
            self._lanes.done(waiting)
        else:
            self._lanes.again(waiting)
        self._wake.set()

    async def _try(self, waiting: Waiting) -> bool:
        """Try to send a message; return whether it needs no other try."""
        told = await self._queue.fetch(waiting, self._terms.ids)
        if told is None:
            await self._queue.take_out(waiting)
            return True
        now = self._terms.clock_ms()
        if self.stopped_at is not None:
            return await self._give_up(waiting, told, Reason.GONE)
        if now >= told.expires_at:
            return await self._give_up(waiting, told, Reason.EXPIRED)
        tried = await self._send(told)
        waiting.n_tries += 1
        waiting.first_at = waiting.first_at or now
        waiting.last = tried.told()
        if tried.result is Result.TAKEN:
            await self._queue.take_out(waiting)
            self._terms.metrics.taken(told.trigger)
            return True
        if tried.result is Result.GONE:
            # Written down first: who looks meanwhile would take it for lifted.
            stop = Stop(self._terms.clock_ms(), self.receiver.url)
            await self._queue.stop(stop)
            self.stopped_at = stop.at
            log.error("receiver_gone", receiver=self._name)
            return await self._give_up(waiting, told, Reason.GONE)
        return await self._put_off(waiting, told, tried)

    async def _send(self, told: Told) -> Tried:
        terms, metrics = self._terms, self._terms.metrics
        seconds = terms.clock_ms() // 1000
        headers = signed_headers(self.keys, told.told_id, seconds, told.body)
        with metrics.seconds.labels(self._name).time():
            tried = await self._sender.send(told.body, headers)
        metrics.tries.labels(self._name, tried.result).inc()
        is_taken = tried.result is Result.TAKEN
        # An answer of its own to this message, such as 400, says nothing of the others.
        self._in_trouble = not is_taken and not (400 <= tried.status < 500 and tried.status != 429)
        self._n_taken += is_taken
        self._n_failed += not is_taken
        self._last, self._last_at = tried.told(), terms.clock_ms()
        return tried

    async def _put_off(self, waiting: Waiting, told: Told, tried: Tried) -> bool:
        now = self._terms.clock_ms()
        due_at = next_try_at(waiting.n_tries, waiting.first_at, now, self._terms.rng, tried.wish_ms)
        if due_at is None:
            return await self._give_up(waiting, told, Reason.TRIED_ENOUGH)
        waiting.due_at = due_at
        await self._queue.put_off(waiting)
        return False

    async def _give_up(self, waiting: Waiting, told: Told, reason: Reason) -> bool:
        letter = Letter(reason, waiting.n_tries, self._terms.clock_ms(), waiting.last)
        await self._queue.give_up(waiting, told, letter)
        self._terms.metrics.gave_up(self._name, told.trigger, reason)
        return True
