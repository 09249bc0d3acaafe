"""The application: what it is made of, how its parts start and stop, how errors are answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from signal import SIGTERM, raise_signal

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from config.events import InvalidEvent
from serving.answers import refusal, refusal_of
from serving.collecting import Collector
from serving.dependencies import State
from serving.event_log import EventLog
from serving.health import Watcher
from serving.metrics import ServingMetrics
from serving.middleware import MAX_IN_FLIGHT, CollectCors, Observed
from serving.refusals import Refusal, Refused
from serving.routes import customers, operations
from serving.routes.collect import BODY_SECONDS, collect_routes
from serving.users import UserReader

log = structlog.get_logger()


def create_app(
    *,
    collector: Collector,
    event_log: EventLog,
    watcher: Watcher,
    users: UserReader,
    metrics: ServingMetrics,
    cors_origins: Sequence[str],
    on_stop: Callable[[], Awaitable[None]],
    body_seconds: float = BODY_SECONDS,
    max_in_flight: int = MAX_IN_FLIGHT,
) -> FastAPI:
    """Return the application; production and tests differ only in what they pass.

    ``on_stop`` closes what the caller opened for it.
    """
    state = State(collector=collector, metrics=metrics, users=users, watcher=watcher)
    app = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(state, event_log, watcher, on_stop),
    )
    app.router.routes.extend(collect_routes(body_seconds))
    app.include_router(customers.router)
    app.include_router(operations.router)
    app.add_middleware(CollectCors, origins=tuple(cors_origins))
    app.add_middleware(Observed, metrics=metrics, max_in_flight=max_in_flight)
    app.add_exception_handler(Refused, _answer_refused)
    app.add_exception_handler(InvalidEvent, _answer_invalid)
    app.add_exception_handler(RequestValidationError, _answer_bad_query)
    app.add_exception_handler(HTTPException, _answer_http)
    return app


def _lifespan(
    state: State, event_log: EventLog, watcher: Watcher, on_stop: Callable[[], Awaitable[None]]
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        await watcher.look()
        tasks = [asyncio.create_task(event_log.run()), asyncio.create_task(watcher.run())]
        for task in tasks:
            task.add_done_callback(_stop_if_broken)
        try:
            yield state
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await on_stop()

    return lifespan


def _stop_if_broken(task: asyncio.Task[None]) -> None:
    """End the server when a part of it has died; the supervisor starts another."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("server_broken", error=type(task.exception()).__name__)
        raise_signal(SIGTERM)


async def _answer_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    request.state.metrics.refused_requests.labels(error.reason).inc()
    return refusal(error)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidEvent)
    request.state.metrics.refused_requests.labels(error.reason).inc()
    return refusal_of(error.reason, error.detail)


async def _answer_bad_query(_request: Request, _error: Exception) -> Response:
    return refusal_of(Refusal.BAD_QUERY, "a query parameter is not what it should be")


async def _answer_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return refusal_of(Refusal.METHOD_NOT_ALLOWED, "this path has other methods")
    return refusal_of(Refusal.NOT_FOUND, "there is nothing here")
