"""A shop under test: Redis, server and workers as child processes in a folder of their own.

Children get all settings by their environment. Each runs in a process group of its own and is
ended when the ``with`` ends, whatever happened.
"""

import http.client
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.keys import Ids, Keys
from config.processes import ENVIRONMENT
from loadtest.children import Child, ChildFailed

NAMESPACE = "loadtest"
N_SHARDS = 64
_POLL_SECONDS = 0.02
_START_SECONDS = 30.0

Launch = Callable[[Sequence[str]], Sequence[str]]
"""Turns a command into the one that is run; the command line ties children to this process."""


class ShopUnderTest:
    """The children of one shop, their addresses and keys. Make it with ``shop_under_test``.

    ``overrides`` are settings by their name in the environment, such as
    ``SHOPKEEPER_REDIS_DURABILITY``.
    """

    def __init__(
        self, folder: Path, overrides: Mapping[str, str], launch: Launch, secret: str
    ) -> None:
        self.folder = folder
        self.write_key, self.secret_key = secrets.token_hex(8), secrets.token_hex(8)
        self.ids = Ids(bytes.fromhex(secret), N_SHARDS)
        self.keys = Keys(NAMESPACE)
        self.socket_path = str(folder / "data" / "redis.sock")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._launch = launch
        self._environ = {
            "SHOPKEEPER_SECRET": secret,
            "SHOPKEEPER_WRITE_KEYS": self.write_key,
            "SHOPKEEPER_SECRET_KEYS": self.secret_key,
            "SHOPKEEPER_SHOP_NAMESPACE": NAMESPACE,
            "SHOPKEEPER_REDIS_DATA_FOLDER": str(folder / "data"),
            "SHOPKEEPER_REDIS_SHARDS": str(N_SHARDS),
            "SHOPKEEPER_SERVER_PORT": str(port),
            "SHOPKEEPER_COLLECT_KEY_EVENTS_PER_SECOND": "10000000",
            "SHOPKEEPER_COLLECT_USER_EVENTS_PER_SECOND": "10000000",
            **overrides,
        }
        self.children: dict[str, Child] = {}
        self.client = redis.Redis.from_url(
            f"unix://{self.socket_path}", socket_timeout=10.0, retry=Retry(NoBackoff(), 0)
        )

    def start_redis(self) -> None:
        """Start Redis, where it is not there yet, and wait until it has loaded."""
        self._child("redis", "redis").start()
        self.wait(self.redis_answers, "Redis does not answer")

    def start_server(self, through: str | None = None) -> None:
        """Start the server, through a proxy where one is named; wait until it is healthy."""
        self._child("server", "serve", through=through or self.socket_path).start()
        self.wait(self.server_answers, "the server does not answer")

    def start_worker(self, name: str, through: str | None = None) -> Child:
        """Start a worker, through a proxy where one is named, and return without waiting."""
        worker = self._child(name, "work", through=through or self.socket_path)
        worker.start()
        return worker

    def start_learner(self, name: str = "learner") -> None:
        """Start a learner and return without waiting."""
        self._child(name, "learn", through=self.socket_path).start()

    def start_deliverer(self, name: str = "deliverer") -> None:
        """Start a deliverer and return without waiting."""
        self._child(name, "deliver", through=self.socket_path).start()

    def start_program(self, name: str, command: Sequence[str]) -> None:
        """Start another program beside the shop's own and return without waiting."""
        self.children[name] = Child(self._launch(command), ENVIRONMENT, self.folder / f"{name}.log")
        self.children[name].start()

    def tend(self) -> None:
        """Start again what ended and should not have."""
        for child in self.children.values():
            child.tend()

    def wait(
        self,
        condition: Callable[[], bool],
        otherwise: str,
        seconds: float = _START_SECONDS,
        each_time: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait until the condition holds, doing ``each_time`` between the tries.

        Raises:
            ChildFailed: it does not hold in time.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                tails = (f"{name}: {c.last_lines()}" for name, c in self.children.items())
                raise ChildFailed("\n".join([f"{otherwise} after {seconds:g} s", *tails]))
            each_time()
            time.sleep(_POLL_SECONDS)

    def redis_answers(self) -> bool:
        """Tell whether Redis answers and has loaded its file."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def server_answers(self) -> bool:
        """Tell whether the server takes requests and is healthy."""
        return self.answers(self.url, "/healthz") == 200

    @staticmethod
    def answers(url: str, path: str) -> int | None:
        """Return the status that a server answers a GET with, None where it does not answer."""
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=1.0)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def stop(self) -> None:
        """End all children: the server first, Redis last."""
        for name in sorted(self.children, key=("server", "redis").__contains__):
            if name != "redis":
                self.children[name].stop()
        if "redis" in self.children:
            self.children["redis"].stop()
        self.client.close()

    def _child(self, name: str, command: str, through: str | None = None) -> Child:
        # Redis has its own allocator, and forks.
        environ = dict(self._environ) if name == "redis" else {**ENVIRONMENT, **self._environ}
        if through is not None:
            environ["SHOPKEEPER_REDIS_URL"] = f"unix://{through}"
        config = str(self.folder / "shopkeeper.toml")
        whole = [sys.executable, "-m", "shopkeeper", "--config", config, command]
        log = self.folder / f"{name}.log"
        self.children[name] = Child(self._launch(whole), environ, log)
        return self.children[name]


@contextmanager
def shop_under_test(
    overrides: Mapping[str, str], launch: Launch = lambda command: command, secret: str = ""
) -> Iterator[ShopUnderTest]:
    """Yield a shop in a temporary folder, nothing started; end its children and delete it."""
    with tempfile.TemporaryDirectory(prefix="sk-") as folder:
        shop = ShopUnderTest(Path(folder), overrides, launch, secret or secrets.token_hex(32))
        try:
            yield shop
        finally:
            shop.stop()


def free_port() -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
