"""The application: what it is made of, how its parts start and stop, how errors are answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from signal import SIGTERM, raise_signal
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from config.events import InvalidEvent
from config.placements import Placement
from serving.answers import refusal, refusal_of
from serving.batching import BatchPersonalizer
from serving.cataloging import CatalogWriter
from serving.collecting import Collector
from serving.dashboard import Dashboard
from serving.decision_reading import DecisionReader
from serving.dependencies import State
from serving.experiments import ExperimentReader
from serving.health import Watcher
from serving.metric_pages import MetricPages
from serving.metrics import ServingMetrics
from serving.middleware import MAX_IN_FLIGHT, InFlight, Observed, OpenCors, ShortWay
from serving.openapi import describe
from serving.personalizing import Personalizer
from serving.receiving import BODY_SECONDS
from serving.refusals import Refusal, Refused
from serving.reloading import CampaignFile
from serving.routes import customers, experiments, operations, pages, triggers
from serving.routes import dashboard as dashboard_routes
from serving.routes import decisions as decision_routes
from serving.routes.batch import BATCH_PERSONALIZE_PATH, BatchPersonalizeRoute
from serving.routes.catalog import catalog_route
from serving.routes.collect import collect_routes
from serving.routes.personalize import PERSONALIZE_PATH, PersonalizeRoute
from serving.trigger_feed import TriggerFeed
from serving.users import UserReader

DOCS_FILES_PATH = "/docs-files"
_STOP_SECONDS = 0.25

log = structlog.get_logger()


Background = Callable[[], Coroutine[Any, Any, None]]


def create_app(
    *,
    collector: Collector,
    personalizer: Personalizer,
    campaign_file: CampaignFile,
    catalog_writer: CatalogWriter,
    dashboard: Dashboard,
    decisions: DecisionReader,
    watcher: Watcher,
    users: UserReader,
    experiment_reader: ExperimentReader,
    trigger_feed: TriggerFeed,
    metrics: ServingMetrics,
    metric_pages: MetricPages,
    cors_origins: Sequence[str],
    background: Sequence[Background],
    on_stop: Callable[[], Awaitable[None]],
    body_seconds: float = BODY_SECONDS,
    max_in_flight: int = MAX_IN_FLIGHT,
) -> ASGIApp:
    """Return the application; production and tests differ only in what they pass.

    ``background`` runs beside the requests and is stopped in its order; ``on_stop`` closes what the
    caller opened for it.
    """
    state = State(
        campaign_file=campaign_file,
        catalog_writer=catalog_writer,
        collector=collector,
        dashboard=dashboard,
        experiments=experiment_reader,
        decisions=decisions,
        metric_pages=metric_pages,
        metrics=metrics,
        personalizer=personalizer,
        trigger_feed=trigger_feed,
        users=users,
        watcher=watcher,
    )
    app = FastAPIOffline(
        title="Shopkeeper",
        description="Events in, decisions out.",
        redoc_url=None,
        static_url=DOCS_FILES_PATH,
        redirect_slashes=False,
        lifespan=_lifespan(state, watcher, background, on_stop),
    )
    personalize = PersonalizeRoute(body_seconds)
    app.router.routes.extend([*collect_routes(body_seconds), catalog_route(body_seconds)])
    app.router.routes.append(Route(PERSONALIZE_PATH, personalize, methods=["POST"]))
    batches = BatchPersonalizeRoute(BatchPersonalizer(personalizer), body_seconds)
    app.router.routes.append(Route(BATCH_PERSONALIZE_PATH, batches, methods=["POST"]))
    app.include_router(customers.router)
    app.include_router(experiments.router)
    app.include_router(dashboard_routes.router)
    app.include_router(triggers.router)
    app.include_router(pages.router)
    app.include_router(decision_routes.router)
    app.include_router(operations.router)
    _describe_lazily(app, personalizer.shop.placements)
    app.add_middleware(OpenCors, origins=tuple(cors_origins))
    in_flight, rng = InFlight(max_in_flight, metrics), Random()
    app.add_middleware(Observed, metrics=metrics, in_flight=in_flight, rng=rng)
    app.add_exception_handler(Refused, _answer_refused)
    app.add_exception_handler(InvalidEvent, _answer_invalid)
    app.add_exception_handler(RequestValidationError, _answer_bad_query)
    app.add_exception_handler(HTTPException, _answer_http)
    way = OpenCors(personalize, origins=tuple(cors_origins))
    return ShortWay(app, Observed(way, metrics, in_flight, rng))


def _describe_lazily(app: FastAPI, placements: Mapping[str, Placement]) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app.title, app.description, app.routes, placements)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _lifespan(
    state: State,
    watcher: Watcher,
    background: Sequence[Background],
    on_stop: Callable[[], Awaitable[None]],
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        await watcher.look()
        tasks = [asyncio.create_task(run()) for run in (*background, watcher.run)]
        for task in tasks:
            task.add_done_callback(_stop_if_broken)
        try:
            yield state
        finally:
            for task in tasks:
                await _stop(task)
            await on_stop()

    return lifespan


async def _stop(task: asyncio.Task[None]) -> None:
    # Not once: redis-py sends through wait_for, which on Python 3.11 swallows a cancellation that
    # comes in the very moment when it is done (https://github.com/python/cpython/issues/86296).
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_STOP_SECONDS)


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
