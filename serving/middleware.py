"""What surrounds every request: counting, timing, CORS, and an answer to what nobody foresaw."""

from collections.abc import Awaitable, Callable
from random import Random
from time import perf_counter

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.answers import refusal_of
from serving.metrics import ServingMetrics
from serving.protocol import IS_STREAM
from serving.receiving import header
from serving.refusals import Refusal
from serving.routes.batch import BATCH_PERSONALIZE_PATH
from serving.routes.catalog import CATALOG_PATH
from serving.routes.collect import COLLECT_PATHS
from serving.routes.personalize import PERSONALIZE_PATH
from serving.tracing import traced

# What pages of the shop call, with the public key.
_OPEN_PATHS = COLLECT_PATHS | {PERSONALIZE_PATH}
_OWN_PATHS = _OPEN_PATHS | {BATCH_PERSONALIZE_PATH, CATALOG_PATH}
UNMATCHED = "unmatched"
MAX_IN_FLIGHT = 1_000  # bounds the memory that bodies take, to 500 MB

log = structlog.get_logger()


class InFlight:
    """How many requests are unanswered now, whichever way they took."""

    def __init__(self, most: int, metrics: ServingMetrics) -> None:
        self.most = most
        self.n_requests = 0
        metrics.requests_in_flight.set_function(lambda: self.n_requests)


class Observed:
    """Times each request by its route; an error that nobody foresaw becomes a plain 500.

    With ``in_flight.most`` requests unanswered, events and questions are refused.
    """

    def __init__(
        self, app: ASGIApp, metrics: ServingMetrics, in_flight: InFlight, rng: Random
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._in_flight = in_flight
        self._rng = rng
        self._observe: dict[tuple[str, int], list[Callable[[float], None]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        send = traced(scope, send, self._rng)

        def watch(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        started = perf_counter()
        in_flight = self._in_flight
        in_flight.n_requests += 1
        try:
            if in_flight.n_requests > in_flight.most and scope["path"] in _OWN_PATHS:
                await _OVERLOADED(scope, receive, watch)
            else:
                await self._app(scope, receive, watch)
        except Exception as error:  # the outermost shell: whatever it is, the sender gets an answer
            _log_failure(scope, error)
            if status == 0:
                status = 500
                await refusal_of(Refusal.INTERNAL, "this should not happen")(scope, receive, send)
        finally:
            in_flight.n_requests -= 1
            if not scope.get(IS_STREAM):
                self._observed(route_of(scope), status, perf_counter() - started)

    def _observed(self, route: str, status: int, seconds: float) -> None:
        # What labels lead to is looked up once: it takes longer than counting.
        observers = self._observe.get((route, status))
        if observers is None:
            observers = [self._metrics.request_seconds.recorder(route, str(status))]
            if 200 <= status < 400:
                observers.append(self._metrics.fine.latencies.recorder(route))
            self._observe[route, status] = observers
        for observe in observers:
            observe(seconds)


_OVERLOADED = refusal_of(Refusal.OVERLOADED, "too many requests at once", retry_after_seconds=1)


def route_of(scope: Scope) -> str:
    """Return the route's template, the same for all paths that match none."""
    path: str = scope["path"]
    if path in _OWN_PATHS:  # FastAPI notes its own routes in the scope, and only those
        return path
    return getattr(scope.get("route"), "path", UNMATCHED)


def _log_failure(scope: Scope, error: Exception) -> None:
    # Neither message nor values: they may hold what a visitor sent.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    log.error(
        "request_failed",
        route=route_of(scope),
        error=type(error).__name__,
        file=trace and trace.tb_frame.f_code.co_filename,
        line=trace and trace.tb_lineno,
    )


class OpenCors:
    """Lets pages of the given origins send events and ask what to show, and nothing else.

    Credentials are allowed because ``sendBeacon`` always asks for them; we set and read no cookie.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("POST",),
            allow_headers=(
                "Authorization",
                "Content-Encoding",
                "Content-Type",
                "Traceparent",
                "Tracestate",
            ),
            allow_credentials=True,
            expose_headers=("Retry-After", "Server-Timing", "Traceparent"),
            max_age=24 * 60 * 60,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        is_open = scope["type"] == "http" and scope["path"] in _OPEN_PATHS
        # Without an origin it is no page that asks.
        is_page = is_open and header(scope, b"origin") != b""
        await (self._cors if is_page else self._app)(scope, receive, send)


class ShortWay:
    """Leads questions of pages past everything that they have no need of.

    What FastAPI puts round an endpoint takes as long as making the decision. ``way`` and ``app``
    each come with what must surround them.
    """

    def __init__(self, app: ASGIApp, way: ASGIApp) -> None:
        self._app = app
        self._way = way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        is_question = (
            scope["type"] == "http"
            and scope["path"] == PERSONALIZE_PATH
            and scope["method"] == "POST"
        )
        await (self._way if is_question else self._app)(scope, receive, send)
