"""Where events come in: the routes of the Segment protocol, long and short.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from config.events import EventType
from serving.access import key_in_header
from serving.answers import answer
from serving.bodies import MAX_BATCH_BYTES, MAX_EVENT_BYTES, check_size, decompress
from serving.dependencies import State
from serving.health import Missing, Watcher
from serving.refusals import Refusal, Refused

BODY_SECONDS = 10.0

SINGLE_PATHS: dict[str, EventType] = {
    "/v1/track": "track",
    "/v1/page": "page",
    "/v1/screen": "screen",
    "/v1/identify": "identify",
    "/v1/alias": "alias",
    "/v1/group": "group",
    "/v1/t": "track",
    "/v1/p": "page",
    "/v1/s": "screen",
    "/v1/i": "identify",
    "/v1/a": "alias",
    "/v1/g": "group",
}
BATCH_PATHS = ("/v1/batch", "/v1/b", "/v1/import")
COLLECT_PATHS = frozenset((*SINGLE_PATHS, *BATCH_PATHS))


@dataclass(frozen=True, slots=True)
class CollectRoutes:
    """The endpoints; ``body_seconds`` is how long a sender may take for its body."""

    body_seconds: float = BODY_SECONDS

    async def one(self, request: Request[State]) -> Response:
        """Take one event in; the path says of which type."""
        body, key, with_ids = await self._read(request, MAX_EVENT_BYTES)
        collector = request.state["collector"]
        kind = SINGLE_PATHS[request.url.path]
        return answer(await collector.collect_one(body, kind, key, with_ids=with_ids))

    async def batch(self, request: Request[State]) -> Response:
        """Take a batch in; the events say of which type they are."""
        body, key, with_ids = await self._read(request, MAX_BATCH_BYTES)
        collector = request.state["collector"]
        return answer(await collector.collect_batch(body, key, with_ids=with_ids))

    async def _read(self, request: Request[State], limit: int) -> tuple[bytes, str | None, bool]:
        """Return the body, the key in the header, and whether log ids are asked for."""
        _check_open(request.state["watcher"])
        with_ids = _flag(request, "ids")
        key = key_in_header(request.headers.get("authorization"))
        return await self._body(request, limit), key, with_ids

    async def _body(self, request: Request[State], limit: int) -> bytes:
        announced = request.headers.get("content-length", "")
        check_size(int(announced) if announced.isascii() and announced.isdigit() else 0, limit)
        try:
            async with asyncio.timeout(self.body_seconds):
                body = await _read_body(request, limit)
        except TimeoutError as error:
            raise Refused(Refusal.BODY_TIMEOUT, "the body took too long") from error
        except ClientDisconnect as error:
            raise Refused(Refusal.DISCONNECTED, "the sender went away") from error
        return decompress(body, request.headers.get("content-encoding", "").lower(), limit)


async def _read_body(request: Request[State], limit: int) -> bytes:
    chunks: list[bytes] = []
    n_bytes = 0
    async for chunk in request.stream():
        n_bytes += len(chunk)
        check_size(n_bytes, limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _check_open(watcher: Watcher) -> None:
    look = watcher.last
    if Missing.MEMORY in look.missing:
        raise Refused(Refusal.MEMORY_FULL, "Redis has too little memory left", 5)
    unsafe = look.unsafe()
    if unsafe is not None:
        raise Refused(Refusal.NOT_READY, f"events would not be safe: {unsafe}", 5)


def _flag(request: Request[State], name: str) -> bool:
    said = request.query_params.get(name, "false")
    if said not in ("true", "false"):
        raise Refused(Refusal.BAD_QUERY, f"{name}: true or false is allowed")
    return said == "true"


def collect_routes(body_seconds: float = BODY_SECONDS) -> list[Route]:
    """Return the routes.

    They are Starlette's own: finding out what an endpoint depends on costs FastAPI more time than
    all that happens to an event.
    """
    routes = CollectRoutes(body_seconds)
    return [
        *(Route(path, routes.one, methods=["POST"]) for path in SINGLE_PATHS),
        *(Route(path, routes.batch, methods=["POST"]) for path in BATCH_PATHS),
    ]
