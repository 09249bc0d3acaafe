"""How many examples a second one learner on one core takes in, from full outboxes, from outside.

The outboxes are filled under another name while the learner stands by, its shards leased and its
code loaded; then they are renamed into place, and that starts the clock. It stops when all rows
are committed and the model of the next product has been trained with every step.
"""

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from random import Random
from statistics import median
from typing import Any

import orjson

from config.events import ENTRY_FIELD
from config.examples import Action, Touched, encode_examples
from config.keys import N_MODEL_SHARDS, SESSIONS_SHARD, Keys
from loadtest.children import ChildFailed
from loadtest.machine import machine
from loadtest.made_up_sessions import made_up_sessions
from loadtest.processes import Launch, ShopUnderTest, shop_under_test
from loadtest.settled import all_learned

N_PRODUCTS = 10_000
N_CATEGORIES = 200
EXAMPLES_AN_ENTRY = 4  # a worker writes one entry a shard and commit
_WARM_UP = 2_000
_CART_RATE, _ORDER_RATE = 0.1, 0.03
_STEP_MS = 20
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 0.25  # between two looks at the learner's metrics, which cost it a little
_DRAIN_SECONDS = 900.0
_XADDS_AT_ONCE = 2_000
_TRAINED = "shopkeeper_steps_trained_total"


@dataclass(frozen=True, slots=True)
class Learning:
    """One round: what was learned, in which time, and how far training was behind the commits."""

    n_examples: int
    examples_per_second: float
    seconds: float
    committed_per_second: float
    behind_when_committed: int
    catch_up_seconds: float
    learner_cpu_seconds: float


def bench_learning(
    n_examples: int,
    rounds: int,
    seed: int,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Let a learner drain made-up examples; return medians of rounds."""
    machines: dict[str, Any] = {}
    found: list[Learning] = []
    for number in range(rounds):
        found.append(drain(n_examples, seed, launch, machines))
        say(f"round {number + 1}: {found[-1].examples_per_second:,.0f} examples/s")
    return {
        "n_examples": n_examples,
        "seed": seed,
        "rounds": rounds,
        "examples_per_second": round(median(one.examples_per_second for one in found)),
        "committed_per_second": round(median(one.committed_per_second for one in found)),
        "behind_when_committed": max(one.behind_when_committed for one in found),
        "catch_up_seconds": max(one.catch_up_seconds for one in found),
        "learner_cpu_us_per_example": round(
            1e6 * median(one.learner_cpu_seconds / one.n_examples for one in found), 1
        ),
        "drains": [asdict(one) for one in found],
        "machine": machines,
    }


def drain(n_examples: int, seed: int, launch: Launch, machines: dict[str, Any]) -> Learning:
    """Fill the outboxes of a new shop and measure how its learner empties them."""
    with shop_under_test({"SHOPKEEPER_REDIS_MAX_MEMORY_MB": "4096"}, launch) as shop:
        shop.start_redis()
        machines.update(machine(shop.client))
        aside, examples = Keys("prefill"), made_up_examples(seed, shop.ids.n_shards)
        shop.start_learner()
        _keep_apart(shop)
        fill(shop, shop.keys, examples, _WARM_UP)
        shop.wait(lambda: all_learned(shop), "the warm-up is not learned", _DRAIN_SECONDS)
        metrics_url = _metrics_url(shop)
        shop.wait(lambda: trained(metrics_url) >= n_steps(shop), "the warm-up is not trained")
        n_filled = fill(shop, aside, examples, n_examples)
        before = shop.children["learner"].cpu_seconds()
        began = time.perf_counter()
        _move(shop, aside)
        _wait(lambda: all_learned(shop), _POLL_SECONDS)
        committed = time.perf_counter() - began
        behind = n_steps(shop) - trained(metrics_url)
        _wait(lambda: trained(metrics_url) >= n_steps(shop), _LOOK_SECONDS)
        seconds = time.perf_counter() - began
        return Learning(
            n_filled,
            n_filled / seconds,
            seconds,
            n_filled / committed,
            max(behind, 0),
            round(seconds - committed, 2),
            shop.children["learner"].cpu_seconds() - before,
        )


def made_up_examples(seed: int, n_sources: int) -> Iterator[tuple[int, list[Touched]]]:
    """Yield entries of outboxes without end: a source, and a step each of some of its sessions."""
    rng, sessions = Random(seed), made_up_sessions(N_PRODUCTS, seed)
    at, n_begun = int(time.time() * 1000), 0
    going: list[list[tuple[int, Iterator[int]]]] = [[] for _ in range(n_sources)]
    for source in cycle(range(n_sources)):
        entry: list[Touched] = []
        for place in range(EXAMPLES_AN_ENTRY):
            product = None
            if len(going[source]) > place:
                product = next(going[source][place][1], None)
            if product is None:
                n_begun += 1
                begun = (n_begun, iter(next(sessions)))
                going[source][place : place + 1] = [begun]
                product = next(begun[1])
            at += _STEP_MS
            entry.append(
                Touched(
                    product_id=f"product-{product}",
                    action=_action(rng),
                    occurred_at=at,
                    session=going[source][place][0],
                    category=f"category-{product % N_CATEGORIES}",
                )
            )
        yield source, entry


def fill(
    shop: ShopUnderTest,
    keys: Keys,
    examples: Iterator[tuple[int, list[Touched]]],
    n_examples: int,
) -> int:
    """Write that many examples into the outboxes of ``keys``, in whole entries; return how many."""
    n_done = 0
    pipe = shop.client.pipeline(transaction=False)
    while n_done < n_examples:
        source, entry = next(examples)
        pipe.xadd(keys.examples(source), {ENTRY_FIELD: encode_examples(entry)})
        n_done += len(entry)
        if len(pipe) >= _XADDS_AT_ONCE:
            pipe.execute()
    pipe.execute()
    return n_done


def n_steps(shop: ShopUnderTest) -> int:
    """Return how many steps there ever were in the log that the model is trained with."""
    commit: Any = shop.client.get(shop.keys.model_commit(SESSIONS_SHARD))
    return 0 if commit is None else int(orjson.loads(commit)["n_steps"])


def trained(url: str) -> int:
    """Return with how many steps a learner has trained its model, as its metrics say."""
    with urllib.request.urlopen(url, timeout=10.0) as answer:  # an address of this machine
        lines = answer.read().decode().splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith(f"{_TRAINED} "))))


def _action(rng: Random) -> Action:
    chance = rng.random()
    if chance < _ORDER_RATE:
        return "order"
    return "cart" if chance < _ORDER_RATE + _CART_RATE else "view"


def _keep_apart(shop: ShopUnderTest) -> None:
    """Give the learner one core, for itself where there are several; wait for its leases."""
    first, *others = sorted(os.sched_getaffinity(0))
    for name, cores in (("learner", {first}), ("redis", set(others) or {first})):
        for task in os.listdir(f"/proc/{shop.children[name].pid}/task"):
            os.sched_setaffinity(int(task), cores)
    owners = [shop.keys.model_owner(number) for number in range(N_MODEL_SHARDS)]
    shop.wait(lambda: None not in shop.client.mget(owners), "the learner does not take its shards")


def _metrics_url(shop: ShopUnderTest) -> str:
    learners: Any = shop.client.smembers(shop.keys.learners())
    for name in learners:
        status: Any = shop.client.get(shop.keys.learner(name.decode()))
        if status is not None:
            found = json.loads(status)
            return f"http://{found['metrics_host']}:{found['metrics_port']}/metrics"
    raise ChildFailed("the learner does not say where its metrics are")


def _move(shop: ShopUnderTest, aside: Keys) -> None:
    """Rename the full outboxes into place; what lay there was learned."""
    pipe = shop.client.pipeline(transaction=False)
    for source in range(shop.ids.n_shards):
        pipe.rename(aside.examples(source), shop.keys.examples(source))
    pipe.execute(raise_on_error=False)  # an outbox without entries has none to rename


def _wait(condition: Callable[[], bool], pause: float) -> None:
    deadline = time.monotonic() + _DRAIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise ChildFailed(f"the examples are not learned after {_DRAIN_SECONDS:g} s")
        time.sleep(pause)
