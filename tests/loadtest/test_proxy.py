"""The fault proxy before a real Redis: what it lets through, and when it kills."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.keys import Keys
from loadtest.fail_points import FailPoint
from loadtest.proxy import FaultProxy

COMMIT = Keys("shop").commit(7)
Hit = Callable[[FailPoint], tuple[bytes | None, int]]


@pytest.fixture
def hit(redis_url: str, redis_client: redis.Redis) -> Hit:
    """Commit through a proxy at an armed fail point; return what Redis holds, and the kills."""

    def commit_at(point: FailPoint) -> tuple[bytes | None, int]:
        kills: list[None] = []
        with TemporaryDirectory(prefix="sk-") as folder:
            listen = str(Path(folder, "proxy.sock"))
            upstream = redis_url.removeprefix("unix://")
            with FaultProxy(listen, upstream, lambda: kills.append(None)) as proxy:
                worker = redis.Redis.from_url(f"unix://{listen}", retry=Retry(NoBackoff(), 0))
                with closing(worker), worker.pipeline() as pipe:
                    pipe.watch(COMMIT)  # type: ignore[no-untyped-call]
                    proxy.arm(point)
                    pipe.multi()
                    pipe.set(COMMIT, "5-0")
                    # redis-py calls a connection that ends under a WATCH a WatchError
                    with pytest.raises((redis.ConnectionError, redis.WatchError)):
                        pipe.execute()
                    assert proxy.wait_hit(1.0)
                    assert proxy.hits == {point: 1}
                    worker.ping()  # a new connection passes
        held = redis_client.get(COMMIT)
        assert held is None or isinstance(held, bytes)
        return held, len(kills)

    return commit_at


def test_before_exec_the_worker_dies_and_redis_holds_nothing(hit: Hit) -> None:
    assert hit(FailPoint.BEFORE_EXEC) == (None, 1)


def test_after_exec_the_worker_dies_and_redis_holds_the_commit(hit: Hit) -> None:
    assert hit(FailPoint.AFTER_EXEC_BEFORE_REPLY) == (b"5-0", 1)


def test_a_dropped_reply_kills_nobody_and_redis_holds_the_commit(hit: Hit) -> None:
    assert hit(FailPoint.REPLY_DROPPED) == (b"5-0", 0)


def test_connections_end_where_redis_is_away() -> None:
    with TemporaryDirectory(prefix="sk-") as folder:
        listen, upstream = str(Path(folder, "proxy.sock")), str(Path(folder, "nobody.sock"))
        with FaultProxy(listen, upstream, lambda: None):
            client = redis.Redis.from_url(f"unix://{listen}", retry=Retry(NoBackoff(), 0))
            with closing(client), pytest.raises(redis.ConnectionError):
                client.ping()
