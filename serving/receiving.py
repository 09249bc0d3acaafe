"""Takes a request's body in, counted as it comes and not waited for without end."""

import asyncio

from starlette.types import Receive, Scope

from serving.bodies import check_size, decompress
from serving.protocol import IS_WHOLE
from serving.refusals import Refusal, Refused

BODY_SECONDS = 10.0


async def receive_body(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """Return the body, unpacked; neither packed nor unpacked has it more than ``limit`` bytes.

    Raises:
        Refused: it is larger, takes longer than ``seconds``, breaks off, or cannot be unpacked.
    """
    announced = header(scope, b"content-length")
    check_size(int(announced) if announced.isdigit() else 0, limit)
    if IS_WHOLE in scope:
        body = await _receive(receive, limit)  # without a timer, which takes as long as this
    else:
        try:
            async with asyncio.timeout(seconds):
                body = await _receive(receive, limit)
        except TimeoutError as error:
            raise Refused(Refusal.BODY_TIMEOUT, "the body took too long") from error
    return decompress(body, header(scope, b"content-encoding").decode("latin-1").lower(), limit)


def header(scope: Scope, name: bytes) -> bytes:
    """Return a header by its name in lower case, empty where there is none."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for key, value in headers:
        if key == name:
            return value
    return b""


async def _receive(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    n_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(Refusal.DISCONNECTED, "the sender went away")
        chunk: bytes = message.get("body", b"")
        n_bytes += len(chunk)
        check_size(n_bytes, limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
