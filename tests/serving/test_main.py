"""The server as a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.builders import an_event

PROGRAM = """
import json, sys
import msgspec
from config.settings import Secrets, Settings
from serving.main import run_server
from shopkeeper.logs import configure_logs
settings, secrets = json.load(sys.stdin)
configure_logs()
run_server(msgspec.convert(settings, Settings), msgspec.convert(secrets, Secrets))
"""
SECRETS = {"secret": "1" * 64, "write_keys": ["write-key"], "secret_keys": ["secret-key"]}


@contextmanager
def a_server(redis_url: str, **redis: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a server on a free port."""
    settings = {"redis": {"url": redis_url, **redis}, "server": {"port": 0}}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps([settings, SECRETS]))
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


def facts(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield what a server logs; each line is one fact."""
    assert process.stderr is not None
    for line in process.stderr:
        yield json.loads(line)


def started(process: subprocess.Popen[str]) -> str:
    """Return a server's address once it says it."""
    for fact in facts(process):
        if fact["event"] == "server_started":
            return f"http://{fact['host']}:{fact['port']}"
    raise AssertionError("the server ended")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_server_says_where_it_listens_and_ends_in_peace(redis_url: str, stop: int) -> None:
    with a_server(redis_url) as process:
        assert httpx.get(started(process) + "/healthz").status_code == 200
        process.send_signal(stop)
        assert list(facts(process))[-1]["event"] == "server_stopped"
        assert process.wait() == 0


def test_logs_hold_no_personal_data(redis_url: str) -> None:
    with a_server(redis_url) as process:
        url = started(process)
        secret_id = "ann-1234567"
        event = an_event(userId=secret_id)
        for fields in (event, event | {"event": None}):
            httpx.post(f"{url}/v1/track", json=fields, auth=("write-key", ""))
        httpx.get(f"{url}/v1/users/{secret_id}", auth=("secret-key", ""))
        httpx.get(f"{url}/{secret_id}")
        process.send_signal(signal.SIGTERM)
        assert secret_id not in json.dumps(list(facts(process)))


def test_a_server_with_other_shards_than_the_data_does_not_start(redis_url: str) -> None:
    with a_server(redis_url) as process:
        started(process)
    with a_server(redis_url, shards=8) as process:
        assert process.stderr is not None
        assert "the data was created with 64" in process.stderr.read()
        assert process.wait() != 0
