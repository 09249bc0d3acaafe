"""Projects and running shops for the command's tests."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import redis
from typer.testing import CliRunner, Result

from config.keys import Keys
from shopkeeper.addresses import get
from shopkeeper.configuration import ids_of, load
from shopkeeper.inspection import UnknownUser, inspect_user
from shopkeeper.main import create_app
from shopkeeper.project_files import write_project
from shopkeeper.redis_connection import connect

START_SECONDS = 90.0


def a_project(folder: Path, **changes: str) -> Path:
    """Write a project and return its settings file; ``port="0"`` replaces that field's value."""
    write_project(folder)
    path = folder / "shopkeeper.toml"
    text = path.read_text()
    for field, value in changes.items():
        text, n = re.subn(rf"(?m)^{field} = .*$", f"{field} = {value}", text)
        assert n, f"no {field}"
    path.write_text(text)
    return path


def wait_for(condition: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
    """Return the first true value of the condition."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return value


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has waited for yet has ended too."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def invoked(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(create_app(arguments), arguments)


def command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "shopkeeper", "--config", str(config), *arguments]


class RunningShop:
    """``shopkeeper up`` as a child process."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.ready_file = config.parent / "ready.json"
        self.output_file = config.parent / "output.txt"
        _, self.secrets = load(config)
        with self.output_file.open("ab") as output:
            self.process = subprocess.Popen(
                command(config, "up", "--ready-file", str(self.ready_file)),
                stdout=output,
                stderr=output,
            )

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    def wait_until_ready(self) -> dict[str, Any]:
        wait_for(
            lambda: self.ready_file.exists() or self.process.poll() is not None,
            "it never got ready",
        )
        assert self.process.poll() is None, self.output
        self.facts: dict[str, Any] = json.loads(self.ready_file.read_text())
        self.url = self.facts["url"]
        return dict(self.facts)

    def pids(self) -> dict[str, int]:
        return dict(self.facts["processes"])

    def send(self, user_id: str, event: str = "Product Viewed") -> bool:
        """Send one event and tell whether it was accepted."""
        try:
            answer = httpx.post(
                f"{self.url}/v1/track",
                auth=(self.secrets.secret_keys[0], ""),
                json={"userId": user_id, "event": event, "properties": {"product_id": "p1"}},
                timeout=5.0,
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def metrics(self) -> str:
        """Return the metrics of all processes."""
        return get(f"{self.facts['url']}/metrics", timeout_seconds=5.0)[1]

    def events_seen(self, user_id: str) -> int:
        """Return how many events of a user have taken effect."""
        settings, secrets = load(self.config)
        ids, keys = ids_of(settings, secrets), Keys(settings.shop.namespace)
        with connect(self.facts["redis_url"]) as client:
            try:
                found = inspect_user(client, keys, ids, user_id, anonymous=False, now_ms=0)
            except (UnknownUser, redis.RedisError):
                return 0
        return int(found["picture"]["eventsSeen"])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(self.config, *arguments), capture_output=True, text=True, check=False
        )

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(START_SECONDS)


@contextmanager
def a_running_shop(folder: Path, **changes: str) -> Iterator[RunningShop]:
    """Yield a shop that is ready; in the end nothing of it runs."""
    config = folder / "shopkeeper.toml"
    if not config.exists():
        a_project(folder, port="0", **changes)
    shop = RunningShop(config)
    try:
        shop.wait_until_ready()
        yield shop
    finally:
        shop.process.terminate()
        try:
            shop.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            shop.process.kill()
            shop.process.wait()


def all_gone(pids: Sequence[int]) -> bool:
    return all(is_gone(pid) for pid in pids)
