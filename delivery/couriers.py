"""A courier for each receiver that is in force; what is told goes into their queues."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from config.keys import Keys
from config.receiver_states import ReceiverState
from config.told import Letter, Reason, Told
from delivery.courier import Courier, Terms
from delivery.queues import Queue, set_aside
from delivery.receivers import InForce
from delivery.sending import Sender
from delivery.tasks import Tasks, end
from delivery.upkeep import clear_away, known_receivers, write_states

FINISH_SECONDS = 5.0


class Couriers:
    """The couriers of one session; their tasks belong to ``tasks``, which end with it."""

    def __init__(self, client: Redis, keys: Keys, terms: Terms, tasks: Tasks) -> None:
        self._client = client
        self._keys = keys
        self._terms = terms
        self._tasks = tasks
        self._couriers: dict[str, Courier] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        # What the transaction that is being written gives to each, and sets aside of which trigger.
        self._given: Counter[str] = Counter()
        self._aside: list[tuple[str, str]] = []

    async def use(self, in_force: Mapping[str, InForce]) -> None:
        """Start couriers of receivers that are new or changed, end those that are gone."""
        for name, courier in list(self._couriers.items()):
            if in_force.get(name) != (courier.receiver, courier.keys):
                await self._end(name)
        for name, (receiver, signing_keys) in in_force.items():
            if name not in self._couriers:
                queue = Queue(self._client, self._keys, name, self._terms.max_undelivered)
                sender = Sender(receiver)
                courier = Courier(name, receiver, signing_keys, queue, sender, self._terms)
                self._terms.metrics.show(name)
                await write_states(self._client, self._keys, {name: courier.state()})
                await courier.start()
                self._couriers[name] = courier
                self._running[name] = self._tasks.start(courier.run())
        for name in await known_receivers(self._client, self._keys):
            if name not in in_force:
                await clear_away(self._client, self._keys, name, self._terms)

    def queue(self, pipe: Any, told: Told, fields: dict[bytes, bytes | str]) -> None:
        """Let a transaction give a message, as these fields, to all receivers that want it."""
        for name, courier in self._couriers.items():
            if not courier.receiver.wants(told.trigger, told.channel):
                continue
            if courier.n_waiting + self._given[name] < self._terms.max_waiting:
                pipe.xadd(self._keys.waiting(name), fields)
                self._given[name] += 1
            else:
                letter = Letter(Reason.QUEUE_FULL, 0, self._terms.clock_ms())
                most = self._terms.max_undelivered
                set_aside(pipe, self._keys.undelivered(name), told, letter, most)
                self._aside.append((name, told.trigger))

    async def take_in(self) -> None:
        """Let couriers take in what a transaction gave them that was written."""
        for name, trigger in self._aside:
            self._terms.metrics.gave_up(name, trigger, Reason.QUEUE_FULL)
        given = [name for name, n_given in self._given.items() if n_given]
        self._aside.clear()
        self._given.clear()
        for name in given:
            await self._couriers[name].look()

    async def look(self) -> None:
        """Let all couriers take in what came into their queues."""
        for courier in self._couriers.values():
            await courier.look()

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
