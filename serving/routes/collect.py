"""Where events come in: the routes of the Segment protocol, long and short.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.events import EventType
from serving.access import key_in_header
from serving.answers import answer
from serving.bodies import MAX_BATCH_BYTES, MAX_EVENT_BYTES
from serving.dependencies import State
from serving.health import Missing, Watcher
from serving.receiving import BODY_SECONDS, receive_body
from serving.refusals import Refusal, Refused

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
IMPORT_PATH = "/v1/import"
BATCH_PATHS = ("/v1/batch", "/v1/b", IMPORT_PATH)
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
        collector = request.state["collector"]
        imports = request.url.path == IMPORT_PATH
        try:
            body, key, with_ids = await self._read(request, MAX_BATCH_BYTES)
        except Refused:
            if imports:
                await collector.hold_time(key_in_header(request.headers.get("authorization")))
            raise
        reply = await collector.collect_batch(body, key, with_ids=with_ids, imports=imports)
        return answer(reply)

    async def _read(self, request: Request[State], limit: int) -> tuple[bytes, str | None, bool]:
        """Return the body, the key in the header, and whether log ids are asked for."""
        check_open(request.state["watcher"])
        with_ids = _flag(request, "ids")
        key = key_in_header(request.headers.get("authorization"))
        body = await receive_body(request.scope, request.receive, limit, self.body_seconds)
        return body, key, with_ids


def check_open(watcher: Watcher) -> None:
    """Refuse what would have to be written while Redis is full or unsafe.

    Raises:
        Refused: it is.
    """
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
