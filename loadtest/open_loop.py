"""Sends batches to collect at planned times, however long the server takes for the last ones."""

import asyncio
import time
from dataclasses import dataclass
from random import Random

import orjson

from config.keys import Ids
from config.log_ids import LogId, log_id

N_USERS = 10_000
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Sent:
    """One batch: when it was due (wall time, s), how long until the reply, its entries by shard.

    Without entries: it was not accepted.
    """

    due_at: float
    reply_ms: float
    entries: list[tuple[int, LogId]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How many events a second, how many in a batch, for how long."""

    events_per_second: int
    batch_events: int
    seconds: float
    seed: int


def send_open_loop(host: str, port: int, key: str, ids: Ids, schedule: Schedule) -> list[Sent]:
    """Send the schedule and return what became of each batch."""
    return asyncio.run(_OpenLoop(host, port, key, ids, schedule).run())


class _OpenLoop:
    def __init__(self, host: str, port: int, key: str, ids: Ids, schedule: Schedule) -> None:
        self._host, self._port, self._key = host, port, key
        self._ids, self._schedule = ids, schedule
        self._random = Random(schedule.seed)
        self._idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._idle = asyncio.Queue()

    async def run(self) -> list[Sent]:
        schedule = self._schedule
        for _ in range(_CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection(self._host, self._port))
        period = schedule.batch_events / schedule.events_per_second
        began, tasks = time.time() + 0.1, []
        for number in range(int(schedule.seconds / period)):
            users, request = self._request(number)
            due_at = began + number * period
            await asyncio.sleep(max(due_at - time.time(), 0))
            tasks.append(asyncio.create_task(self._send(due_at, users, request)))
        sent = await asyncio.gather(*tasks)
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()
        return sent

    async def _send(self, due_at: float, users: list[str], request: bytes) -> Sent:
        reader, writer = await self._idle.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        reply = orjson.loads(await reader.readexactly(length))
        reply_ms = 1000 * (time.time() - due_at)
        self._idle.put_nowait((reader, writer))
        entries = [
            (self._ids.known(user).shard, log_id(entry))
            for user, entry in zip(users, reply.get("ids", ()), strict=False)
        ]
        return Sent(due_at, reply_ms, entries)

    def _request(self, number: int) -> tuple[list[str], bytes]:
        rng, seed = self._random, self._schedule.seed
        users = [f"user-{rng.randrange(N_USERS)}" for _ in range(self._schedule.batch_events)]
        events = [
            {
                "type": "track",
                "event": "Product Viewed",
                "messageId": f"append-{seed}-{number}-{index}",
                "userId": user,
                "properties": _product(rng.randrange(10_000)),
                "context": {"locale": "en-GB", "page": {"path": "/"}},
            }
            for index, user in enumerate(users)
        ]
        body = orjson.dumps({"batch": events})
        head = (
            f"POST /v1/batch?ids=true HTTP/1.1\r\nhost: {self._host}\r\n"
            f"authorization: Bearer {self._key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return users, head.encode() + body


def _product(number: int) -> dict[str, object]:
    return {
        "product_id": f"product-{number}",
        "category": f"category-{number % 200}",
        "brand": f"brand-{number % 400}",
        "price": 1.0 + number % 997,
    }
