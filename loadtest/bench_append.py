"""How long it takes from an append to the commit that covers it, at a steady rate, from outside."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from loadtest.bench_stream import start_workers
from loadtest.latency import histogram, percentiles
from loadtest.machine import machine
from loadtest.open_loop import Schedule, Sent, send_open_loop
from loadtest.prober import CommitProber
from loadtest.processes import Launch, ShopUnderTest, shop_under_test
from loadtest.settled import all_applied

WARM_UP_SECONDS = 3.0
_SETTLE_SECONDS = 10.0


def bench_append(
    events_per_second: int,
    batch_events: int,
    seconds: float,
    rounds: int,
    seed: int,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Send at a steady rate to a server and a worker; return medians of rounds.

    ``append_to_commit``: from the millisecond of the log id (so up to 1 ms too long) until a
    commit that covers it was seen. ``send_to_commit``: from when the batch was due to be sent.
    """
    found: list[dict[str, Any]] = []
    with shop_under_test({"SHOPKEEPER_REDIS_DURABILITY": "everysec"}, launch) as shop:
        shop.start_redis()
        shop.start_server()
        start_workers(shop, 1)
        machines = machine(shop.client)
        for number in range(rounds):
            length = seconds + WARM_UP_SECONDS
            schedule = Schedule(events_per_second, batch_events, length, seed + number)
            found.append(_round(shop, schedule))
            say(f"round {number + 1}: p99 {found[-1]['append_to_commit_p99_ms']:.2f} ms")
    figures = {
        name: round(median(values[name] for values in found), 3)
        for name in found[0]
        if name.endswith("_ms")
    }
    return {
        "events_per_second": events_per_second,
        "batch_events": batch_events,
        "rounds": rounds,
        "seed": seed,
        **figures,
        "refused_batches": sum(values["refused_batches"] for values in found),
        "each_round": found,
        "machine": machines,
    }


def _round(shop: ShopUnderTest, schedule: Schedule) -> dict[str, Any]:
    host, _, port = shop.url.removeprefix("http://").rpartition(":")
    with CommitProber(shop) as prober:
        sent = send_open_loop(host, int(port), shop.write_key, shop.ids, schedule)
        shop.wait(lambda: all_applied(shop), "not all is committed", _SETTLE_SECONDS)
    counted = [batch for batch in sent if batch.due_at >= sent[0].due_at + WARM_UP_SECONDS]
    append, whole = _commit_latencies(prober, counted)
    return {
        "events": len(append),
        "refused_batches": sum(not batch.entries for batch in counted),
        **percentiles("append_to_commit", append),
        **percentiles("send_to_commit", whole),
        **percentiles("reply", [batch.reply_ms for batch in counted]),
        "probe_gap_p99_ms": histogram(prober.gaps_ms).get_value_at_percentile(99) / 1000,
    }


def _commit_latencies(
    prober: CommitProber, batches: Sequence[Sent]
) -> tuple[list[float], list[float]]:
    """Return, for each entry, ms from its append and ms from when its batch was due."""
    append, whole = [], []
    for batch in batches:
        for shard, entry in batch.entries:
            at = prober.committed_at(shard, entry)
            if at is None:
                raise LookupError(f"no commit covers entry {entry} of shard {shard}")
            append.append(1000 * at - entry[0])
            whole.append(1000 * (at - batch.due_at))
    return append, whole
