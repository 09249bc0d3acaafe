"""A real Redis for every test that asks for one: embedded, in a temporary folder, alone on it.

With CI=true a skipped test is a failed one: there, packages and data have to be present.
"""

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import redis

from config.settings import RedisSettings
from shopkeeper.embedded import EmbeddedRedis
from shopkeeper.redis_connection import connect


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[str]:
    """Start one Redis for the whole run; its path is short, for the sake of its socket."""
    with tempfile.TemporaryDirectory(prefix="sk-") as folder:
        settings = RedisSettings(data_folder=str(Path(folder, "data")), max_memory_mb=512)
        with EmbeddedRedis(settings) as url:
            yield url


@pytest.fixture
def redis_url(_redis_server: str) -> str:
    """Return the address of an empty Redis."""
    with connect(_redis_server) as client:
        client.flushall()
    return _redis_server


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """Return a client of the empty Redis; answers are bytes."""
    with connect(redis_url, timeout_seconds=5.0) as client:
        yield client


def _fail_what_is_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    is_skipped = report.outcome == "skipped" and not hasattr(report, "wasxfail")
    if is_skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true forbids: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_what_is_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_what_is_skipped(report)
    return report
