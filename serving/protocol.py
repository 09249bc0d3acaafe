"""HTTP that does not wait for ever: uvicorn gives senders all the time they like for headers.

It also sends the head of an answer together with its body: each piece that is handed to the system
costs as much time as encoding the answer.
"""

import asyncio
from asyncio import TimerHandle, Transport

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
IS_STREAM = "shopkeeper.is_stream"  # in a scope: it is answered as long as somebody listens
# Of an answer; one that says "100 Continue" is not the answer yet.
_HEAD_BEGINNINGS = (b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4", b"HTTP/1.1 5")


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request's headers do not come in time.

    The body is the route's to time, and the silence between two requests is uvicorn's.
    """

    header_seconds = HEADER_SECONDS
    _header_timer: TimerHandle | None = None
    _in_headers = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        self._joined = JoinedWrites(transport)
        super().connection_made(self._joined)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take data in; start to wait where the headers of a later request are not whole."""
        super().data_received(data)
        if self._in_headers and self._header_timer is None:
            self._wait_for_headers()

    def on_message_begin(self) -> None:
        """Note that headers follow; mostly, they are there already."""
        super().on_message_begin()
        self._in_headers = True

    def on_headers_complete(self) -> None:
        """Stop waiting."""
        self._in_headers = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """See to it that also an answer without a body leaves."""
        self._joined.flush()
        super().on_response_complete()

    def shutdown(self) -> None:
        """End with the server; an answer that lasts as long as somebody listens ends now."""
        super().shutdown()
        scope: HTTPScope | None = self.scope  # None until a request comes
        if scope is not None and scope.get(IS_STREAM):
            self.transport.close()

    def _wait_for_headers(self) -> None:
        loop = asyncio.get_running_loop()
        self._header_timer = loop.call_later(self.header_seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


class JoinedWrites(Transport):
    """Keeps the head of an answer back until the first piece of its body, or until ``flush``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data, after what was kept back."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data[:10] in _HEAD_BEGINNINGS:
            self._head = bytes(data)
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Send what was kept back."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Close the connection once all is sent."""
        self.flush()
        self._transport.close()
