"""A receiver of webhooks, to be killed: it writes down what comes, then answers.

``python -m loadtest.receiver PORT FILE``: each message becomes a line of JSON, which is there
before the answer is sent.
"""

import asyncio
import hashlib
import json
import os
import sys
from typing import Any, NamedTuple

ANSWER_SECONDS = 0.004  # so that there is a time in which it has been told and has not answered


class Received(NamedTuple):
    """A message: its id, whom and which product it is about, and a hash of its bytes."""

    told_id: str
    user: str
    product: str
    digest: str


def read_received(text: str) -> list[Received]:
    """Return what a receiver wrote down; a line that a kill cut off was not answered."""
    whole = text[: text.rfind("\n") + 1]
    return [Received(*json.loads(line)) for line in whole.splitlines()]


class Receiver:
    """Writes into ``file``, one write a line."""

    def __init__(self, file: int) -> None:
        self._file = file

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take messages from one connection."""
        try:
            while await reader.readline():
                headers = await _headers(reader)
                body = await reader.readexactly(int(headers["content-length"]))
                line = json.dumps(received(headers["webhook-id"], body))
                os.write(self._file, f"{line}\n".encode())
                await asyncio.sleep(ANSWER_SECONDS)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def received(told_id: str, body: bytes) -> Received:
    """Return what is written down of a message."""
    data: Any = json.loads(body)["data"]
    product = data["productIds"][0] if data["productIds"] else ""
    return Received(told_id, data["userId"], product, hashlib.sha256(body).hexdigest()[:16])


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return headers


async def _serve(port: int, path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    server = await asyncio.start_server(Receiver(file).handle, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
