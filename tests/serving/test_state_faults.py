"""Redis frozen, slow, dead, emptied: decisions are made all the same, say so, and recover."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import httpx
import pytest
import redis

from config.settings import DecisionSettings
from loadtest.proxy import FaultProxy
from serving.main import connect
from serving.store import StateReads, StateSlow, StateUnavailable
from tests.serving.conftest import OwnRedis, Serve, wait_for
from tests.serving.deciding import COOKIE, a_user, learn, lessons, remember
from tests.serving.test_personalize import ask, products_of

CUTOFF = DecisionSettings(cutoff_ms=200)


def fill(client: redis.Redis) -> None:
    remember(client, COOKIE, a_user())
    learn(client, lessons({"boots": ["socks"]}, {"": ["lamp"]}))


@pytest.fixture
def asked(serve: Serve, own_redis: OwnRedis) -> httpx.Client:
    """Return a client of a server whose answers are personal."""
    fill(own_redis.client)
    shop = serve(own_redis.url, decision=CUTOFF)
    wait_for(lambda: products_of(shop, anonymousId="cookie-1")[:1] == ["socks"])
    return shop


def fallback_of(shop: httpx.Client) -> str | None:
    fallback: str | None = ask(shop, anonymousId="cookie-1")["fallback"]
    return fallback


@contextmanager
def frozen(process: subprocess.Popen[bytes]) -> Iterator[None]:
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def test_a_frozen_redis_does_not_hold_decisions_up(
    asked: httpx.Client, own_redis: OwnRedis
) -> None:
    with frozen(own_redis.process):
        told = ask(asked, anonymousId="cookie-1")
        assert told["fallback"] == "redis_slow"
        assert [p["id"] for p in told["placements"]["next-best"]["products"]] == ["lamp", "socks"][
            :1
        ]
        wait_for(lambda: fallback_of(asked) == "redis_unavailable")
    wait_for(lambda: fallback_of(asked) is None)


def test_while_redis_is_slow_or_gone_nobody_waits_for_it(
    asked: httpx.Client, own_redis: OwnRedis
) -> None:
    with frozen(own_redis.process):
        fallback_of(asked)
        waits = [ask(asked, anonymousId="cookie-1")["serverTimingMs"] for _ in range(20)]
    assert median(waits) < CUTOFF.cutoff_ms / 2


def test_a_dead_redis_is_said_and_a_new_one_is_read(
    asked: httpx.Client, own_redis: OwnRedis
) -> None:
    path = Path(own_redis.url.removeprefix("unix://"))
    own_redis.process.kill()
    own_redis.process.wait()
    assert fallback_of(asked) == "redis_unavailable"
    assert products_of(asked, anonymousId="cookie-1") == ["lamp"]
    arguments: list[str] = list(own_redis.process.args)  # type: ignore[arg-type]
    path.unlink(missing_ok=True)
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as again:
        try:
            wait_for(lambda: fallback_of(asked) is None)
            assert products_of(asked, anonymousId="cookie-1")[:1] == ["socks"]
        finally:
            again.kill()


def test_an_emptied_redis_is_said_and_what_is_learned_anew_is_served(
    asked: httpx.Client, own_redis: OwnRedis
) -> None:
    own_redis.client.flushall()
    assert fallback_of(asked) == "unknown_user"
    wait_for(lambda: products_of(asked, anonymousId="cookie-1") == [])
    fill(own_redis.client)
    wait_for(lambda: products_of(asked, anonymousId="cookie-1")[:1] == ["socks"])
    assert fallback_of(asked) is None


def test_a_redis_that_answers_late_is_not_waited_for(
    serve: Serve, own_redis: OwnRedis, tmp_path: Path
) -> None:
    fill(own_redis.client)
    upstream = own_redis.url.removeprefix("unix://")
    listen = f"{upstream}.slow"
    with FaultProxy(listen, upstream, kill=lambda: None) as proxy:
        shop = serve(f"unix://{listen}", decision=DecisionSettings(cutoff_ms=50))
        wait_for(lambda: fallback_of(shop) is None)
        proxy.delay_seconds = 0.2
        wait_for(lambda: fallback_of(shop) == "redis_slow")
        told = {fallback_of(shop) for _ in range(20)}
        assert told == {"redis_slow"}
        proxy.delay_seconds = 0.0
        wait_for(lambda: fallback_of(shop) is None)


def test_reads_in_flight_share_a_round_trip_and_each_gets_its_own(
    redis_url: str, redis_client: redis.Redis
) -> None:
    redis_client.mset({f"key-{n}": n for n in range(100)})

    def n_commands() -> int:
        return int(redis_client.info("stats")["total_commands_processed"])

    async def story() -> tuple[list[list[bytes | None]], int]:
        async with connect(redis_url) as client:
            reads = StateReads(client, 30.0, list)
            task = asyncio.create_task(reads.run())
            deadline = asyncio.get_running_loop().time() + 30
            await reads.read(["none"], deadline)
            before = n_commands()
            told = await asyncio.gather(
                *(reads.read([f"key-{n}", "none"], deadline) for n in range(100))
            )
            spent = n_commands() - before
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return told, spent

    told, spent = asyncio.run(story())
    assert told == [[str(n).encode(), None] for n in range(100)]
    assert spent < 10


def test_a_read_that_nobody_serves_is_given_up_at_its_deadline(redis_url: str) -> None:
    async def story() -> float:
        async with connect(redis_url) as client:
            reads = StateReads(client, 0.05, list)  # not running
            loop = asyncio.get_running_loop()
            started = loop.time()
            with pytest.raises(StateSlow):
                await reads.read(["none"], started + 0.05)
            waited = loop.time() - started
            with pytest.raises(StateSlow):  # at once
                await reads.read(["none"], started + 1e9)
            task = asyncio.create_task(reads.run())
            while True:  # once somebody serves, it is read again
                with suppress(StateSlow):
                    await reads.read(["none"], loop.time() + 30)
                    break
                await asyncio.sleep(0.01)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return waited

    assert asyncio.run(story()) >= 0.05


def test_reads_of_a_redis_that_is_not_there_fail() -> None:
    async def story() -> None:
        async with connect("unix:///nowhere/redis.sock") as client:
            reads = StateReads(client, 30.0, list)
            task = asyncio.create_task(reads.run())
            with pytest.raises(StateUnavailable):
                await reads.read(["none"], asyncio.get_running_loop().time() + 30)
            started = time.monotonic()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert time.monotonic() - started < 30

    asyncio.run(story())
