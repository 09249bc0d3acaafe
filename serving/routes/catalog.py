"""Where a shop says what it sells; for holders of the secret key."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.access import key_in_header
from serving.answers import answer
from serving.catalog_lines import MAX_CATALOG_BYTES
from serving.dependencies import State
from serving.receiving import BODY_SECONDS, receive_body
from serving.routes.collect import check_open

CATALOG_PATH = "/v1/catalog"


@dataclass(frozen=True, slots=True)
class CatalogRoute:
    """The endpoint; ``body_seconds`` is how long a sender may take for its body."""

    body_seconds: float

    async def put(self, request: Request[State]) -> Response:
        """Take lines in: a product each, to be put in or taken out."""
        key = key_in_header(request.headers.get("authorization"))
        request.state["collector"].key_ring.secret_caller(key)
        check_open(request.state["watcher"])
        body = await receive_body(
            request.scope, request.receive, MAX_CATALOG_BYTES, self.body_seconds
        )
        return answer(await request.state["catalog_writer"].write(body))


def catalog_route(body_seconds: float = BODY_SECONDS) -> Route:
    """Return the route."""
    return Route(CATALOG_PATH, CatalogRoute(body_seconds).put, methods=["PUT"])
