"""A shop that takes in phases of events while its processes are killed in a seeded order."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, pairwise
from math import ceil
from random import Random
from typing import TypeVar

from loadtest.children import ChildFailed
from loadtest.fail_points import FailPoint
from loadtest.formats import Timed
from loadtest.processes import ShopUnderTest
from loadtest.proxy import FaultProxy
from loadtest.replay import Target, replay
from loadtest.settled import all_applied, hold_time
from loadtest.workload import Phase, with_resends

RESEND_SHARE = 0.1
SETTLE_SECONDS = 120.0
_HIT_SECONDS = 20.0
_JOIN_SECONDS = 3.0
_JOINS_AND_LEAVES = 6
_T = TypeVar("_T")
_KILLABLE = ("server", "worker", "redis")
_JOIN_OR_LEAVE = "join or leave"


@dataclass(frozen=True, slots=True)
class Plan:
    """One disturbed run: how many workers, whether a third comes and goes, and how often what."""

    name: str
    workers: int
    kills: int
    hits_each: int
    seed: int
    joins: bool = False


@dataclass(slots=True)
class Toll:
    """What was done to a run, and the message ids that it accepted."""

    kills: Counter[str] = field(default_factory=Counter)
    hits: Counter[FailPoint] = field(default_factory=Counter)
    joins: int = 0
    retries: int = 0
    accepted: set[str] = field(default_factory=set)


class Disturbance:
    """Starts a shop with a fault proxy before each worker, sends phases, and does its worst."""

    def __init__(
        self, shop: ShopUnderTest, plan: Plan, say: Callable[[str], None], stack: ExitStack
    ) -> None:
        self._shop, self._plan, self._say = shop, plan, say
        self._random = Random(plan.seed)
        self._proxies: dict[str, FaultProxy] = {}
        self.toll = Toll()
        shop.start_redis()
        shop.start_server()
        for number in range(1, plan.workers + 1 + plan.joins):
            name = f"worker-{number}"
            proxy = FaultProxy(self._listen(name), shop.socket_path, partial(self._kill, name))
            self._proxies[name] = stack.enter_context(proxy)
            if number <= plan.workers:
                shop.start_worker(name, self._listen(name))

    def run(self, phases: Sequence[Phase]) -> Toll:
        """Send all phases, each settled before the next; return what was done meanwhile."""
        for phase, deck in zip(phases, deal(phases, self._plan, self._random), strict=True):
            self._send_phase(phase, deck)
            settle(self._shop, self._tend)
        for proxy in self._proxies.values():
            self.toll.hits += proxy.hits
        return self.toll

    def _send_phase(self, phase: Phase, deck: list[str]) -> None:
        """Send a phase in as many chunks as there are actions, one action for each."""
        events = with_resends(phase.events, RESEND_SHARE, self._random)
        self._say(f"{self._plan.name}: {phase.name}, {len(events)} events, {len(deck)} actions")
        actions = deck or [""]
        for chunk, action in zip(cut(events, len(actions)), actions, strict=True):
            if action in set(FailPoint):
                self._hit(FailPoint(action), chunk)
                continue
            with self._sending(chunk):
                self._pause(self._random.uniform(0, 0.2))
                if action in _KILLABLE:
                    self._kill_one(action)
                elif action == _JOIN_OR_LEAVE:
                    self._join_or_leave()

    def _hit(self, point: FailPoint, chunk: Sequence[Timed]) -> None:
        """Arm a fail point before every worker, send, and wait until one was hit."""
        for proxy in self._proxies.values():
            proxy.arm(point)
        with self._sending(chunk):
            deadline = time.monotonic() + _HIT_SECONDS
            while time.monotonic() < deadline:
                if any(proxy.wait_hit(0) for proxy in self._proxies.values()):
                    break
                self._pause(0.005)
            for proxy in self._proxies.values():
                proxy.disarm()

    def _join_or_leave(self) -> None:
        third = self._shop.children.get("worker-3")
        if third is not None and third.wanted:
            third.stop()
            return
        self._shop.start_worker("worker-3", self._listen("worker-3"))
        self.toll.joins += 1
        self._pause(_JOIN_SECONDS)

    def _kill_one(self, kind: str) -> None:
        children = self._shop.children.items()
        names = sorted(name for name, child in children if name.startswith(kind) and child.wanted)
        self._kill(self._random.choice(names))
        self.toll.kills[kind] += 1

    def _kill(self, name: str) -> None:
        self._shop.children[name].kill()

    def _listen(self, name: str) -> str:
        return str(self._shop.folder / f"{name}.sock")

    def _tend(self) -> None:
        """Start again what ended, and keep wall time out of the shards."""
        self._shop.tend()
        hold_time(self._shop)

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._tend()
            time.sleep(0.005)

    @contextmanager
    def _sending(self, chunk: Sequence[Timed]) -> Iterator[None]:
        """Send a chunk meanwhile; at the end all of it was accepted."""
        failures: list[BaseException] = []

        def send_chunk() -> None:
            try:
                send(self._shop, chunk, self.toll)
            except BaseException as error:
                failures.append(error)

        sender = threading.Thread(target=send_chunk)
        sender.start()
        try:
            yield
        finally:
            while sender.is_alive():
                self._pause(0.005)
        if failures:
            raise failures[0]


def deal(phases: Sequence[Phase], plan: Plan, rng: Random) -> list[list[str]]:
    """Deal a plan's actions to the phases by their number of events, in a seeded order.

    What needs forwarding goes to the phases that forward.
    """
    actions = [
        str(point)
        for point in FailPoint
        if point is not FailPoint.AFTER_FORWARDING
        for _ in range(plan.hits_each)
    ]
    actions += [_KILLABLE[n % len(_KILLABLE)] for n in range(plan.kills)]
    actions += [_JOIN_OR_LEAVE] * (_JOINS_AND_LEAVES if plan.joins else 0)
    rng.shuffle(actions)
    forwarding = [str(FailPoint.AFTER_FORWARDING)] * plan.hits_each
    n_events = sum(len(phase.events) for phase in phases)
    n_forwarding = ceil(plan.hits_each / max(sum(phase.forwards for phase in phases), 1))
    left, rest = iter(actions), iter(forwarding)
    decks = []
    for phase in phases:
        deck = list(islice(left, ceil(len(actions) * len(phase.events) / n_events)))
        deck += islice(rest, n_forwarding) if phase.forwards else ()
        rng.shuffle(deck)
        decks.append(deck)
    return decks


def send(shop: ShopUnderTest, events: Sequence[Timed], toll: Toll) -> None:
    """Import events and note what was accepted.

    Raises:
        ChildFailed: collect rejected some of them.
    """
    target = Target(shop.url, shop.secret_key, imports=True, give_up_seconds=SETTLE_SECONDS)
    result = replay(events, target)
    if result.rejected:
        raise ChildFailed(f"collect rejected events of ours: {dict(result.rejected)}")
    toll.retries += result.retries
    toll.accepted.update(timed.event["messageId"] for timed in events)


def settle(shop: ShopUnderTest, tend: Callable[[], None]) -> None:
    """Wait until all that was accepted is applied and forwarded, tending the shop meanwhile."""
    shop.wait(lambda: all_applied(shop), "not all is applied", SETTLE_SECONDS, tend)


def cut(events: Sequence[_T], n_chunks: int) -> list[Sequence[_T]]:
    """Cut into so many chunks, none empty where there are enough events.

    >>> [len(chunk) for chunk in cut([0] * 7, 3)]
    [2, 2, 3]
    """
    edges = [len(events) * n // n_chunks for n in range(n_chunks + 1)]
    return [events[start:end] for start, end in pairwise(edges)]
