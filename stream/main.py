"""Starts one worker or learner: settings in, connections opened, the flow run until a signal."""

import gc
import secrets as tokens
import signal
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import redis
import structlog
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.run import cli_main
from prometheus_client import CollectorRegistry
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.announcements import encode_announcement
from config.durations import DAY_MS, HOUR_MS
from config.errors import SettingsError, ShopkeeperError
from config.keys import Ids, Keys
from config.settings import Secrets, Settings
from online_models.warm import warm
from processes.metrics import serve_metrics
from stream.batch import Rules
from stream.dataflow import ReportSink, build_learning_flow, build_profile_flow
from stream.learner import Learner
from stream.metrics import LearnMetrics, StreamMetrics
from stream.readiness import wait_until_ready
from stream.trigger_files import TriggerFile, files_of
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
    """Run the profile flow until SIGTERM or SIGINT, then give its shards back.

    Raises:
        SettingsError: Redis is not set up to keep what it is given, or holds another shop; or the
            file of triggers has mistakes.
    """
    start = _Start(settings, secrets, worker_id, "worker")
    metrics = StreamMetrics(start.registry)
    trigger_file = TriggerFile(files_of(settings))
    worker = Worker(
        start.client,
        start.keys,
        start.ids,
        Rules(
            session_gap_ms=settings.profile.session_gap_seconds * 1000,
            retention_ms=settings.profile.user_retention_days * DAY_MS,
            triggers=trigger_file.load(),
        ),
        metrics,
        start.name,
        cached_users=settings.worker.cached_users,
        log_age_ms=int(settings.profile.log_age_hours * HOUR_MS),
        status=start.status,
        trigger_file=trigger_file,
    )
    reports = ReportSink(lambda report: metrics.take(report, time.time() * 1000))
    start.run(worker, build_profile_flow(worker, reports))


def run_learner(settings: Settings, secrets: Secrets, learner_id: str | None = None) -> None:
    """Run the learning flow until SIGTERM or SIGINT, then give its model shards back.

    Raises:
        SettingsError: Redis is not set up to keep what it is given, or holds another shop.
    """
    start = _Start(settings, secrets, learner_id, "learner")
    metrics = LearnMetrics(start.registry)
    warm()
    learner = Learner(
        start.client,
        start.keys,
        start.ids.n_shards,
        metrics,
        start.name,
        settings.learner.indexed_steps,
        start.status,
    )
    reports = ReportSink(lambda report: metrics.take(report, time.time() * 1000))
    start.run(learner, build_learning_flow(learner, reports))


class _Start:
    """What workers and learners start with, and how they run."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        name: str | None,
        role: Literal["worker", "learner"],
    ) -> None:
        if not settings.redis.url:
            raise SettingsError("[redis] url: the address of a Redis is needed")
        self.name = name or f"w-{tokens.token_hex(4)}"
        structlog.contextvars.bind_contextvars(worker=self.name)
        self.client = connect(settings.redis.url)
        self.keys = Keys(settings.shop.namespace)
        self.ids = Ids(bytes.fromhex(secrets.secret), settings.redis.shards)
        self.registry = CollectorRegistry()
        host, port = getattr(settings, role).metrics_host, getattr(settings, role).metrics_port
        self._server, announcement = serve_metrics(self.registry, role, host, port, role)
        self.status = encode_announcement(announcement)

    def run(self, worker: Worker | Learner, flow: Dataflow) -> None:
        _stop_on_signals(worker)
        _spare_the_collector()
        log.info("worker_started", metrics_port=self._server.server_port)
        try:
            wait_until_ready(self.client, self.keys, self.ids, worker.wait_for_redis)
            cli_main(flow)
        except WorkerStopping:
            pass
        except BytewaxRuntimeError as error:
            explain_end(error)
        finally:
            worker.close()
            self._server.shutdown()
            log.info("worker_stopped")


def explain_end(error: BytewaxRuntimeError) -> None:
    """Say in one line what ended the flow; Bytewax wraps it once for each step it went through.

    Raises:
        SystemExit: it was no stop that was asked for.
    """
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, WorkerStopping):
        return
    where = [
        f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(cause.__traceback__)
    ]
    detail = str(cause) if isinstance(cause, ShopkeeperError) else ""
    log.error("worker_failed", error=type(cause).__name__, where="".join(where[-1:]), detail=detail)
    raise SystemExit(1) from error


def _spare_the_collector() -> None:
    """Look for cycles rarely: a cache of many thousand users has none, but takes long to walk."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _stop_on_signals(worker: Any) -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        worker.is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
