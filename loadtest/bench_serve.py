"""What a decision costs: throughput as a ratio to the floor, latency at a steady rate.

Floor and server are saturated in turn by the same closed-loop generator, on the same Redis, with
the same requests; nothing else is sent meanwhile.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Any

from loadtest import floor
from loadtest.cores import cores_used, cpu_seconds
from loadtest.deciding_shop import deciding_shop, port_of, teach
from loadtest.decisions import PATH, visitor_request
from loadtest.formats import Timed
from loadtest.generator import generate
from loadtest.latency import curve, percentiles
from loadtest.machine import machine
from loadtest.processes import Launch, ShopUnderTest, free_port
from loadtest.saturation import Saturated, Saturation
from loadtest.steady import OK, Asked, Steady
from loadtest.workload import as_visitor

WARM_UP_SECONDS = 3.0
CONNECTIONS = 16
BAR = 0.5  # of the floor's requests a second
N_BODIES = 2_000
_LOG_SECONDS = 1.0  # for the last batches to get into the log of decisions


@dataclass(frozen=True, slots=True)
class ServeLoad:
    """How long and how often; ``per_second`` decisions in the steady part."""

    seconds: float = 10.0
    rounds: int = 5
    per_second: float = 300.0
    seed: int = 1
    warm_up_seconds: float = WARM_UP_SECONDS


def bench_serve(
    history: Sequence[Timed],
    load: ServeLoad,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Teach a shop this history, then measure in rounds: floor, server, server at a steady rate."""
    visits = [as_visitor(timed) for timed in history]
    with deciding_shop([timed.event for timed in visits], launch) as shop:
        say(f"teaching a shop {len(visits):,} events")
        teach(shop, visits)
        bodies = visitor_bodies(visits, load.seed)
        floor_port = _start_floor(shop, {timed.event["anonymousId"] for timed in visits})
        floors: list[Saturated] = []
        servers: list[Saturated] = []
        steady: list[list[Asked]] = []
        used: list[dict[str, float]] = []
        for number in range(load.rounds):
            before, began = cpu_seconds(shop), time.monotonic()
            floors.append(_saturate(floor_port, bodies, load, shop, launch))
            servers.append(_saturate(port_of(shop), bodies, load, shop, launch))
            steady.append(_ask_steadily(shop, bodies, load, launch))
            used.append(cores_used(before, cpu_seconds(shop), time.monotonic() - began))
            ratio = servers[-1].requests_per_second / floors[-1].requests_per_second
            say(f"round {number + 1}: {ratio:.3f} of the floor")
        time.sleep(_LOG_SECONDS)
        logged = n_logged(shop)
        machines = machine(shop.client)
    return _throughput(floors, servers) | {
        **_latency(steady, load.warm_up_seconds),
        "steady_decisions_per_second": load.per_second,
        "logged_rate": round(logged / _n_answered(servers, steady), 4),
        "others_cores_used": max(one["others"] for one in used),
        "n_visitors": len({timed.event["anonymousId"] for timed in visits}),
        "n_events_taught": len(visits),
        "rounds": load.rounds,
        "seed": load.seed,
        "machine": machines,
    }


def visitor_bodies(visits: Sequence[Timed], seed: int) -> list[str]:
    """Return requests of visitors, drawn by how often they came."""
    drawn = Random(seed).choices(visits, k=N_BODIES)
    return [visitor_request(timed.event["anonymousId"]).decode() for timed in drawn]


def _n_answered(servers: Sequence[Saturated], steady: Sequence[Sequence[Asked]]) -> int:
    """Return how many decisions were made, those included that were on their way at the end."""
    saturated = sum(one.n_answers + one.n_warm_up_answers + CONNECTIONS for one in servers)
    return saturated + sum(one.status == OK for asked in steady for one in asked)


def n_logged(shop: ShopUnderTest) -> int:
    """Return how many decisions the log has taken in."""
    pipe = shop.client.pipeline(transaction=False)
    for shard in range(shop.ids.n_shards):
        pipe.xinfo_stream(shop.keys.decisions(shard))
    replies = pipe.execute(raise_on_error=False)
    return sum(reply["entries-added"] for reply in replies if isinstance(reply, dict))


def _start_floor(shop: ShopUnderTest, visitors: Iterable[str]) -> int:
    """Start the floor on the shop's Redis, where it reads as many bytes; return its port."""
    for visitor in visitors:
        state: Any = shop.client.get(shop.keys.user(*shop.ids.anonymous(visitor)))
        shop.client.set(f"floor:{visitor}", state or b"")
    port = free_port()
    command = [sys.executable, "-m", floor.__name__, str(port), f"unix://{shop.socket_path}"]
    shop.start_program("floor", command)
    url = f"http://127.0.0.1:{port}"
    shop.wait(lambda: shop.answers(url, "/") is not None, "the floor does not answer")
    return port


def _saturate(
    port: int, bodies: list[str], load: ServeLoad, shop: ShopUnderTest, launch: Launch
) -> Saturated:
    is_decision = port == port_of(shop)
    job = Saturation(
        port=port,
        path=PATH if is_decision else floor.PATH,
        key=shop.write_key,
        bodies=bodies,
        connections=CONNECTIONS,
        warm_up_seconds=load.warm_up_seconds,
        seconds=load.seconds,
        is_decision=is_decision,
    )
    return generate(job, Saturated, launch)


def _ask_steadily(
    shop: ShopUnderTest, bodies: list[str], load: ServeLoad, launch: Launch
) -> list[Asked]:
    job = Steady(
        port=port_of(shop),
        key=shop.write_key,
        bodies=bodies,
        per_second=load.per_second,
        seconds=load.warm_up_seconds + load.seconds,
    )
    return generate(job, list[Asked], launch)


def _throughput(floors: Sequence[Saturated], servers: Sequence[Saturated]) -> dict[str, Any]:
    ratios = [
        server.requests_per_second / bare.requests_per_second
        for server, bare in zip(servers, floors, strict=True)
    ]
    return {
        "ratio_to_floor": round(median(ratios), 3),
        "bar": BAR,
        "is_met": median(ratios) >= BAR,
        "decisions_per_second": round(median(one.requests_per_second for one in servers)),
        "floor_requests_per_second": round(median(one.requests_per_second for one in floors)),
        "personal_rate": round(min(one.personal_rate for one in servers), 4),
        "fallback_rate": round(max(one.fallback_rate for one in servers), 4),
        "failures": sum(one.n_failures for one in (*servers, *floors)),
        "answer_bytes": round(median(one.answer_bytes for one in servers)),
        "generator_cpu_rate": round(max(one.generator_cpu_rate for one in (*servers, *floors)), 3),
        "ratio_each_round": [round(ratio, 3) for ratio in ratios],
    }


def _latency(rounds: Sequence[Sequence[Asked]], warm_up_seconds: float) -> dict[str, Any]:
    counted = [
        [one for one in asked if one.due_at >= asked[0].due_at + warm_up_seconds]
        for asked in rounds
    ]
    found = [percentiles("decision", [one.latency_ms for one in asked]) for asked in counted]
    pooled = [one.latency_ms for asked in counted for one in asked]
    return {
        **{name: round(median(values[name] for values in found), 3) for name in found[0]},
        "steady_failures": sum(one.status != 200 for asked in rounds for one in asked),
        "decision_curve_ms": curve(pooled),
    }
