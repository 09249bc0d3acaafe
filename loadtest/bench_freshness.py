"""How soon decisions know: of an event, and of what was learned; all traffic on one machine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from secrets import token_hex
from statistics import median
from typing import Any

import orjson

from loadtest.bench_serve import visitor_bodies
from loadtest.cores import cores_used, cpu_seconds
from loadtest.deciding_shop import deciding_shop, port_of, settle, teach
from loadtest.formats import SegmentEvent, Timed
from loadtest.freshness_load import Batch, Fresh, Freshening, pair_of
from loadtest.generator import generate
from loadtest.latency import curve, percentiles
from loadtest.machine import machine
from loadtest.processes import Launch, ShopUnderTest
from loadtest.workload import as_visitor

PROBE_EVERY_BATCHES = 5
PAIRS_PER_SECOND = 5.0
_TAUGHT_SHARE = 0.25  # of the history, before the clock starts
BARS = {"freshness": 25.0, "decision": 15.0}  # ms, of the 99th percentile
_PARTS = ("freshness", "learned_to_served", "decision", "reply")


@dataclass(frozen=True, slots=True)
class FreshnessLoad:
    """The traffic: events in batches, decisions of three placements; rounds of so many seconds."""

    events_per_second: int = 1000
    batch_events: int = 10
    decisions_per_second: float = 300.0
    seconds: float = 10.0
    rounds: int = 5
    seed: int = 1
    warm_up_seconds: float = 3.0

    @property
    def length(self) -> float:
        """How long traffic runs in a round."""
        return self.warm_up_seconds + self.seconds


def bench_freshness(
    history: Sequence[Timed],
    load: FreshnessLoad,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Teach a shop the first quarter of a history, send the rest as traffic; medians of rounds."""
    visits = [as_visitor(timed) for timed in history]
    split = round(len(visits) * _TAUGHT_SHARE)
    runs = [token_hex(4) for _ in range(load.rounds)]
    n_pairs = round(PAIRS_PER_SECOND * load.length)
    pairs = [_view(p) for run in runs for n in range(n_pairs) for p in pair_of(run, n)]
    found: list[Fresh] = []
    used: list[dict[str, float]] = []
    with deciding_shop([*(timed.event for timed in visits), *pairs], launch) as shop:
        say(f"teaching a shop {split:,} events")
        teach(shop, visits[:split])
        for number, run in enumerate(runs):
            job = _job(shop, visits, split, load, number, run)
            before, began = cpu_seconds(shop), time.monotonic()
            found.append(generate(job, Fresh, launch))
            used.append(cores_used(before, cpu_seconds(shop), time.monotonic() - began))
            settle(shop)
            say(f"round {number + 1}: {_round(found[-1])}; cores used: {used[-1]}")
        machines = machine(shop.client)
    rates = {name: median(one[name] for one in used) for name in used[0]}
    return _figures(found, load) | {"cores_used": rates, "machine": machines}


def _job(
    shop: ShopUnderTest,
    visits: Sequence[Timed],
    split: int,
    load: FreshnessLoad,
    number: int,
    run: str,
) -> Freshening:
    """Return a round's traffic: the history goes on where the last round left it."""
    n_batches = round(load.events_per_second / load.batch_events * load.length)
    start = split + number * n_batches * load.batch_events
    seed = load.seed + number
    rng = Random(seed)
    batches = [
        _batch(visits, start + n * load.batch_events, load.batch_events, run)
        for n in range(n_batches)
    ]
    bodies = visitor_bodies(visits[:split], seed)
    rng.shuffle(bodies)
    return Freshening(
        port=port_of(shop),
        key=shop.write_key,
        run=run,
        batches=batches,
        batches_per_second=load.events_per_second / load.batch_events,
        probe_every_batches=PROBE_EVERY_BATCHES,
        bodies=bodies,
        decisions_per_second=load.decisions_per_second,
        pairs_per_second=PAIRS_PER_SECOND,
        warm_up_seconds=load.warm_up_seconds,
        seconds=load.seconds,
    )


def _batch(visits: Sequence[Timed], start: int, n_events: int, run: str) -> Batch:
    """Return events of the history from ``start`` on (round and round) as events of now."""
    events = [
        _live(visits[place % len(visits)].event, place, run)
        for place in range(start, start + n_events)
    ]
    body = orjson.dumps({"batch": events}).decode()
    return Batch(body, [event["anonymousId"] for event in events])


def _live(event: SegmentEvent, place: int, run: str) -> SegmentEvent:
    """Return an event without its times, so that it is of when it comes in, under a new id."""
    live = {name: value for name, value in event.items() if name not in {"timestamp", "receivedAt"}}
    return live | {"messageId": f"{place}-{run}"}


def _view(product: str) -> SegmentEvent:
    return {"properties": {"product_id": product, "category": "pairs"}}


def _values(fresh: Fresh) -> dict[str, list[float]]:
    decisions = [asked.latency_ms for asked in fresh.decisions]
    return dict(
        zip(_PARTS, (fresh.freshness_ms, fresh.learned_ms, decisions, fresh.reply_ms), strict=True)
    )


def _round(fresh: Fresh) -> dict[str, float]:
    return {
        name: round(value, 3)
        for part, values in _values(fresh).items()
        for name, value in percentiles(part, values).items()
    }


def _figures(found: Sequence[Fresh], load: FreshnessLoad) -> dict[str, Any]:
    rounds = [_round(fresh) for fresh in found]
    parts: dict[str, dict[str, float]] = {}
    for part in _PARTS:
        parts[f"{part}_ms"] = {
            short: round(median(values[f"{part}_{short}_ms"] for values in rounds), 3)
            for short in ("p50", "p99", "max")
        }
    for part, bar in BARS.items():
        parts[f"{part}_ms"] |= {"bar": bar, "is_met": parts[f"{part}_ms"]["p99"] <= bar}
    decisions = [asked for fresh in found for asked in fresh.decisions]
    pooled = {part: [v for fresh in found for v in _values(fresh)[part]] for part in _PARTS}
    return {
        **parts,
        "events_per_second": load.events_per_second,
        "batch_events": load.batch_events,
        "decisions_per_second": load.decisions_per_second,
        "rounds": load.rounds,
        "seed": load.seed,
        "probed_events": sum(len(fresh.freshness_ms) for fresh in found),
        "probed_steps": sum(len(fresh.learned_ms) for fresh in found),
        "stale": sum(fresh.stale for fresh in found),
        "unlearned": sum(fresh.unlearned for fresh in found),
        "refused_batches": sum(fresh.refused_batches for fresh in found),
        "failed_decisions": sum(asked.status != 200 for asked in decisions),
        "personal_rate": round(
            sum(asked.is_personal for asked in decisions) / max(len(decisions), 1), 4
        ),
        "curves_ms": {f"{part}_ms": curve(values) for part, values in pooled.items()},
        "each_round": rounds,
    }
