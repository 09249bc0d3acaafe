"""Starts one worker process: settings in, connections opened, the flow run until told to stop."""

import gc
import json
import os
import secrets as tokens
import signal
import time
from types import FrameType

import redis
import structlog
from bytewax.run import cli_main
from prometheus_client import CollectorRegistry, start_http_server
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.errors import SettingsError
from config.keys import DAY_MS, Ids, Keys
from config.settings import Secrets, Settings
from stream.batch import Rules
from stream.dataflow import ReportSink, build_profile_flow
from stream.metrics import StreamMetrics
from stream.readiness import check_redis, settle_creation
from stream.shards import Report
from stream.worker import Worker, WorkerStopping

SOCKET_TIMEOUT_SECONDS = 2.0
GC_THRESHOLDS = (100_000, 50, 100)

log = structlog.get_logger()


def connect(url: str) -> redis.Redis:
    """Return a client that never waits for long and never sends a command twice."""
    return redis.Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def run_worker(settings: Settings, secrets: Secrets, worker_id: str | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT, then give its shards back.

    Raises:
        SettingsError: Redis is not set up to keep what it is given, or holds another shop.
    """
    if not settings.redis.url:
        raise SettingsError("[redis] url: a worker needs the address of a Redis")
    worker_id = worker_id or f"w-{tokens.token_hex(4)}"
    structlog.contextvars.bind_contextvars(worker=worker_id)
    client, keys = connect(settings.redis.url), Keys(settings.shop.namespace)
    ids = Ids(bytes.fromhex(secrets.secret), settings.redis.shards)
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    server, _ = start_http_server(settings.worker.metrics_port, "127.0.0.1", registry)
    worker = Worker(
        client,
        keys,
        ids,
        Rules(
            session_gap_ms=settings.profile.session_gap_seconds * 1000,
            retention_ms=settings.profile.user_retention_days * DAY_MS,
        ),
        metrics,
        worker_id,
        cached_users=settings.worker.cached_users,
        log_age_ms=int(settings.profile.log_age_hours * 3_600_000),
        status=json.dumps({"pid": os.getpid(), "metrics_port": server.server_port}),
    )
    _stop_on_signals(worker)

    def take(report: Report) -> None:
        metrics.take(report, time.time() * 1000)

    log.info("worker_started", metrics_port=server.server_port)
    _spare_the_collector()
    try:
        worker.wait_until(lambda: _check(client, keys, ids))
        cli_main(build_profile_flow(worker, ReportSink(take)))
    except WorkerStopping:
        pass
    finally:
        worker.close()
        server.shutdown()
        log.info("worker_stopped")


def _spare_the_collector() -> None:
    """Look for cycles rarely: a cache of many thousand users has none, but takes long to walk."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _check(client: redis.Redis, keys: Keys, ids: Ids) -> None:
    check_redis(client)
    settle_creation(client, keys, ids)


def _stop_on_signals(worker: Worker) -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        worker.is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
