"""HTTP/1.1 from the client's side with as little work as can be: prepared bytes out, bodies in.

For servers that answer with a ``content-length``, one answer a request, in order.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, cast

MAX_LINES = 500  # select, which paces the load, takes no more than about 1,000 sockets
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Answer(NamedTuple):
    """A status, a body, and the head in lower case; status 0: the connection ended first."""

    status: int
    body: bytes
    head: bytes = b""


NO_ANSWER = Answer(0, b"")


def post(path: str, key: str, body: bytes) -> bytes:
    """Return a whole request with a JSON body and a key."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Answers:
    """Cuts what comes from a server into answers, wherever TCP split it.

    >>> answers = Answers()
    >>> answers.feed(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\no"), answers.feed(b"k")
    ([], [Answer(status=200, body=b'ok', head=b'http/1.1 200 ok\\r\\ncontent-length: 2')])
    """

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Answer]:
        """Take in bytes; return the answers that are complete now."""
        self._buffer += data
        found = []
        while (head_end := self._buffer.find(_HEAD_END)) >= 0:
            head = self._buffer[:head_end].lower()
            _, has_length, rest = head.partition(_LENGTH)
            length = int(rest.partition(b"\r\n")[0]) if has_length else 0
            start, end = head_end + len(_HEAD_END), head_end + len(_HEAD_END) + length
            if len(self._buffer) < end:
                break
            found.append(Answer(int(head[9:12]), self._buffer[start:end], head))
            self._buffer = self._buffer[end:]
        return found


class Line(asyncio.Protocol):
    """One connection; calls ``on_answer`` for each answer, with ``NO_ANSWER`` when it is lost."""

    def __init__(self, on_answer: Callable[["Line", Answer], None]) -> None:
        self._on_answer = on_answer
        self._answers = Answers()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def send(self, request: bytes) -> None:
        """Send a request."""
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Hand on what is complete."""
        for answer in self._answers.feed(data):
            self._on_answer(self, answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that no more answers come."""
        self._on_answer(self, NO_ANSWER)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()


class Lines:
    """As many connections to one server as there are requests in flight, up to ``MAX_LINES``.

    A request that finds none waits for one, and its time counts: so it is in an open loop.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[Line] = []
        self._waiting: dict[Line, asyncio.Future[Answer]] = {}
        self._room = asyncio.Semaphore(MAX_LINES)

    async def open(self, n_lines: int) -> None:
        """Connect ahead, so that no request has to."""
        self._idle += [await self._connect() for _ in range(n_lines)]

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer; ``NO_ANSWER`` where none came."""
        async with self._room:
            try:
                line = self._idle.pop() if self._idle else await self._connect()
            except OSError:
                return NO_ANSWER
            answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._waiting[line] = answered
            line.send(request)
            answer = await answered
            if answer.status:
                self._idle.append(line)
            return answer

    def close(self) -> None:
        """End all connections."""
        for line in (*self._idle, *self._waiting):
            line.close()

    async def _connect(self) -> Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: Line(self._take), self._host, self._port)
        return line

    def _take(self, line: Line, answer: Answer) -> None:
        answered = self._waiting.pop(line, None)
        if answered is not None and not answered.done():
            answered.set_result(answer)
        elif not answer.status and line in self._idle:
            self._idle.remove(line)
