"""Server-sent events: an answer that goes on as long as somebody listens (WHATWG HTML, 9.2)."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import StreamingResponse

from serving.protocol import IS_STREAM

# Proxies would keep events back until there are enough of them (nginx heeds X-Accel-Buffering).
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def sse(request: Request, events: AsyncIterator[bytes]) -> StreamingResponse:
    """Answer with events, which are not timed as other answers are, and end with the server."""
    request.scope[IS_STREAM] = True
    return StreamingResponse(events, headers=_HEADERS, media_type="text/event-stream")


def event(name: str, data: bytes) -> bytes:
    r"""Return an event whose data is one line.

    >>> event("now", b"{}")
    b'event: now\ndata: {}\n\n'
    """
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)
