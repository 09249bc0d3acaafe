"""What comes of a try, whatever a receiver answers."""

import asyncio
import os
import ssl
from typing import Any

import pytest

from config.webhooks import Receiver
from delivery.sending import Result, Sender, Tried
from tests.delivery.builders import Listener, Webhook, listening

pytestmark = pytest.mark.anyio


async def send(listener: Listener, **changes: Any) -> Tried:
    fields: dict[str, Any] = {"url": listener.url, "allow_networks": ("127.0.0.0/8",)} | changes
    sender = Sender(Receiver(**fields))
    try:
        return await sender.send(b'{"a":1}', {"webhook-id": "m-1"})
    finally:
        await sender.close()


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.TAKEN),
        (204, Result.TAKEN),
        (299, Result.TAKEN),
        (410, Result.GONE),
        (400, Result.REFUSED),
        (404, Result.REFUSED),
        (500, Result.REFUSED),
        (304, Result.REFUSED),
    ],
)
async def test_only_2xx_takes_a_message(status: int, result: Result) -> None:
    async with listening(Listener(answer=lambda _: status)) as listener:
        assert await send(listener) == Tried(result, status)
    assert (listener.got[0].body, listener.got[0].told_id) == (b'{"a":1}', "m-1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    async with listening(Listener()) as elsewhere:
        answer = (
            f"HTTP/1.1 {status} Go\r\nlocation: {elsewhere.url}\r\ncontent-length: 0\r\n\r\n"
        ).encode()
        async with listening(Listener(answer=lambda _: answer)) as listener:
            assert (await send(listener)).result is Result.REFUSED
        assert elsewhere.n_connections == 0


async def test_who_does_not_answer_in_time_has_not_taken_it() -> None:
    async with listening(Listener(wait=lambda _: 60.0)) as slow:
        assert (await send(slow, timeout_seconds=0.2)).result is Result.TIMEOUT


async def test_an_answer_without_end_is_not_listened_to() -> None:
    def answer(_: Webhook) -> bytes:
        return b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 200_000

    async with listening(Listener(answer=answer)) as listener:
        assert (await send(listener, timeout_seconds=5)).result is Result.TAKEN


@pytest.mark.parametrize("answer", [b"what?\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b""])
async def test_what_is_no_answer_takes_nothing(answer: bytes) -> None:
    def broken(webhook: Webhook) -> bytes:
        assert webhook.body
        return answer

    async with listening(Listener(answer=broken)) as listener:
        tried = await send(listener, timeout_seconds=0.5)
    assert tried.result in {Result.UNREACHABLE, Result.TIMEOUT}


async def test_a_wish_to_come_later_is_heard() -> None:
    answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 120\r\ncontent-length: 0\r\n\r\n"
    async with listening(Listener(answer=lambda _: answer)) as listener:
        assert await send(listener) == Tried(Result.REFUSED, 429, 120_000)


@pytest.mark.parametrize(
    "rest",
    [
        b"content-length: 10\r\n\r\n123",
        b"content-length: 10\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nzzz\r\n",
    ],
)
async def test_the_status_counts_although_the_rest_ends_badly_or_never(rest: bytes) -> None:
    async with listening(Listener(answer=lambda _: b"HTTP/1.1 200 OK\r\n" + rest)) as listener:
        assert await send(listener, timeout_seconds=20) == Tried(Result.TAKEN, 200)


def anonymous_tls(side: int) -> ssl.SSLContext:
    """Return TLS that needs no certificate."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
    return context


async def test_rubbish_within_tls_is_a_receiver_that_cannot_be_reached() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        os.write(writer.get_extra_info("socket").fileno(), b"this is no record of TLS")
        writer.close()

    server_side = anonymous_tls(ssl.PROTOCOL_TLS_SERVER)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    receiver = Receiver(url=f"https://127.0.0.1:{port}/", allow_networks=("127.0.0.0/8",))
    sender = Sender(receiver, tls=anonymous_tls(ssl.PROTOCOL_TLS_CLIENT))
    try:
        assert (await sender.send(b"{}", {})).result is Result.UNREACHABLE
    finally:
        await sender.close()
        server.close()
