"""The floor answers a page's request with one read of Redis, and is what gets saturated."""

import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import redis

from loadtest import floor
from loadtest.bench_serve import CONNECTIONS
from loadtest.children import Child
from loadtest.decisions import visitor_request
from loadtest.generator import generate
from loadtest.processes import ShopUnderTest, free_port
from loadtest.saturation import Saturated, Saturation
from shopkeeper.lifeline import tied


@pytest.fixture
def port(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> Iterator[int]:
    """Yield the port of a floor, with 1,000 bytes in Redis for visitor-1."""
    redis_client.set("floor:visitor-1", b"x" * 1000)
    port = free_port()
    command = [sys.executable, "-m", floor.__name__, str(port), redis_url]
    child = Child(tied(command), {}, tmp_path / "floor.log")
    child.start()
    try:
        while ShopUnderTest.answers(f"http://127.0.0.1:{port}", "/") is None:
            assert child.alive, child.last_lines()
        yield port
    finally:
        child.stop()


def ask(port: int, body: bytes) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5.0)
    connection.request("POST", floor.PATH, body, {"content-type": "application/json"})
    response = connection.getresponse()
    status, answer = response.status, response.read()
    connection.close()
    return status, answer


def test_the_floor_reads_what_redis_holds_of_a_visitor(port: int) -> None:
    status, answer = ask(port, visitor_request("visitor-1", ["next-best"]))
    assert (status, answer) == (200, b'{"bytes":1000,"placements":{"next-best":null}}')


def test_the_floor_checks_the_request(port: int) -> None:
    assert ask(port, b'{"placements": 3}')[0] == 422


def test_the_generator_keeps_a_server_busy_and_counts_its_answers(port: int) -> None:
    job = Saturation(
        port=port,
        path=floor.PATH,
        key="any",
        bodies=[visitor_request("visitor-1").decode(), visitor_request("visitor-2").decode()],
        connections=CONNECTIONS,
        warm_up_seconds=0.1,
        seconds=0.3,
        is_decision=False,
    )
    result = generate(job, Saturated, tied)
    assert result.n_failures == 0
    assert result.n_answers > CONNECTIONS  # each connection asked again
    assert result.requests_per_second == pytest.approx(result.n_answers / 0.3, rel=0.5)
