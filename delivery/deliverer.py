"""Tells what fired while it holds the lease: one process delivers, others stand by.

Whatever goes wrong with Redis, what is known here is dropped and read again. A lease that two
believe to hold for a moment may send a message twice; it is told and queued once all the same.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.errors import ShopkeeperError
from config.fired import Fired
from config.keys import HEARTBEAT_MS, LEASE_MS, Keys
from config.log_ids import log_id
from config.told import Told
from delivery.asking import Asker, ServerAway
from delivery.courier import Terms
from delivery.couriers import Couriers
from delivery.erasing import Erasures
from delivery.linked import may_be_told_of
from delivery.messages import UntellableFiring, message_of
from delivery.outboxes import OtherDeliverer, Outboxes, Read
from delivery.receivers import ReceiverFile
from delivery.tasks import Tasks
from delivery.upkeep import known_receivers, trim

RENEW_SECONDS = 0.5
LOOK_SECONDS = 1.0
TRIM_SECONDS = 30.0
PAUSE_SECONDS = 0.2  # before Redis, or a server, is tried again

log = structlog.get_logger()


class LeaseLost(ShopkeeperError):
    """Another deliverer holds the lease."""


class Deliverer:
    """Run it until ``stop``; ``status`` is what its heartbeat says."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        name: str,
        file: ReceiverFile,
        asker: Asker,
        terms: Terms,
        *,
        status: bytes = b"alive",
    ) -> None:
        self._client = client
        self._keys = keys
        self._name = name
        self._file = file
        self._asker = asker
        self._terms = terms
        self._status = status
        self._stopping = asyncio.Event()
        # Decisions of firings that could not be told yet, as others' were missing; by firing.
        self._decisions: dict[str, bytes | None] = {}
        self._ask_at = 0.0

    def stop(self) -> None:
        """Let ``run`` come to its end."""
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    async def run(self) -> None:
        """Deliver, or stand by, until stopped."""
        while not self._stopping.is_set():
            try:
                if await self._beat():
                    await self._session()
            except (RedisError, OSError) as error:
                why = type(error).__name__
                self._terms.metrics.reconnects.inc()
                log.warning("redis_away", error=why)
            except (OtherDeliverer, LeaseLost) as error:
                why = str(error)
                log.warning("not_the_only_one", why=why)
            finally:
                self._terms.metrics.active.set(0)
            await self._pause(PAUSE_SECONDS)
        with suppress(RedisError, OSError):
            await self._client.delete(self._keys.deliverer(self._name))
            await self._client.srem(self._keys.deliverers(), self._name)
            if await self._owner() == self._name:
                await self._client.delete(self._keys.delivering())

    async def _beat(self) -> bool:
        """Say that this process lives; return whether the lease is its own."""
        await self._client.set(self._keys.deliverer(self._name), self._status, px=HEARTBEAT_MS)
        await self._client.sadd(self._keys.deliverers(), self._name)
        key = self._keys.delivering()
        if await self._client.set(key, self._name, nx=True, px=LEASE_MS):
            return True
        if await self._owner() != self._name:
            return False
        await self._client.pexpire(key, LEASE_MS)
        return True

    async def _owner(self) -> str | None:
        owner: Any = await self._client.get(self._keys.delivering())
        return None if owner is None else owner.decode()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not await self._beat():
                raise LeaseLost("another deliverer holds the lease")

    async def _session(self) -> None:
        """Deliver until stopped, or until something is wrong."""
        outboxes = Outboxes(self._client, self._keys, self._terms.ids.n_shards)
        await outboxes.load()
        log.info("delivering")
        self._terms.metrics.active.set(1)
        tasks = Tasks()
        couriers = Couriers(self._client, self._keys, self._terms, tasks)
        self._decisions.clear()
        try:
            tasks.start(self._renew())
            tasks.start(self._keep_up())
            await tasks.until_done(tasks.start(self._tell(outboxes, couriers)))
            await couriers.finish()
        finally:
            await tasks.close()

    async def _tell(self, outboxes: Outboxes, couriers: Couriers) -> None:
        """Tell what fires, and see to receivers from time to time, until stopped."""
        loop = asyncio.get_running_loop()
        next_look = loop.time()
        while not self._stopping.is_set():
            if loop.time() >= next_look:
                next_look = loop.time() + LOOK_SECONDS
                self._file.look()
                self._terms.metrics.file_refused.set(self._file.is_refused)
                if self._file.in_force is not None:
                    await couriers.use(self._file.in_force)
                await couriers.look()
                await couriers.write_states()
            if self._file.in_force is None or loop.time() < self._ask_at:
                # Nobody knows yet who is to be told, or what.
                await self._pause(PAUSE_SECONDS)
            else:
                await self._tell_some(outboxes, couriers)

    async def _keep_up(self) -> None:
        """Take erased users out of all lists, and what is old: lists are long, and firings wait."""
        loop = asyncio.get_running_loop()
        erasures = Erasures(self._client, self._keys)
        next_trim = loop.time()
        while True:
            names = await known_receivers(self._client, self._keys)
            await erasures.step(names, self._terms.clock_ms())
            if loop.time() >= next_trim:
                next_trim = loop.time() + TRIM_SECONDS
                await trim(self._client, self._keys, names, self._terms.clock_ms())
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell_some(self, outboxes: Outboxes, couriers: Couriers) -> None:
        read = await outboxes.read()
        if read.positions == outboxes.positions:
            return
        dropped = Counter(unreadable=read.n_unreadable)
        firings = await self._worth_telling(read, dropped)
        try:
            await self._asker.ask(firings, self._decisions)
        except ServerAway as error:
            why = str(error)
            self._terms.metrics.asks_failed.inc()
            log.warning("server_away", why=why)
            seconds = max(error.retry_after_seconds, PAUSE_SECONDS)
            self._ask_at = asyncio.get_running_loop().time() + seconds
            return
        told = self._messages(firings, dropped)
        await outboxes.commit(read, told, couriers.queue)
        self._decisions.clear()
        metrics, now = self._terms.metrics, self._terms.clock_ms()
        metrics.told_of(one.trigger for one in told)
        for reason, n_firings in dropped.items():
            metrics.dropped.labels(reason).inc(n_firings)
        for entry_id, _ in read.firings:
            metrics.fired_to_told.observe(max(now - log_id(entry_id)[0], 0) / 1000)
        await couriers.take_in()

    def _messages(self, firings: Sequence[Fired], dropped: Counter[str]) -> list[Told]:
        told = []
        for fired in firings:
            try:
                told.append(message_of(fired, self._decisions.get(fired.firing_id)))
            except UntellableFiring as error:
                why = str(error)
                dropped["unreadable"] += 1
                log.warning("firing_untellable", why=why)
        return told

    async def _worth_telling(self, read: Read, dropped: Counter[str]) -> list[Fired]:
        """Leave out what comes too late, and who was erased or refuses."""
        now = self._terms.clock_ms()
        timely = [fired for _, fired in read.firings if now < fired.expires_at]
        dropped["expired"] += len(read.firings) - len(timely)
        if not timely:
            return []
        names = [self._keys.user(fired.shard, fired.digest) for fired in timely]
        users: Any = await self._client.mget(names)
        allowed = await may_be_told_of(self._client, self._keys, self._terms.ids, users)
        dropped["refused"] += allowed.count(False)
        return [fired for fired, is_allowed in zip(timely, allowed, strict=True) if is_allowed]

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
