"""Tells what fired while it holds the lease: one process delivers, others stand by.

Whatever goes wrong with Redis, what is known here is dropped and read again. A lease that two
believe to hold for a moment may send a message twice; it is told and queued once all the same.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.errors import ShopkeeperError
from config.fired import Fired
from config.keys import HEARTBEAT_MS, LEASE_MS, Ids, Keys
from config.log_ids import log_id
from config.told import Told
from delivery.asking import Asker, ServerAway
from delivery.courier import Terms
from delivery.couriers import Couriers
from delivery.erasing import Erasures
from delivery.messages import UntellableFiring, message_of
from delivery.outboxes import OtherDeliverer, Outboxes, Read
from delivery.permission import may_be_told_of
from delivery.receivers import ReceiverFile
from delivery.sending import Sender
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
        ids: Ids,
        name: str,
        file: ReceiverFile,
        asker: Asker,
        terms: Terms,
        *,
        max_waiting: int,
        status: bytes = b"alive",
        make_sender: Callable[..., Sender] = Sender,
    ) -> None:
        self._client = client
        self._keys = keys
        self._ids = ids
        self._name = name
        self._file = file
        self._asker = asker
        self._terms = terms
        self._max_waiting = max_waiting
        self._status = status
        self._make_sender = make_sender
        self._stopping = asyncio.Event()

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
        outboxes = Outboxes(self._client, self._keys, self._ids.n_shards)
        await outboxes.load()
        log.info("delivering")
        self._terms.metrics.active.set(1)
        tasks = Tasks()
        couriers = Couriers(
            self._client, self._keys, self._terms, tasks, self._max_waiting, self._make_sender
        )
        try:
            tasks.start(self._renew())
            await tasks.until_done(tasks.start(self._tell(outboxes, couriers)))
            await couriers.finish()
        finally:
            await tasks.close()

    async def _tell(self, outboxes: Outboxes, couriers: Couriers) -> None:
        """Tell what fires, and see to the rest from time to time, until stopped."""
        loop = asyncio.get_running_loop()
        erasures = Erasures(self._client, self._keys)
        next_look = next_trim = loop.time()
        while not self._stopping.is_set():
            if loop.time() >= next_look:
                next_look = loop.time() + LOOK_SECONDS
                self._file.look()
                self._terms.metrics.file_refused.set(self._file.is_refused)
                if self._file.in_force is not None:
                    await couriers.use(self._file.in_force)
                await couriers.look(at_all=True)
                await couriers.write_states()
                names = await known_receivers(self._client, self._keys)
                await erasures.step(names, self._terms.clock_ms())
                if loop.time() >= next_trim:
                    next_trim = loop.time() + TRIM_SECONDS
                    await trim(self._client, self._keys, names, self._terms.clock_ms())
            if self._file.in_force is None:
                await self._pause(PAUSE_SECONDS)  # nobody knows yet who is to be told
            else:
                await self._tell_some(outboxes, couriers)

    async def _tell_some(self, outboxes: Outboxes, couriers: Couriers) -> None:
        read = await outboxes.read()
        if read.positions == outboxes.positions:
            return
        try:
            told = await self._messages(read)
        except ServerAway as error:
            why = str(error)
            self._terms.metrics.asks_failed.inc()
            log.warning("server_away", why=why)
            await self._pause(PAUSE_SECONDS)
            return
        await outboxes.commit(read, told, couriers.queue)
        metrics, now = self._terms.metrics, self._terms.clock_ms()
        metrics.told.inc(len(told))
        metrics.deliveries.update(f"{one.trigger} told" for one in told)
        metrics.dropped.labels("unreadable").inc(read.n_unreadable)
        for entry_id, _ in read.firings:
            metrics.fired_to_told.observe(max(now - log_id(entry_id)[0], 0) / 1000)
        await couriers.look(at_all=False)

    async def _messages(self, read: Read) -> list[Told]:
        """Return what is to be told of what was read.

        Raises:
            ServerAway: no server says what to show with it.
        """
        firings = await self._worth_telling(read)
        decisions = await self._asker.ask(firings)
        told = []
        for fired, decision in zip(firings, decisions, strict=True):
            try:
                told.append(message_of(fired, decision))
            except UntellableFiring as error:
                why = str(error)
                self._drop("unreadable", 1)
                log.warning("firing_untellable", why=why)
        return told

    async def _worth_telling(self, read: Read) -> list[Fired]:
        """Leave out what comes too late, and who was erased or refuses."""
        now = self._terms.clock_ms()
        timely = [fired for _, fired in read.firings if now < fired.expires_at]
        self._drop("expired", len(read.firings) - len(timely))
        if not timely:
            return []
        names = [self._keys.user(fired.shard, fired.digest) for fired in timely]
        users: Any = await self._client.mget(names)
        allowed = [f for f, user in zip(timely, users, strict=True) if may_be_told_of(user)]
        self._drop("refused", len(timely) - len(allowed))
        return allowed

    def _drop(self, reason: str, n_firings: int) -> None:
        self._terms.metrics.dropped.labels(reason).inc(n_firings)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
