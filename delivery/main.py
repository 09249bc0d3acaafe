"""Starts a deliverer: settings in, connections made, parts put together, until a signal."""

import asyncio
import os
import secrets as randomness
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from config.announcements import encode_announcement
from config.creation import check_creation
from config.errors import SettingsError
from config.keys import Ids, Keys
from config.settings import Secrets, Settings
from delivery.asking import Asker
from delivery.courier import Terms
from delivery.deliverer import PAUSE_SECONDS, Deliverer
from delivery.figures import FiguresPublisher
from delivery.metrics import DeliveryMetrics
from delivery.receivers import ReceiverFile
from delivery.tasks import Tasks
from processes.metrics import serve_metrics

SOCKET_SECONDS = 2.0

log = structlog.get_logger()


def run_deliverer(settings: Settings, secrets: Secrets, name: str | None = None) -> None:
    """Tell of triggers until SIGTERM or SIGINT.

    Raises:
        SettingsError: there is no Redis to connect to, or it holds another shop.
    """
    if not settings.redis.url:
        raise SettingsError("[redis] url: the address of a Redis is needed")
    if not settings.delivery.server_url:
        raise SettingsError("[delivery] server_url: the address of a server is needed")
    name = name or f"d-{randomness.token_hex(4)}"
    structlog.contextvars.bind_contextvars(deliverer=name)
    registry = CollectorRegistry()
    host, port = settings.delivery.metrics_host, settings.delivery.metrics_port
    server, announcement = serve_metrics(registry, "deliverer", host, port, "delivery")
    status = encode_announcement(announcement)
    try:
        asyncio.run(_run(settings, secrets, name, DeliveryMetrics(registry), status))
    finally:
        server.shutdown()
        log.info("deliverer_stopped")


async def _run(
    settings: Settings, secrets: Secrets, name: str, metrics: DeliveryMetrics, status: bytes
) -> None:
    client = connect(settings.redis.url)
    keys = Keys(settings.shop.namespace)
    ids = Ids(bytes.fromhex(secrets.secret), settings.redis.shards)
    asker = Asker(settings.delivery.server_url, secrets.secret_keys[0])
    deliverer = Deliverer(
        client,
        keys,
        name,
        ReceiverFile(Path(settings.delivery.triggers_file), os.environ),
        asker,
        Terms(
            ids,
            lambda: time.time_ns() // 1_000_000,
            Random(),
            metrics,
            settings.delivery.max_waiting,
        ),
        status=status,
    )
    loop = asyncio.get_running_loop()
    telling = Tasks(failed=deliverer.stop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, deliverer.stop)
    try:
        await _check_creation(client, keys, ids, deliverer)
        log.info("deliverer_started", server=settings.delivery.server_url)
        telling.start(FiguresPublisher(client, keys, name, metrics).run())
        await deliverer.run()
        telling.check()
    finally:
        await telling.close()
        await asker.close()
        await client.aclose()


def connect(url: str) -> Redis:
    """Return a client that never waits for long and never sends a command twice."""
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


async def _check_creation(client: Redis, keys: Keys, ids: Ids, deliverer: Deliverer) -> None:
    """Wait until the shop has been created, by a server or a worker, and compare.

    Raises:
        SettingsError: it was created with other settings.
    """
    while not deliverer.is_stopping:
        try:
            found: Any = await client.hgetall(keys.creation())
        except (RedisError, OSError):
            found = {}
        if found:
            check_creation(found, ids)
            return
        await asyncio.sleep(PAUSE_SECONDS)
