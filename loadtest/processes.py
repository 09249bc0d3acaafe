"""A shop under test: Redis, server and workers as child processes in a folder of their own.

Children get all settings by their environment. Each runs in a process group of its own and is
ended when the ``with`` ends, whatever happened.
"""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.keys import Ids, Keys

NAMESPACE = "loadtest"
N_SHARDS = 64
_POLL_SECONDS = 0.02
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_TAIL_BYTES = 2_000

Launch = Callable[[Sequence[str]], Sequence[str]]
"""Turns a command into the one that is run; the command line ties children to this process."""


class ChildFailed(Exception):
    """A child did not come up, or not down; the text ends with its last lines."""


class Child:
    """A process that can be killed and started again; it writes into ``log``."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self._command, self._environ, self._log = command, environ, log
        self._process: subprocess.Popen[bytes] | None = None
        self.wanted = False
        self.starts = 0

    def start(self) -> None:
        """Start it, in a process group of its own."""
        self.wanted = True
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environ},
                start_new_session=True,
            )

    def tend(self) -> None:
        """Start it again if it ended and should not have."""
        if self.wanted and not self.alive:
            self.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, and its group's."""
        if self._process is None:
            raise ChildFailed("it was never started")
        return self._process.pid

    def kill(self) -> None:
        """Kill it at once, with what it started."""
        self._send(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end and wait; kill it where it does not."""
        self.wanted = False
        if self._process is None:
            return
        self._send(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self._send(signal.SIGKILL)
        self._process.wait()

    def cpu_seconds(self) -> float:
        """Return the processor time that it used so far (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def last_lines(self) -> str:
        """Return the end of what it wrote."""
        return self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")

    def _send(self, number: signal.Signals) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


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

    def start_server(self) -> None:
        """Start the server and wait until it is healthy."""
        self._child("server", "serve", through=self.socket_path).start()
        self.wait(self.server_answers, "the server does not answer")

    def start_worker(self, name: str, through: str | None = None) -> Child:
        """Start a worker, through a proxy where one is named, and return without waiting."""
        worker = self._child(name, "work", through=through or self.socket_path)
        worker.start()
        return worker

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
        """Tell whether the server takes requests."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=1.0)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
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
        environ = dict(self._environ)
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
