"""What tests of the deliverer begin with: firings in outboxes, and a receiver that listens."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from config.events import SUBJECT_FIELD
from config.fired import FIRED_FIELD, Fired, encode_fired
from config.keys import Ids, Keys

IDS = Ids(secret=b"1" * 32, n_shards=4)
KEYS = Keys("shop")
SECRET = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
FAR = 4_000_000_000_000  # 2096


def a_firing(number: int = 1, user_id: str = "ann", **changes: Any) -> Fired:
    """Return the n-th firing of a user."""
    subject = IDS.known(user_id)
    fields: dict[str, Any] = {
        "firing_id": f"{user_id}-{number}",
        "trigger": "idle",
        "why": "absence",
        "channel": "email",
        "shard": subject.shard,
        "digest": subject.digest,
        "user_id": user_id,
        "anonymous_id": None,
        "due_at": 1_700_000_000_000,
        "fired_at": 1_700_000_000_000,
        "expires_at": FAR,
    }
    return Fired(**(fields | changes))


def fire(client: redis.Redis, *firings: Fired) -> None:
    """Write firings into the outboxes of their shards, as the profile flow does."""
    for fired in firings:
        fields: Any = {FIRED_FIELD: encode_fired(fired), SUBJECT_FIELD: fired.digest}
        client.xadd(KEYS.triggers(fired.shard), fields)


@dataclass
class Webhook:
    """A request as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def told_id(self) -> str:
        return self.headers["webhook-id"]

    def data(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)["data"]
        return told


@dataclass
class Listener:
    """A receiver on a port of this machine; ``answer`` gives the status, or the whole answer."""

    answer: Callable[[Webhook], int | bytes] = lambda _: 204
    wait: Callable[[Webhook], float] = lambda _: 0.0
    url: str = ""
    got: list[Webhook] = field(default_factory=list)
    n_connections: int = 0

    def ids(self) -> list[str]:
        return [webhook.told_id for webhook in self.got]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        try:
            while line := await reader.readline():
                assert line.startswith(b"POST ")
                headers: dict[str, str] = {}
                while (header := await reader.readline()) not in (b"\r\n", b""):
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers["content-length"]))
                webhook = Webhook(headers, body)
                self.got.append(webhook)
                await asyncio.sleep(self.wait(webhook))
                answer = self.answer(webhook)
                if isinstance(answer, int):
                    answer = b"HTTP/1.1 %d So\r\ncontent-length: 0\r\n\r\n" % answer
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[Listener]:
    """Let a receiver listen meanwhile."""
    server = await asyncio.start_server(listener.handle, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield listener
    finally:
        server.close()


def a_receiver(listener: Listener, name: str = "tool", **more: Any) -> str:
    """Return the table of a receiver on this machine."""
    fields = {
        "url": listener.url,
        "secret_env": "TOOL_SECRET",
        "allow_http": True,
        "allow_networks": ["127.0.0.0/8"],
    } | more
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    return "\n".join([f"[receivers.{name}]", *lines, ""])
