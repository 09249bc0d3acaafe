"""A courier for each receiver that is in force; what is told goes into their queues."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from redis.asyncio import Redis

from config.keys import Keys
from config.receiver_states import ReceiverState
from config.told import Letter, Told
from delivery.courier import Courier, Terms
from delivery.queues import Queue, put, set_aside
from delivery.receivers import InForce
from delivery.sending import Sender
from delivery.tasks import Tasks, end
from delivery.upkeep import clear_away, known_receivers, write_states

FINISH_SECONDS = 5.0


class Couriers:
    """The couriers of one session; their tasks belong to ``tasks``, which end with it."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        terms: Terms,
        tasks: Tasks,
        max_waiting: int,
        make_sender: Callable[..., Sender] = Sender,
    ) -> None:
        self._client = client
        self._keys = keys
        self._terms = terms
        self._tasks = tasks
        self._max_waiting = max_waiting
        self._make_sender = make_sender
        self._couriers: dict[str, Courier] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._given: set[str] = set()

    async def use(self, in_force: Mapping[str, InForce]) -> None:
        """Start couriers of receivers that are new or changed, end those that are gone."""
        for name, courier in list(self._couriers.items()):
            if in_force.get(name) != (courier.receiver, courier.keys):
                await self._end(name)
        for name, (receiver, signing_keys) in in_force.items():
            if name not in self._couriers:
                queue = Queue(self._client, self._keys, name)
                sender = self._make_sender(receiver)
                courier = Courier(name, receiver, signing_keys, queue, sender, self._terms)
                await write_states(self._client, self._keys, {name: courier.state()})
                await courier.start()
                self._couriers[name] = courier
                self._running[name] = self._tasks.start(courier.run())
        for name in await known_receivers(self._client, self._keys):
            if name not in in_force:
                await clear_away(self._client, self._keys, name, self._terms.clock_ms())

    def queue(self, pipe: Any, told: Told) -> None:
        """Let a transaction give a message to all receivers that want it."""
        for name, courier in self._couriers.items():
            if not courier.receiver.wants(told.trigger, told.channel):
                continue
            if courier.n_waiting < self._max_waiting:
                put(pipe, self._keys, name, told)
                self._given.add(name)
            else:
                letter = Letter("queue_full", 0, self._terms.clock_ms())
                set_aside(pipe, self._keys, name, told, letter)
                self._terms.metrics.undelivered.labels(name, "queue_full").inc()

    async def look(self, *, at_all: bool) -> None:
        """Let couriers take in what was given to them; all of them, or those that got something."""
        for name, courier in self._couriers.items():
            if at_all or name in self._given:
                await courier.look()
        self._given.clear()

    async def write_states(self) -> None:
        """Write down how receivers stand."""
        states: dict[str, ReceiverState] = {n: c.state() for n, c in self._couriers.items()}
        await write_states(self._client, self._keys, states)
        metrics = self._terms.metrics
        for name, state in states.items():
            metrics.waiting.labels(name).set(state.n_waiting)
        idle = [one for one in states.values() if one.stopped_at is not None or not one.is_ready]
        metrics.stopped.set(len(idle))

    async def finish(self) -> None:
        """Let messages come to their end that are under way, for a few seconds."""
        for courier in self._couriers.values():
            courier.finish()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=FINISH_SECONDS)

    async def _end(self, name: str) -> None:
        """End a courier at once; what is under way is sent again by the next."""
        del self._couriers[name]
        await end(self._running.pop(name))
