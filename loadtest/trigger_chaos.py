"""Kills receiver, deliverer, worker, server and Redis while triggers fire; counts what was told.

What ended is started again, as the supervisor would. At the end each reason must have been told,
under one id, and each user's in order.
"""

import json
import secrets
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from loadtest.disturbance import Toll, cut, send
from loadtest.formats import Timed, iso_time
from loadtest.processes import Launch, ShopUnderTest, free_port, shop_under_test
from loadtest.receiver import Received, read_received
from loadtest.trigger_verdict import Reason, judge

TRIGGERS_EACH = 10  # of one user
SETTLE_SECONDS = 240.0
AWAIT_SECONDS = 10.0
_KILLABLE = ("receiver", "deliverer", "worker", "redis", "server")
_TRIGGER = """\
[triggers.visit]
on = "event"
event = "Product Viewed"
channel = "push"
consent = "none"
placements = ["next-best"]
"""
_STRICT = {"SHOPKEEPER_REDIS_DURABILITY": "strict"}


def run_trigger_chaos(
    n_triggers: int,
    n_kills: int,
    seed: int,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Fire so many triggers while so many processes are killed; return the figures."""
    began = time.monotonic()
    rng = Random(seed)
    reasons = reasons_of(n_triggers, rng)
    with shop_under_test(_STRICT, launch) as shop:
        run = _Run(shop, launch, n_triggers)
        kills = [_KILLABLE[n % len(_KILLABLE)] for n in range(n_kills)]
        rng.shuffle(kills)
        for chunk, victim in zip(cut(reasons, n_kills + 1), [*kills, ""], strict=True):
            with run.firing(chunk):
                run.await_some()
                run.pause(rng.uniform(0, 0.1))
                if victim:
                    run.kill(victim)
                    say(f"killed {victim}: {run.n_told()} of {n_triggers} told")
        run.settle(len(reasons))
        received = run.received()
        restarts = sum(child.starts - 1 for child in shop.children.values())
    verdict = judge(reasons, received)
    return {
        "seed": seed,
        "triggers": n_triggers,
        "users": len({reason.user for reason in reasons}),
        "kills": sum(run.kills.values()),
        "kills_by_process": dict(run.kills),
        "kills_while_under_way": run.n_under_way,
        "restarts": restarts,
        "messages_received": len(received),
        "redelivered": verdict.redelivered,
        "triggers_missing": verdict.missing,
        "triggers_repeated_ids": verdict.repeated_ids,
        "out_of_order": verdict.out_of_order,
        "first_difference": verdict.first_difference,
        "seconds": round(time.monotonic() - began, 1),
    }


def reasons_of(n_triggers: int, rng: Random) -> list[Reason]:
    """Return reasons of users who take turns by chance, each user's in order."""
    users = [f"user-{n // TRIGGERS_EACH}" for n in range(n_triggers)]
    rng.shuffle(users)
    numbers = Counter[str]()
    reasons = []
    for user in users:
        numbers[user] += 1
        reasons.append(Reason(user, numbers[user]))
    return reasons


class _Run:
    """A shop with a receiver, and what is done to it."""

    def __init__(self, shop: ShopUnderTest, launch: Launch, n_triggers: int) -> None:
        self._shop = shop
        self._written = shop.folder / "received.jsonl"
        self._written.touch()
        self._n_fired = 0
        self._toll = Toll()
        self._began_at = time.time_ns() // 1_000_000 - n_triggers
        self.kills = Counter[str]()
        self.n_under_way = 0
        port = free_port()
        _write_triggers(shop.folder, port)
        shop.start_redis()
        shop.start_server()
        shop.start_worker("worker")
        shop.start_program(
            "receiver",
            [sys.executable, "-m", "loadtest.receiver", str(port), str(self._written)],
        )
        shop.start_deliverer()

    @contextmanager
    def firing(self, reasons: Sequence[Reason]) -> Iterator[None]:
        """Send what fires meanwhile; at the end all of it was accepted."""
        # Each at a time of its own that is past: what lies ahead is dated when it comes in.
        first_at = self._began_at + self._n_fired
        events = [_event(one, first_at + n) for n, one in enumerate(reasons)]
        self._n_fired += len(reasons)
        failures: list[BaseException] = []

        def send_all() -> None:
            try:
                send(self._shop, events, self._toll)
            except BaseException as error:
                failures.append(error)

        sender = threading.Thread(target=send_all)
        sender.start()
        try:
            yield
        finally:
            while sender.is_alive():
                self.pause(0.005)
        if failures:
            raise failures[0]

    def await_some(self) -> None:
        """Wait until some of what was fired last is told, so that the rest is under way."""
        deadline = time.monotonic() + AWAIT_SECONDS
        before = self.n_told()
        while self.n_told() == before and time.monotonic() < deadline:
            self.pause(0.01)

    def kill(self, name: str) -> None:
        """Kill a process, which is started again at once."""
        self.n_under_way += self.n_told() < self._n_fired
        self._shop.children[name].kill()
        self.kills[name] += 1
        self.pause(0.05)

    def pause(self, seconds: float) -> None:
        """Let time pass, starting again what ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._shop.tend()
            time.sleep(0.005)

    def settle(self, n_wanted: int) -> None:
        """Wait until all was told, or for as long as it may take; what is missing is counted."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.n_told() < n_wanted and time.monotonic() < deadline:
            self.pause(0.2)
        self.pause(1.0)  # what comes too often, comes now

    def n_told(self) -> int:
        """Return how many different messages the receiver got."""
        return len({one.told_id for one in self.received()})

    def received(self) -> list[Received]:
        """Return all that the receiver wrote down."""
        return read_received(self._written.read_text(encoding="utf-8"))


def _event(reason: Reason, at_ms: int) -> Timed:
    """Return the visit of a user to a product, which fires."""
    event = {
        "type": "track",
        "event": "Product Viewed",
        "userId": reason.user,
        "messageId": reason.product,
        "properties": {"product_id": reason.product},
        "timestamp": iso_time(at_ms),
        "receivedAt": iso_time(at_ms),
    }
    return Timed(at_ms, 0, event)


def _write_triggers(folder: Path, port: int) -> None:
    (folder / "receiver.secret").write_text(_secret(), encoding="utf-8")
    table = {
        "url": f"http://127.0.0.1:{port}/",
        "secret_file": "receiver.secret",
        "allow_http": True,
        "allow_networks": ["127.0.0.0/8"],
        "timeout_seconds": 5,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    text = "\n".join([_TRIGGER, "[receivers.tool]", *lines, ""])
    (folder / "triggers.toml").write_text(text, encoding="utf-8")


def _secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
