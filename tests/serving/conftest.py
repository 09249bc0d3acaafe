"""A server on a free port, spoken to over real HTTP, and a Redis of its own that may be harmed."""

import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import redis
import uvicorn
from msgspec.structs import replace

from config.events import ENTRY_FIELD, Event, decode_entry
from config.keys import Keys
from config.placements import Placement
from config.settings import (
    DEFAULT_PLACEMENTS,
    CollectSettings,
    DecisionSettings,
    RedisSettings,
    Secrets,
    ServerSettings,
    Settings,
)
from serving.main import build_app
from serving.protocol import PatientProtocol
from shopkeeper.embedded import find_redis_server
from shopkeeper.redis_connection import connect
from tests.serving.builders import IDS

KEYS = Keys("shop")
SIGNING_KEY = "sk_another-secret-key-of-32-bytes-or-more"
ANN = IDS.known("ann")
SECRETS = Secrets(
    secret=IDS.secret.hex(), write_keys=("write-key",), secret_keys=("secret-key", SIGNING_KEY)
)
GUARD_SECONDS = 30.0


@dataclass(frozen=True)
class OwnRedis:
    """A Redis that a test may stop, freeze or fill."""

    url: str
    process: subprocess.Popen[bytes]
    client: redis.Redis


Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return what starts a server on a Redis; its client sends the write key, or ``key``."""
    with ExitStack() as stack:

        def start(redis_url: str, **changes: Any) -> httpx.Client:
            return stack.enter_context(served(redis_url, **changes))

        yield start


# Gone with the last test of this folder: what it logs later would be in others' output.
@pytest.fixture(scope="package")
def _lasting_shop(_redis_server: str) -> Iterator[httpx.Client]:
    # A server compares once what its Redis was created with: other tests may have left theirs.
    with connect(_redis_server) as client:
        client.flushall()
    with served(_redis_server) as client:
        yield client


@pytest.fixture
def shop(_lasting_shop: httpx.Client, redis_url: str) -> httpx.Client:
    """Return a client of a server on an empty Redis; the server has seen other tests."""
    assert redis_url
    _lasting_shop.auth = httpx.BasicAuth("write-key", "")
    return _lasting_shop


@pytest.fixture
def owner(shop: httpx.Client) -> httpx.Client:
    """Return the same client, with the secret key."""
    shop.auth = httpx.BasicAuth("secret-key", "")
    return shop


@pytest.fixture
def stranger(shop: httpx.Client) -> Iterator[httpx.Client]:
    """Return a client of the same server that sends no key."""
    with httpx.Client(base_url=shop.base_url, timeout=GUARD_SECONDS) as client:
        yield client


def a_file(folder: Path, text: str) -> Path:
    """Write a file of campaigns and experiments into a folder, or put it in the place of one."""
    new, path = folder / "new.toml", folder / "campaigns.toml"
    new.write_text(text, encoding="utf-8")
    return new.replace(path)


def stream_of(client: redis.Redis, key: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return the entries of a stream, oldest first."""
    return cast(list[tuple[bytes, dict[bytes, bytes]]], client.xrange(key))


@contextmanager
def served(
    redis_url: str,
    *,
    answer_seconds: float = GUARD_SECONDS,
    body_seconds: float = GUARD_SECONDS,
    collect: CollectSettings | None = None,
    cors_origins: tuple[str, ...] = ("*",),
    decision: DecisionSettings | None = None,
    placements: dict[str, Placement] | None = None,
    campaigns: Path | None = None,
    max_in_flight: int = 100,
    http: type[PatientProtocol] = PatientProtocol,
    key: str = "write-key",
) -> Iterator[httpx.Client]:
    """Run a server while the ``with`` lasts; yield a client of it that sends the key."""
    settings = Settings(
        redis=RedisSettings(url=redis_url),
        server=ServerSettings(cors_origins=cors_origins),
        collect=collect or CollectSettings(),
        decision=replace(
            decision or DecisionSettings(), campaigns_file=str(campaigns or "no-such-file.toml")
        ),
        placements=placements or dict(DEFAULT_PLACEMENTS),
    )
    app = build_app(
        settings,
        SECRETS,
        answer_seconds=answer_seconds,
        body_seconds=body_seconds,
        max_in_flight=max_in_flight,
    )
    server = uvicorn.Server(uvicorn.Config(app, http=http, log_config=None, lifespan="on"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            auth=(key, ""),
            timeout=GUARD_SECONDS,
        ) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    """Start a Redis for this test alone."""
    with tempfile.TemporaryDirectory(prefix="sk-") as folder:
        path = Path(folder, "r.sock")
        arguments = {
            "--port": "0",
            "--unixsocket": str(path),
            "--dir": folder,
            "--appendonly": "yes",
            "--maxmemory": "512mb",
            "--save": "",
        }
        command = [str(find_redis_server())]
        for name, value in arguments.items():
            command += [name, value]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                wait_for(path.exists)
                with redis.Redis(unix_socket_path=str(path)) as client:
                    yield OwnRedis(f"unix://{path}", process, client)
            finally:
                process.kill()


def log_of(client: redis.Redis, shard: int = ANN.shard) -> list[dict[bytes, bytes]]:
    """Return what the event log of a shard holds."""
    return [fields for _, fields in stream_of(client, KEYS.events(shard))]


def dead_letters(client: redis.Redis, shard: int = ANN.shard) -> list[dict[bytes, bytes]]:
    """Return the dead letters of a shard."""
    return [fields for _, fields in stream_of(client, KEYS.dead(shard))]


def events_of(client: redis.Redis) -> list[Event]:
    """Return the events in the log of Ann's shard."""
    return events_in(client, ANN.shard)


def events_in(client: redis.Redis, shard: int) -> list[Event]:
    """Return the events in the log of a shard."""
    entries = [decode_entry(fields[ENTRY_FIELD]) for fields in log_of(client, shard)]
    return [entry for entry in entries if isinstance(entry, Event)]


def wait_for(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + GUARD_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
