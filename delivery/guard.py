"""Connects to where a webhook may go and nowhere else.

A name is resolved once, and the connection goes to an address that was looked at: a name that
leads elsewhere a moment later changes nothing. The name still counts for TLS and ``Host``.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from httpcore import (
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
)

from config.webhooks import Network
from delivery.addresses import may_connect, parse_address

MAX_ADDRESSES = 4  # of a name, that are tried

Resolve = Callable[[str, int], Awaitable[list[str]]]


class ForbiddenAddress(ConnectError):
    """A name leads only to addresses that webhooks must not be sent to."""


class Resolver:
    """Asks the system for addresses, one name at a time, in a thread of its own.

    So name servers that are silent hold up one receiver, and neither the others nor Redis.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "resolve")

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name.

        Raises:
            OSError: it has none.
        """
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._thread, ask)
        return [str(address[0]) for *_, address in found]

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class GuardedBackend(AsyncNetworkBackend):
    """Opens connections of one receiver; ``listed`` networks may be private."""

    def __init__(
        self,
        listed: Sequence[Network],
        resolve: Resolve,
        backend: AsyncNetworkBackend | None = None,
    ) -> None:
        self._listed = listed
        self._resolve = resolve
        self._backend = backend or AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the interface says so
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to an address of a host that may be connected to.

        Raises:
            ForbiddenAddress: it has no such address.
            ConnectError: it has no address at all, or none of them answers.
            ConnectTimeout: the last of them is silent.
        """
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise ConnectError(f"no address: {type(error).__name__}") from error
        allowed = [text for text in found if may_connect(parse_address(text), self._listed)]
        if not allowed:
            raise ForbiddenAddress(
                "leads to no public address; allow_networks lists others that are allowed"
            )
        addresses = list(dict.fromkeys(allowed))[:MAX_ADDRESSES]
        # One that is silent leaves the others their share of the time.
        seconds = None if timeout is None else timeout / len(addresses)
        failed: Exception = ConnectError("none of its addresses answers")
        for address in addresses:
            try:
                return await self._backend.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (ConnectError, ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        """Wait, as connections that are retried would; ours are not."""
        await asyncio.sleep(seconds)
