"""Whether the dashboard tells the truth of a minute, and what it costs decisions that many look.

The same minute is measured from outside: how many decisions and events, what each answer's
``Server-Timing`` says, and by the wall clock of who asks. Then rounds of three parts each: two
without anybody who looks, whose difference is the noise, and one with viewers.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

import httpx

from loadtest import viewers
from loadtest.bench_serve import visitor_bodies
from loadtest.children import ChildFailed
from loadtest.deciding_shop import deciding_shop, port_of, settle, teach
from loadtest.formats import Timed
from loadtest.generator import Generator, generate
from loadtest.latency import percentiles
from loadtest.machine import machine
from loadtest.open_loop import Schedule, Sent, send_open_loop
from loadtest.processes import Launch, ShopUnderTest
from loadtest.steady import OK, Asked, Steady
from loadtest.workload import as_visitor

STAGES = ("read", "decide", "encode")
WIDTH = 1 / 32  # of a bucket: how exact the dashboard's percentiles are
_ROUNDED_MS = 0.002  # of what the head of an answer tells
_TELL_SECONDS = 2.0  # until processes have told what they counted
_QUIET_SECONDS = 120.0
_TOLD_SECONDS = 20.0
_GONE_SECONDS = 7.0  # until the server collects no more for viewers that left
_ARRIVED_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class DashboardLoad:
    """The traffic; ``minute_seconds`` of it are compared, parts of rounds last ``seconds``."""

    decisions_per_second: float = 300.0
    events_per_second: int = 500
    batch_events: int = 10
    minute_seconds: float = 45.0
    seconds: float = 10.0
    warm_up_seconds: float = 2.0
    rounds: int = 7
    viewers: int = 5
    seed: int = 1


def bench_dashboard(
    history: Sequence[Timed],
    load: DashboardLoad,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Compare a minute, then measure decisions with and without viewers."""
    visits = [as_visitor(timed) for timed in history]
    with deciding_shop([timed.event for timed in visits], launch) as shop:
        say(f"teaching a shop {len(visits):,} events")
        teach(shop, visits)
        bodies = visitor_bodies(visits, load.seed)
        figures = _same_minute(shop, bodies, load, launch, say) if load.minute_seconds else {}
        rounds = [_round(shop, bodies, load, launch, number, say) for number in range(load.rounds)]
        machines = machine(shop.client)
    return figures | _effect(rounds, load) | {"seed": load.seed, "machine": machines}


def _same_minute(
    shop: ShopUnderTest,
    bodies: list[str],
    load: DashboardLoad,
    launch: Launch,
    say: Callable[[str], None],
) -> dict[str, Any]:
    say("waiting for a minute in which nothing happens")
    quiet_ms = 1000 * (time.time() + _TELL_SECONDS)
    _wait_for_minute(shop, lambda told: told["from"] >= quiet_ms)
    asked, sent = _traffic(shop, bodies, load, launch)
    settle(shop)
    ended_ms = 1000 * (time.time() + _TELL_SECONDS)
    told = _wait_for_minute(shop, lambda told: told["from"] + 60_000 >= ended_ms)
    if told["from"] > 1000 * asked[0].due_at:
        raise ChildFailed(
            "the minute is over before all of it was told; let minute_seconds be less"
        )
    return compare(asked, sent, load.batch_events, told)


def compare(
    asked: Sequence[Asked], sent: Sequence[Sent], batch_events: int, told: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was seen beside what the dashboard told, and whether they are equal."""
    counts = {
        "decisions": (sum(one.status == OK for one in asked), told["decisions"]),
        "events": (sum(batch_events for batch in sent if batch.entries), told["events"]),
    }
    stages: dict[str, tuple[float, float]] = {}
    for place, stage in enumerate(STAGES):
        values = sorted(one.stages_ms[place] for one in asked if one.status == OK)
        for share, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99")):
            seen = values[max(ceil(share * len(values)) - 1, 0)]
            stages[f"{stage}_{name}_ms"] = (seen, told["stages"][stage][name])
    is_equal = all(seen == shown for seen, shown in counts.values()) and all(
        abs(seen - shown) <= WIDTH * seen + _ROUNDED_MS for seen, shown in stages.values()
    )
    from_outside = percentiles("decision", [one.latency_ms for one in asked])
    in_server = told["routes"]["/v1/personalize"]
    return {
        "figures_equal": is_equal,
        "seen_and_told": {name: list(pair) for name, pair in (counts | stages).items()},
        "from_outside": from_outside,
        "told_of_the_route": in_server,
        "told_of_freshness": told["freshness"],
    }


def _traffic(
    shop: ShopUnderTest, bodies: list[str], load: DashboardLoad, launch: Launch
) -> tuple[list[Asked], list[Sent]]:
    job = _steady(shop, bodies, load, load.minute_seconds)
    schedule = Schedule(load.events_per_second, load.batch_events, load.minute_seconds, load.seed)
    with Generator(job, list[Asked], launch) as generator:
        sent = send_open_loop("127.0.0.1", port_of(shop), shop.write_key, shop.ids, schedule)
        return generator.wait(), sent


def _wait_for_minute(
    shop: ShopUnderTest, is_wanted: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any]:
    """Look at the dashboard until its last minute is as wanted.

    Raises:
        ChildFailed: it does not become so.
    """
    deadline = time.monotonic() + _QUIET_SECONDS
    headers = {"authorization": f"Bearer {shop.secret_key}"}
    with httpx.Client(base_url=shop.url, headers=headers, timeout=_TOLD_SECONDS) as client:
        while time.monotonic() < deadline:
            answer = client.get("/v1/dashboard")
            told: dict[str, Any] = answer.raise_for_status().json()["now"]["minute"]
            if is_wanted(told):
                return told
            time.sleep(1.0)
    raise ChildFailed(f"the dashboard's minute is not as it should be: {told}")


def _round(
    shop: ShopUnderTest,
    bodies: list[str],
    load: DashboardLoad,
    launch: Launch,
    number: int,
    say: Callable[[str], None],
) -> tuple[float, float, float]:
    """Return the p99 (ms) of decisions: twice without viewers, and with them; order alternates."""

    def part() -> float:
        asked = generate(
            _steady(shop, bodies, load, load.warm_up_seconds + load.seconds), list[Asked], launch
        )
        began = asked[0].due_at + load.warm_up_seconds
        latencies = [one.latency_ms for one in asked if one.due_at >= began]
        return percentiles("decision", latencies)["decision_p99_ms"]

    def part_seen() -> float:
        with _viewers(shop, load.viewers, launch):
            return part()

    if number % 2:
        seen = part_seen()
        time.sleep(_GONE_SECONDS)
        first, second = part(), part()
    else:
        first, second, seen = part(), part(), part_seen()
        time.sleep(_GONE_SECONDS)
    say(f"round {number + 1}: p99 {first:.2f} and {second:.2f} ms; with viewers {seen:.2f} ms")
    return first, second, seen


@contextmanager
def _viewers(shop: ShopUnderTest, n_viewers: int, launch: Launch) -> Iterator[None]:
    command = [sys.executable, "-m", viewers.__name__, str(port_of(shop)), str(n_viewers)]
    with subprocess.Popen(launch(command), stdin=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(shop.secret_key.encode() + b"\n")
            process.stdin.close()
            time.sleep(_ARRIVED_SECONDS)
            yield
            if process.poll() is not None:
                raise ChildFailed("the viewers are gone; they said why on stderr")
        finally:
            process.kill()


def _steady(shop: ShopUnderTest, bodies: list[str], load: DashboardLoad, seconds: float) -> Steady:
    return Steady(
        port=port_of(shop),
        key=shop.write_key,
        bodies=bodies,
        per_second=load.decisions_per_second,
        seconds=seconds,
    )


def _effect(rounds: Sequence[tuple[float, float, float]], load: DashboardLoad) -> dict[str, Any]:
    """Return by how much viewers change p99, its interval, and the noise it is to be held against.

    The interval is of order statistics: of seven rounds, the second and the sixth hold the median
    with 87.5 %, the first and the last with 98.4 %.
    """
    if not rounds:
        return {}
    effects = sorted(seen - (first + second) / 2 for first, second, seen in rounds)
    noise = sorted(abs(first - second) for first, second, _ in rounds)
    inner = 1 if len(effects) > 4 else 0
    return {
        "viewers": load.viewers,
        "rounds": len(rounds),
        "p99_ms": round(median((first + second) / 2 for first, second, _ in rounds), 3),
        "p99_seen_ms": round(median(seen for _, _, seen in rounds), 3),
        "effect_ms": round(median(effects), 3),
        "effect_interval_ms": [round(effects[inner], 3), round(effects[-1 - inner], 3)],
        "noise_ms": round(median(noise), 3),
        "within_noise": abs(median(effects)) <= median(noise)
        or effects[inner] <= 0 <= effects[-1 - inner],
        "each_round_ms": [[round(ms, 3) for ms in one] for one in rounds],
    }
