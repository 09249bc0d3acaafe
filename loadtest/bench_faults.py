"""What decisions do while Redis is stopped, frozen, slow or empty, and how soon they recover.

The server reaches Redis through a proxy, workers and learner directly. Decisions are asked for at
planned times by a generator of its own; the fault comes and goes meanwhile.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from loadtest.bench_serve import visitor_bodies
from loadtest.deciding_shop import deciding_shop, port_of, put_catalog, send, settle, teach
from loadtest.decisions import catalog_lines
from loadtest.formats import SegmentEvent, Timed
from loadtest.generator import Generator
from loadtest.latency import percentiles
from loadtest.machine import machine
from loadtest.processes import Launch, ShopUnderTest
from loadtest.proxy import FaultProxy
from loadtest.steady import OK, Asked, Steady
from loadtest.workload import as_visitor

CUT_OFF_MS = 50
SLOW_SECONDS = 0.2
_TEND_SECONDS = 0.01


class Fault(StrEnum):
    """What happens to Redis."""

    STOPPED = "stopped"
    FROZEN = "frozen"
    SLOWED = "slowed"
    EMPTIED = "emptied"


@dataclass(frozen=True, slots=True)
class FaultLoad:
    """Decisions a second, and seconds before, in and after each fault.

    ``fill_seconds``: how long filling an emptied Redis again may take, at most.
    """

    per_second: float = 100.0
    before_seconds: float = 2.0
    fault_seconds: float = 3.0
    after_seconds: float = 5.0
    fill_seconds: float = 15.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Times:
    """When (wall time, s) a fault began to come, had come, was taken away, and Redis was back.

    Redis is back: it answers; after it was emptied: the shop's last event was accepted again.
    """

    before: float
    began: float
    removed: float
    back: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What decisions did; rates are shares of those due while the fault lasted.

    ``personal_again_ms``: from Redis being back to the planned time of the first decision from
    which on all were personal; None where the last one was not.
    """

    fault: str
    n_decisions: int
    n_in_fault: int
    failures: int
    answered_max_ms: float
    answered_in_fault_p99_ms: float
    server_max_ms: float
    personal_before_rate: float
    fallback_in_fault_rate: float
    personal_again_ms: float | None


def bench_faults(
    history: Sequence[Timed],
    load: FaultLoad,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Teach a shop this history, then let Redis fail in each way under decisions."""
    visits = [as_visitor(timed) for timed in history]
    events = [timed.event for timed in visits]
    outcomes = []
    with _shop_behind_proxy(events, launch) as (shop, proxy):
        teach(shop, visits)
        for fault in Fault:
            asked, times = _endure(fault, shop, proxy, visits, load, launch)
            outcomes.append(judge(fault, asked, times))
            say(f"{fault}: answered within {outcomes[-1].answered_max_ms:.1f} ms")
        machines = machine(shop.client)
    return summary(outcomes) | {
        "cutoff_ms": CUT_OFF_MS,
        "decisions_per_second": load.per_second,
        "seed": load.seed,
        "machine": machines,
    }


def judge(fault: str, asked: Sequence[Asked], times: Times) -> Outcome:
    """Return what the decisions of one fault come to."""
    before = [one for one in asked if one.due_at + one.latency_ms / 1000 < times.before]
    within = [one for one in asked if times.began <= one.due_at < times.removed]
    after = [one for one in asked if one.due_at >= times.back]
    in_fault = percentiles("answered", [one.latency_ms for one in within])
    return Outcome(
        fault=fault,
        n_decisions=len(asked),
        n_in_fault=len(within),
        failures=sum(one.status != OK for one in asked),
        answered_max_ms=round(max(one.latency_ms for one in asked), 2),
        answered_in_fault_p99_ms=round(in_fault["answered_p99_ms"], 2),
        server_max_ms=round(max(one.server_ms for one in asked), 2),
        personal_before_rate=_rate([one.is_personal for one in before]),
        fallback_in_fault_rate=_rate([one.says_fallback for one in within]),
        personal_again_ms=_personal_again_ms(after, times.back),
    )


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the worst of all faults, and each."""
    again = [one.personal_again_ms for one in outcomes]
    return {
        "answered_max_ms": max(one.answered_max_ms for one in outcomes),
        "server_max_ms": max(one.server_max_ms for one in outcomes),
        "fallback_in_fault_rate": min(one.fallback_in_fault_rate for one in outcomes),
        "personal_again_ms": None if None in again else max(ms for ms in again if ms is not None),
        "failures": sum(one.failures for one in outcomes),
        "faults": [asdict(one) for one in outcomes],
    }


def _personal_again_ms(after: Sequence[Asked], back: float) -> float | None:
    """Return the planned time from which on every decision was personal, in ms after ``back``."""
    last = max((n for n, one in enumerate(after) if not one.is_personal), default=-1)
    if last + 1 >= len(after):
        return None
    return 0.0 if last < 0 else round(1000 * (after[last + 1].due_at - back), 1)


def _rate(facts: Sequence[bool]) -> float:
    return round(sum(facts) / max(len(facts), 1), 4)


@contextmanager
def _shop_behind_proxy(
    events: Sequence[SegmentEvent], launch: Launch
) -> Iterator[tuple[ShopUnderTest, FaultProxy]]:
    settings = {"SHOPKEEPER_DECISION_CUTOFF_MS": str(CUT_OFF_MS)}
    with deciding_shop(events, launch, settings, with_server=False) as shop:
        listen = str(shop.folder / "slow.sock")
        with FaultProxy(listen, shop.socket_path, lambda: None) as proxy:
            shop.start_server(listen)
            put_catalog(shop, catalog_lines(events))
            yield shop, proxy
            shop.children["server"].stop()


def _endure(
    fault: Fault,
    shop: ShopUnderTest,
    proxy: FaultProxy,
    visits: Sequence[Timed],
    load: FaultLoad,
    launch: Launch,
) -> tuple[list[Asked], Times]:
    """Let one fault come and go under decisions; return them and when it was there."""
    job = Steady(
        port=port_of(shop),
        key=shop.write_key,
        bodies=visitor_bodies(visits, load.seed),
        per_second=load.per_second,
        seconds=load.before_seconds
        + load.fault_seconds
        + load.after_seconds
        + (load.fill_seconds if fault is Fault.EMPTIED else 0.0),
    )
    redis = shop.children["redis"]
    come: Mapping[Fault, Callable[[], object]] = {
        Fault.STOPPED: redis.stop,
        Fault.FROZEN: redis.freeze,
        Fault.SLOWED: lambda: _delay(proxy, SLOW_SECONDS),
        Fault.EMPTIED: shop.client.flushall,
    }
    go: Mapping[Fault, Callable[[], object]] = {
        Fault.STOPPED: shop.start_redis,
        Fault.FROZEN: redis.thaw,
        Fault.SLOWED: lambda: _delay(proxy, 0.0),
        Fault.EMPTIED: lambda: _fill_again(shop, visits),
    }
    with Generator(job, list[Asked], launch) as generator:
        ends_at = time.time() + job.seconds
        _tend_until(shop, time.time() + load.before_seconds)
        before = time.time()
        come[fault]()
        began = time.time()
        _tend_until(shop, began + load.fault_seconds)
        removed = time.time()
        go[fault]()
        shop.wait(shop.redis_answers, "Redis does not answer")
        back = time.time()
        _tend_until(shop, ends_at)
        asked = generator.wait()
    settle(shop, shop.tend)
    return asked, Times(before, began, removed, back)


def _delay(proxy: FaultProxy, seconds: float) -> None:
    proxy.delay_seconds = seconds


def _fill_again(shop: ShopUnderTest, visits: Sequence[Timed]) -> None:
    """Bring the catalog back, and the visitors: each does again what was done before."""
    put_catalog(shop, catalog_lines(timed.event for timed in visits))
    send(shop, visits)


def _tend_until(shop: ShopUnderTest, at: float) -> None:
    """Start again what ends, as a supervisor does, until then."""
    while time.time() < at:
        shop.tend()
        time.sleep(_TEND_SECONDS)
