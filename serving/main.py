"""Starts a server: settings in, connections made, parts put together, HTTP until a signal."""

import asyncio
import gc
import secrets as tokens
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import structlog
import uvicorn
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from starlette.types import ASGIApp

from config.announcements import Announcement
from config.durations import DAY_MS
from config.errors import SettingsError
from config.keys import Ids, Keys
from config.settings import Secrets, Settings
from online_models.budgets import Given
from online_models.dense import DenseModels
from online_models.kinds import KINDS
from online_models.recommender import Recommender
from online_models.warm import warm
from processes.metrics import serve_metrics
from serving.access import KeyRing
from serving.announcing import Neighbours
from serving.app import Background, create_app
from serving.catalog import Catalog
from serving.cataloging import CatalogWriter
from serving.collecting import Collector
from serving.context_features import context_features
from serving.creation import settle_creation
from serving.dashboard import Dashboard
from serving.decision import Shop
from serving.decision_log import DROPS, DecisionLog
from serving.decision_reading import DecisionReader
from serving.event_log import ANSWER_SECONDS, EventLog
from serving.experiments import ExperimentReader, RedisSums
from serving.figures import FiguresPublisher
from serving.finding import Finder
from serving.followed import (
    follow_catalog,
    follow_dense,
    follow_given,
    follow_popularity,
    follow_steps,
)
from serving.health import Look, Missing, Watcher
from serving.limits import RateLimit, limits_of
from serving.listening import TellingServer, listen
from serving.metric_pages import MetricPages
from serving.metrics import ServingMetrics
from serving.middleware import MAX_IN_FLIGHT
from serving.noting import Notes
from serving.personalizing import Personalizer
from serving.picture import Around
from serving.protocol import PatientProtocol
from serving.reading import Rules
from serving.receiving import BODY_SECONDS
from serving.reloading import CampaignFile, FileState
from serving.remembered import stored
from serving.slow import SlowDecisions
from serving.store import StateReads
from serving.tokens import Tokens
from serving.trigger_feed import SOCKET_SECONDS, TriggerFeed
from serving.users import UserReader

READ_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 5
DECISION_LOG_SECONDS = 1.0

log = structlog.get_logger()


def run_server(
    settings: Settings,
    secrets: Secrets,
    sock: socket.socket | None = None,
    server_id: str | None = None,
) -> None:
    """Serve on ``sock``, else on the host and port of the settings, until SIGTERM or SIGINT.

    Raises:
        SettingsError: there is no Redis to connect to, the port is taken, or the data was created
            with other settings.
    """
    if not settings.redis.url:
        raise SettingsError("[redis] url: a server needs the address of a Redis")
    ids = Ids(bytes.fromhex(secrets.secret), settings.redis.shards)
    asyncio.run(_check_creation(settings, ids))
    listener = sock or listen(settings.server.host, settings.server.port)
    registry = CollectorRegistry()
    host, port = settings.server.host, settings.server.metrics_port
    # A port of this process alone; the other is shared with others.
    _, announcement = serve_metrics(registry, "server", host, port, "server")
    server_id = server_id or f"s-{tokens.token_hex(4)}"
    config = uvicorn.Config(
        build_app(settings, secrets, registry=registry, announced=(server_id, announcement)),
        loop="auto",  # uvloop, where it runs
        http=PatientProtocol,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        reset_contextvars=True,  # or a request's trace would be on log lines of the next ones
        proxy_headers=False,  # nothing here depends on who is behind the connection
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    warm()  # no request waits for machine code to be loaded, and it is here before the next step
    # What lives as long as the process need not be looked through again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # uvicorn raises the signal that stopped it once more when it is done; by then we are, too.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    TellingServer(config).run(sockets=[listener])
    log.info("server_stopped")


def build_app(
    settings: Settings,
    secrets: Secrets,
    *,
    answer_seconds: float = ANSWER_SECONDS,
    body_seconds: float = BODY_SECONDS,
    max_in_flight: int = MAX_IN_FLIGHT,
    registry: CollectorRegistry | None = None,
    announced: tuple[str, Announcement] | None = None,
) -> ASGIApp:
    """Return the application with real connections, as the settings say.

    ``answer_seconds`` is the longest wait for Redis, ``body_seconds`` that for a body; from
    ``max_in_flight`` on more events are refused. ``announced``: the server's id and what it says
    of itself to other processes; without, it is alone.
    """
    ids = Ids(bytes.fromhex(secrets.secret), settings.redis.shards)
    keys = Keys(settings.shop.namespace)
    collect = settings.collect
    registry = registry or CollectorRegistry()
    metrics = ServingMetrics(registry)
    metrics.expect(settings.placements, DROPS)
    client = connect(settings.redis.url)
    listener = connect(settings.redis.url, SOCKET_SECONDS)
    event_log = EventLog(client, answer_seconds)
    key_ring = KeyRing(secrets.write_keys, secrets.secret_keys)
    rules = Rules(ids, collect.consent_category, collect.consent_required)
    collector = Collector(
        key_ring=key_ring,
        rules=rules,
        keys=keys,
        limits=limits_of(collect.key_events_per_second, collect.user_events_per_second),
        log=event_log,
        metrics=metrics,
        clock_ms=_clock_ms,
        clock_seconds=time.monotonic,
    )
    model, catalog = Recommender(settings.learner.indexed_steps), Catalog()
    dense, given = DenseModels(KINDS), Given()

    def condition_failed(placement: str) -> None:
        metrics.condition_errors.labels(placement).inc()

    shop = Shop(
        model,
        catalog,
        settings.placements,
        condition_failed,
        policies=dense,
        given=given,
        features=context_features,
        gap_ms=settings.profile.session_gap_seconds * 1000,
    )
    campaign_file = _campaign_file(shop, settings, metrics)
    retention_ms = settings.profile.user_retention_days * DAY_MS
    reads = StateReads(
        client, settings.decision.cutoff_ms / 1000, partial(stored, retention_ms=retention_ms)
    )
    watcher = Watcher(client, keys, ids, _observer(metrics))
    neighbours = Neighbours(client, keys, *announced) if announced else None
    decision_log, log_tasks = _decision_log(client, keys, settings, metrics, watcher)
    slow = SlowDecisions(_clock_ms)
    personalizer = Personalizer(
        key_ring=key_ring,
        tokens=Tokens(secrets.secret_keys),
        rules=rules,
        limit=RateLimit(collect.key_events_per_second),
        finder=Finder(reads, ids, keys),
        shop=shop,
        rng=Random(),
        notes=Notes(metrics, slow, decision_log),
        clock_ms=_clock_ms,
        clock_seconds=time.monotonic,
    )

    experiment_reader = ExperimentReader(
        RedisSums(client, keys), lambda: shop.chooser.campaigns.experiments
    )
    around = Around(settings.redis.shards, settings.decision.cutoff_ms)
    dashboard = Dashboard(client, keys, around, watcher, experiment_reader)
    publisher = FiguresPublisher(client, keys, metrics, slow, _clock_ms)

    return create_app(
        collector=collector,
        dashboard=dashboard,
        personalizer=personalizer,
        campaign_file=campaign_file,
        catalog_writer=CatalogWriter(client, keys, _clock_ms),
        decisions=DecisionReader(client, keys, settings.redis.shards),
        watcher=watcher,
        users=UserReader(client, ids, keys, retention_ms),
        experiment_reader=experiment_reader,
        trigger_feed=TriggerFeed(listener, keys),
        metrics=metrics,
        metric_pages=MetricPages(
            registry,
            announced[0] if announced else "server",
            lambda: neighbours.others if neighbours else {},
        ),
        cors_origins=settings.server.cors_origins,
        background=[
            *log_tasks,
            *([neighbours.run] if neighbours else []),
            campaign_file.run,
            event_log.run,
            reads.run,
            follow_popularity(client, keys, model.popularity, metrics).run,
            follow_dense(client, keys, dense, metrics).run,
            follow_given(client, keys, given, metrics).run,
            follow_steps(client, keys, model, metrics, _clock_ms).run,
            follow_catalog(client, keys, catalog, metrics).run,
            publisher.run,
            dashboard.run,
        ],
        on_stop=lambda: close_all(client, listener),
        body_seconds=body_seconds,
        max_in_flight=max_in_flight,
    )


def _observer(metrics: ServingMetrics) -> Callable[[Look], None]:
    def observe(look: Look) -> None:
        metrics.redis_memory_ratio.set(look.memory_rate)
        metrics.live_workers.set(look.n_workers)
        metrics.ready.set(0 if look.missing else 1)

    return observe


def _campaign_file(shop: Shop, settings: Settings, metrics: ServingMetrics) -> CampaignFile:
    def tell(state: FileState, n_campaigns: int) -> None:
        metrics.campaigns_in_force.set(n_campaigns)
        metrics.campaigns_refused.set(state is FileState.NEWEST_REFUSED)

    path = Path(settings.decision.campaigns_file)
    campaign_file = CampaignFile(path, settings.placements, shop.use, tell)
    campaign_file.load()
    return campaign_file


def _decision_log(
    client: Redis, keys: Keys, settings: Settings, metrics: ServingMetrics, watcher: Watcher
) -> tuple[DecisionLog, list[Background]]:
    # On a connection of its own: no event waits behind decisions.
    writing = EventLog(client, DECISION_LOG_SECONDS)

    def dropped(reason: str, n_decisions: int) -> None:
        metrics.dropped_decisions.labels(reason).inc(n_decisions)

    def takes_events() -> bool:
        look = watcher.last
        return Missing.MEMORY not in look.missing and look.unsafe() is None

    decision_log = DecisionLog(
        writing,
        keys,
        settings.redis.shards,
        dropped,
        keeps=settings.decision.log_decisions,
        takes_events=takes_events,
    )
    return decision_log, [decision_log.run, writing.run]


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000


async def close_all(*clients: Redis) -> None:
    """Close the connections of all clients."""
    for client in clients:
        await client.aclose()


def connect(url: str, answer_seconds: float = READ_SECONDS) -> Redis:
    """Return a client that fails soon and never repeats a command by itself."""
    return Redis.from_url(
        url,
        socket_timeout=answer_seconds,
        socket_connect_timeout=READ_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


async def _check_creation(settings: Settings, ids: Ids) -> None:
    """Compare before serving; without Redis the server starts anyway, and compares later."""
    client = connect(settings.redis.url)
    try:
        await settle_creation(client, Keys(settings.shop.namespace), ids)
    except (RedisError, OSError) as error:
        log.warning("redis_unreachable_at_start", error=type(error).__name__)
    finally:
        await client.aclose()
