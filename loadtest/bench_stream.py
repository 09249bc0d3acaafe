"""How many events a second workers take from full logs into users' states, from outside.

The logs are filled under another name while the workers stand by, idle and with an empty cache,
their shards leased; then the logs are renamed into place, and that moment starts the clock. It
stops when every shard's commit covers its log.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from config.keys import Ids, Keys
from loadtest.machine import machine
from loadtest.processes import Launch, ShopUnderTest, shop_under_test
from loadtest.settled import committed, hold_time, log_ends
from loadtest.synthetic import Appended, append_all, shop_events

MEMORY_MB = 4096
_IDLE_SETTLE_SECONDS = 3.0
_POLL_SECONDS = 0.05
_DRAIN_SECONDS = 900.0
_SAMPLED_USERS = 1000
_STEP_MS = 14  # 500,000 events in about two hours: sessions end on the way

Fill = Callable[[Ids], Iterable[Appended]]


@dataclass(frozen=True, slots=True)
class Drain:
    """One round: what was drained, in which time, with how much processor time."""

    workers: int
    n_events: int
    events_per_second: float
    seconds: float
    worker_cpu_seconds: float
    redis_cpu_seconds: float
    state_bytes_per_user: float
    idle_cpu_percent: float | None


def bench_stream(
    n_events: int,
    n_users: int,
    workers: int,
    rounds: int,
    seed: int,
    idle_seconds: float,
    launch: Launch,
    history: Callable[[Ids], Iterable[Appended]] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Drain made-up events with one worker, and with two where asked; return medians of rounds.

    ``history`` is drained beside, once a round, by one worker.
    """

    def made_up(ids: Ids) -> Iterable[Appended]:
        start_ms = int(time.time() * 1000) - n_events * _STEP_MS
        return shop_events(n_events, n_users, seed, ids, start_ms, _STEP_MS)

    by_workers: dict[int, list[Drain]] = {n: [] for n in range(1, workers + 1)}
    beside: list[Drain] = []
    machines: dict[str, Any] = {}
    for number in range(rounds):
        for n, drains in by_workers.items():
            idle = idle_seconds if number == 0 and n == 1 else 0.0
            drains.append(drain(made_up, n, idle, launch, machines))
            say(f"round {number + 1}, {n} worker(s): {drains[-1].events_per_second:,.0f} events/s")
        if history is not None:
            beside.append(drain(history, 1, 0.0, launch, machines))
            say(f"round {number + 1}, file: {beside[-1].events_per_second:,.0f} events/s")
    one = by_workers[1]
    figures: dict[str, Any] = {
        "n_events": n_events,
        "n_users": n_users,
        "seed": seed,
        "rounds": rounds,
        "events_per_second": _median(one, "events_per_second"),
        "worker_cpu_us_per_event": _cpu_us(one, "worker_cpu_seconds"),
        "redis_cpu_us_per_event": _cpu_us(one, "redis_cpu_seconds"),
        "state_bytes_per_user": _median(one, "state_bytes_per_user"),
        "idle_cpu_percent": one[0].idle_cpu_percent,
    }
    if workers > 1:
        figures["two_workers_events_per_second"] = _median(by_workers[2], "events_per_second")
        ratio = figures["two_workers_events_per_second"] / figures["events_per_second"]
        figures["two_workers_ratio"] = round(ratio, 2)
    if beside:
        figures["taobao815_events_per_second"] = _median(beside, "events_per_second")
    figures["drains"] = [asdict(d) for drains in (*by_workers.values(), beside) for d in drains]
    return figures | {"machine": machines}


def drain(
    fill: Fill,
    workers: int,
    idle_seconds: float,
    launch: Launch,
    machines: dict[str, Any],
    more: Mapping[str, str] | None = None,
    look: Callable[[ShopUnderTest], None] = lambda _: None,
) -> Drain:
    """Fill the logs of a new shop and measure how its workers empty them.

    ``more`` settings by their name in the environment; ``look`` sees the shop at the end.
    """
    overrides = {
        "SHOPKEEPER_REDIS_DURABILITY": "everysec",
        "SHOPKEEPER_REDIS_MAX_MEMORY_MB": str(MEMORY_MB),
        **(more or {}),
    }
    with shop_under_test(overrides, launch) as shop:
        shop.start_redis()
        machines.update(machine(shop.client))
        aside = Keys("prefill")
        n_events = append_all(shop.socket_path, aside, fill(shop.ids))
        names = start_workers(shop, workers)
        idle = _idle_cpu(shop, names, idle_seconds) if idle_seconds else None
        before = _cpu(shop, names)
        hold_time(shop)  # no tick by wall time may come first
        began = time.perf_counter()
        _rename(shop, aside)
        _wait_until_drained(shop)
        seconds = time.perf_counter() - began
        used = [after - b for after, b in zip(_cpu(shop, names), before, strict=True)]
        look(shop)
        rate, state_bytes = n_events / seconds, mean_state_bytes(shop)
        return Drain(workers, n_events, rate, seconds, sum(used[1:]), used[0], state_bytes, idle)


def start_workers(shop: ShopUnderTest, workers: int) -> list[str]:
    """Start workers and wait until they share the shards evenly; return their names."""
    names = [f"worker-{n}" for n in range(1, workers + 1)]
    for name in names:
        shop.start_worker(name)

    def is_shared() -> bool:
        owners: Any = shop.client.mget([shop.keys.owner(n) for n in range(shop.ids.n_shards)])
        counts = [owners.count(owner) for owner in set(owners)]
        return None not in owners and len(counts) == workers and max(counts) - min(counts) <= 1

    shop.wait(is_shared, "the workers do not share the shards")
    return names


def mean_state_bytes(shop: ShopUnderTest) -> float:
    """Return the mean MEMORY USAGE of users' keys, over a sample of about 1,000."""
    pattern = shop.keys.user(0, "*").replace("{u0}", "{u*}")
    sizes: list[int] = []
    for name in shop.client.scan_iter(match=pattern, count=_SAMPLED_USERS):
        sizes.append(int(shop.client.memory_usage(name, samples=0) or 0))
        if len(sizes) >= _SAMPLED_USERS:
            break
    return sum(sizes) / max(len(sizes), 1)


def _rename(shop: ShopUnderTest, aside: Keys) -> None:
    pipe = shop.client.pipeline(transaction=False)
    for shard in range(shop.ids.n_shards):
        pipe.rename(aside.events(shard), shop.keys.events(shard))
    pipe.execute(raise_on_error=False)  # a shard without entries has no log to rename


def _wait_until_drained(shop: ShopUnderTest) -> None:
    """Wait for the commits to reach the ends that the logs have now; a light look at a time."""
    deadline, hold_at = time.monotonic() + _DRAIN_SECONDS, 0.0
    ends = log_ends(shop)
    commits = [shop.keys.commit(shard) for shard in ends]
    while True:
        reached: Any = shop.client.mget(commits)
        if all(committed(at) >= end for at, end in zip(reached, ends.values(), strict=True)):
            return
        now = time.monotonic()
        if now > deadline:
            raise TimeoutError(f"the logs are not applied after {_DRAIN_SECONDS:g} s")
        if now > hold_at:
            hold_time(shop)  # the entries are of the past: no ticks by wall time in between
            hold_at = now + 1.0
        time.sleep(_POLL_SECONDS)


def _idle_cpu(shop: ShopUnderTest, names: list[str], seconds: float) -> float:
    time.sleep(_IDLE_SETTLE_SECONDS)
    before = _cpu(shop, names)[1]
    time.sleep(seconds)
    return round(100 * (_cpu(shop, names)[1] - before) / seconds, 2)


def _cpu(shop: ShopUnderTest, names: list[str]) -> list[float]:
    return [shop.children[name].cpu_seconds() for name in ("redis", *names)]


def _median(drains: list[Drain], field: str) -> int:
    values: list[float] = [getattr(drain, field) for drain in drains]
    return round(median(values))


def _cpu_us(drains: list[Drain], field: str) -> float:
    values: list[float] = [getattr(drain, field) / drain.n_events for drain in drains]
    return round(median(values) * 1e6, 1)
