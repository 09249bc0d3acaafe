"""Sends one signed webhook and says what came of it. No redirect is followed, no proxy is used."""

import asyncio
import ssl
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import httpcore

from config.webhooks import Receiver
from delivery.guard import ForbiddenAddress, GuardedBackend, Resolve, Resolver

MAX_ANSWER_BYTES = 64 * 1024  # of an answer; a connection whose answer is longer is closed
DRAIN_SECONDS = 1.0  # for the rest of an answer whose status is known
_KEEP_ALIVE_SECONDS = 20.0


class Result(StrEnum):
    """What came of a try; a closed set, also a label."""

    TAKEN = "taken"
    REFUSED = "refused"  # an answer other than 2xx
    GONE = "gone"  # 410: nothing shall come any more
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    FORBIDDEN = "forbidden"  # leads to an address that is not allowed


class Tried(NamedTuple):
    """The result of a try, the status if there was an answer, and what the receiver wishes."""

    result: Result
    status: int = 0
    wish_ms: int = 0

    def told(self) -> str:
        """Return it in a word or two, for people."""
        return f"{self.result} {self.status}" if self.status else str(self.result)


class Sender:
    """The connections to one receiver."""

    def __init__(
        self,
        receiver: Receiver,
        resolve: Resolve | None = None,
        backend: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = receiver.url
        self._seconds = receiver.timeout_seconds
        self._resolver = Resolver()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or _default_tls(),
            max_connections=receiver.at_once,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=GuardedBackend(
                receiver.networks(), resolve or self._resolver.resolve, backend
            ),
        )

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Tried:
        """Send a body and return what came of it.

        The status decides, which is waited for as long as ``timeout_seconds``; whether the rest of
        the answer comes changes nothing.
        """
        tried: Tried | None = None
        whole = {"content-type": "application/json", "user-agent": "Shopkeeper", **headers}
        try:
            async with (
                asyncio.timeout(self._seconds) as limit,
                self._pool.stream(
                    "POST",
                    self._url,
                    headers=[(name.encode(), value.encode()) for name, value in whole.items()],
                    content=body,
                    extensions={"timeout": {"connect": self._seconds}},
                ) as response,
            ):
                tried = tried_of(response.status, response.headers)
                limit.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)
                await _drain(response)
        except (TimeoutError, httpcore.TimeoutException):
            return tried or Tried(Result.TIMEOUT)
        except ForbiddenAddress:
            return Tried(Result.FORBIDDEN)
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            OSError,  # such as an ssl.SSLError after the handshake, which httpcore lets through
        ):
            return tried or Tried(Result.UNREACHABLE)
        return tried

    async def close(self) -> None:
        """Close all connections."""
        self._resolver.close()
        await self._pool.aclose()


@cache
def _default_tls() -> ssl.SSLContext:
    """Return what all connections share: reading the authorities again takes many ms each time."""
    return httpcore.default_ssl_context()


async def _drain(response: httpcore.Response) -> None:
    """Read the rest of an answer, so that its connection may be used again."""
    n_bytes = 0
    async for chunk in response.aiter_stream():
        n_bytes += len(chunk)
        if n_bytes > MAX_ANSWER_BYTES:
            return


def tried_of(status: int, headers: list[tuple[bytes, bytes]]) -> Tried:
    """Return what an answer means; ``Retry-After`` counts where it is in seconds.

    >>> tried_of(503, [(b"Retry-After", b"30")])
    Tried(result=<Result.REFUSED: 'refused'>, status=503, wish_ms=30000)
    """
    if 200 <= status < 300:
        return Tried(Result.TAKEN, status)
    if status == 410:
        return Tried(Result.GONE, status)
    wishes = (value for name, value in headers if name.lower() == b"retry-after")
    wish = next(wishes, b"")
    seconds = int(wish) if wish.isdigit() and len(wish) < 9 else 0
    return Tried(Result.REFUSED, status, 1000 * seconds)
