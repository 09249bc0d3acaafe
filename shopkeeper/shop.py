"""A whole shop on this machine: Redis, workers, learners and servers under one supervisor."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import redis

from config import announcements
from config.announcements import decode_announcement
from config.creation import check_creation
from config.errors import ShopkeeperError
from config.keys import Ids, Keys
from config.settings import Settings
from shopkeeper.addresses import get, listen, metrics_url, url_of, what_is_missing
from shopkeeper.children import Role
from shopkeeper.redis_connection import RedisDidNotStart, connect, wait_until_loaded
from shopkeeper.supervisor import StopRequests, Supervisor

OTHER_REDIS_SECONDS = 30.0
NOT_READY_SECONDS = 10.0


class StoppedEarly(ShopkeeperError):
    """It was asked to stop before it was ready."""


class Shop:
    """Start it, step it until it shall stop, stop it.

    ``settings.redis.url`` is where Redis will be; ``embedded`` says whether to start it there.
    ``say`` gets news for people, ``echo`` what the children write.
    """

    def __init__(
        self,
        config_path: Path,
        settings: Settings,
        *,
        ids: Ids,
        embedded: bool,
        requests: StopRequests,
        say: Callable[[str], None],
        echo: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self._ids = ids
        self._say = say
        self.redis_url = settings.redis.url
        self._config_path = config_path
        self._embedded = embedded
        self._requests = requests
        self._keys = Keys(settings.shop.namespace)
        self._redis = connect(self.redis_url, timeout_seconds=0.5)
        self._supervisor = Supervisor(requests, self._heartbeat, say, echo)
        self._listener: socket.socket | None = None
        self.url = ""

    def start(self) -> None:
        """Start all and return once the server is ready.

        Raises:
            ShopkeeperError: the port is taken, Redis does not start, or a child refuses to.
        """
        self._listener = listen(self.settings.server.host, self.settings.server.port)
        self.url = url_of(self._listener)
        if self._embedded:
            self._supervisor.start([self._redis_role()])
            wait_until_loaded(self.redis_url, self._check_redis)
        else:
            wait_until_loaded(self.redis_url, self.step, OTHER_REDIS_SECONDS)
        self._check_creation()
        self._supervisor.start(self._all_roles(self._listener))
        self._wait_until_ready()

    def step(self) -> None:
        """Look after the children for a moment.

        Raises:
            StoppedEarly: a stop was asked for.
            ChildRefused: a child's first start failed for good.
        """
        if self._requests.count:
            raise StoppedEarly("stopped")
        self._supervisor.step()

    def stop(self) -> bool:
        """Stop servers, then flows, then Redis; return False where something was killed."""
        clean = self._supervisor.stop()
        if self._listener is not None:
            self._listener.close()
        self._redis.close()
        return clean

    @property
    def restarts(self) -> int:
        """How many times a child was started again."""
        return self._supervisor.restarts

    def facts(self) -> str:
        """Return what others need to find it, as JSON: addresses and process ids by name."""
        pids = {child.role.name: child.process.pid for child in self._supervisor.children}
        return json.dumps({"url": self.url, "redis_url": self.redis_url, "processes": pids})

    def metrics_pages(self) -> list[str]:
        """Return the metrics of the servers and the flows; of those that answer at once."""
        beats: Any = []
        with suppress(redis.RedisError):
            ids = [child.id for child in self._supervisor.children]
            beats = self._redis.mget([key for one in ids for key in self._beat_keys(one)])
        told = [at for at in map(decode_announcement, beats) if at is not None]
        addresses = [metrics_url(at.metrics_host, at.metrics_port) for at in told]
        pages = []
        for address in addresses:
            with suppress(OSError):
                pages.append(get(address)[1])
        return pages

    def _heartbeat(self, worker_id: str) -> bool | None:
        try:
            return bool(self._redis.exists(*self._beat_keys(worker_id)))
        except redis.RedisError:
            return None

    def _beat_keys(self, child_id: str) -> list[str]:
        """Return where a process of this id may beat; it is only one of these."""
        keys = self._keys
        families = (keys.server, keys.worker, keys.learner, keys.deliverer)
        return [family(child_id) for family in families]

    def _check_creation(self) -> None:
        stored: Any = self._redis.hgetall(self._keys.creation())
        if stored:
            check_creation(stored, self._ids)

    def _wait_until_ready(self) -> None:
        next_word = time.monotonic() + NOT_READY_SECONDS
        while (missing := what_is_missing(self.url)) is not None:
            if time.monotonic() >= next_word:
                self._say(f"not ready yet: {missing}")
                next_word += NOT_READY_SECONDS
            self.step()

    def _check_redis(self) -> None:
        self.step()
        child = self._supervisor.children[0]
        if child.start_at is not None:
            raise RedisDidNotStart(f"the embedded Redis ended:\n{child.last_lines()}")

    def _redis_role(self) -> Role:
        return Role(
            "redis",
            "redis",
            lambda _: self._command("redis"),
            environ=_own_code(),
            last_words=signal.SIGTERM,  # it syncs its file and goes
        )

    def _all_roles(self, listener: socket.socket) -> list[Role]:
        descriptor = listener.fileno()
        asked = {"SHOPKEEPER_DELIVERY_SERVER_URL": self.settings.delivery.server_url or self.url}
        return [
            *self._roles("worker", "worker", ["work"]),
            *self._roles("learner", "learner", ["learn"]),
            *self._roles("deliverer", "delivery", ["deliver"], environ=asked),
            *self._roles("server", "server", ["serve", "--fd", str(descriptor)], (descriptor,)),
        ]

    def _roles(
        self,
        kind: announcements.Role,
        table: Literal["worker", "learner", "delivery", "server"],
        command: Sequence[str],
        pass_fds: tuple[int, ...] = (),
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Role]:
        """Return as many as their table of settings says, on ports that follow each other."""
        settings = getattr(self.settings, table)
        first_port = settings.metrics_port
        port_name = f"SHOPKEEPER_{table.upper()}_METRICS_PORT"
        return [
            Role(
                kind,
                f"{kind}-{n}",
                lambda child_id: self._command(*command, f"--{kind}-id", child_id),
                pass_fds=pass_fds,
                environ={
                    **_own_code(),
                    port_name: str(first_port + n - 1 if first_port else 0),
                    **environ,
                },
            )
            for n in range(1, settings.processes + 1)
        ]

    def _command(self, *arguments: str) -> list[str]:
        config = str(self._config_path.absolute())
        return [sys.executable, "-P", "-m", "shopkeeper", "--config", config, *arguments]


def _own_code() -> dict[str, str]:
    """Let children import the code that runs here, whatever lies in the current folder."""
    root = str(Path(__file__).resolve().parents[1])
    others = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{root}{os.pathsep}{others}" if others else root}
