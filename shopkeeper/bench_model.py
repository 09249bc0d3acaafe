"""What the model of the next product takes: time to learn and to answer, memory in the long run.

All in this process, without Redis and HTTP, by the code that learners and servers run.
"""

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.session_log import Step
from loadtest.machine import bare_machine
from loadtest.made_up_sessions import BLOCK_PRODUCTS, made_up_portions, made_up_sessions
from online_models.compiled import Ints, compiled
from online_models.next_product import CAPACITY, NextProduct
from online_models.recommender import Recommender
from online_models.session_index import NONE, SessionIndex, add_event
from online_models.vectors import set_random
from online_models.warm import warm

EVENTS_A_PRODUCT = 21  # as in Diginetica
_QUESTIONS = 1_000
_LEARNED = 20_000  # steps, whose time is taken
_TRAINED_EVERY = 100  # of the steps of the long run; to train with all would take a quarter hour
_ON_SALE = 50_000  # products that the long run's shop sells at a time
_STEPS_A_NEW_PRODUCT = 20
_CART_RATE = 0.1


@dataclass(frozen=True, slots=True)
class ModelLoad:
    """How much: products of the large catalog, its blocks, events of the long run."""

    n_products: int = 1_000_000
    block_products: int = BLOCK_PRODUCTS
    n_events: int = 10_000_000
    capacity: int = CAPACITY
    most_steps: int = 1 << 21  # the largest that the settings allow
    rounds: int = 7
    seed: int = 1


def bench_model(load: ModelLoad, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the figures."""
    warm()
    figures: dict[str, Any] = long_run(load, say)
    gc.collect()
    sizes = load.block_products, load.n_products
    small, large = (taught(n, n * EVENTS_A_PRODUCT, load) for n in sizes)
    say(f"{load.n_products:,} products: {len(large.steps):,} steps are indexed")
    figures["answer_ms"], figures["answer_ms_at_million"], ratios = answers(small, large, load)
    figures["answer_ratio_at_million"] = median(ratios)
    figures["answer_ratio_each_round"] = ratios
    figures["learn_us"] = learn_us(small, load)
    del large
    small, large = (taught(n, load.most_steps, load) for n in sizes)
    figures["kept_ms"], figures["kept_ms_at_million"], ratios = answers(small, large, load)
    figures["kept_ratio_at_million"] = median(ratios)
    figures |= {
        "n_products": load.block_products,
        "n_products_at_million": load.n_products,
        "events_a_product": EVENTS_A_PRODUCT,
        "kept_steps": load.most_steps,
    }
    return figures | {"rounds": load.rounds, "seed": load.seed, "machine": bare_machine()}


def taught(n_products: int, n_events: int, load: ModelLoad) -> NextProduct:
    """Return a model whose index holds about so many events of so many products.

    Twenty million steps would take minutes one by one: they are added by the compiled function
    that adds each of a learner's.
    """
    model = NextProduct(1 << (n_events - 1).bit_length())
    model.set_names(_names(n_products))
    for item in range(n_products):
        set_random(model.vectors, item, item)
    for products, lengths in made_up_portions(n_products, load.seed, load.block_products):
        missing = n_events - len(model.steps)
        n_sessions = int(np.searchsorted(np.cumsum(lengths), missing, side="right"))
        add_sessions(model.steps.index, products[:n_sessions], lengths[:n_sessions])
        if n_sessions < len(lengths):
            return model
    raise AssertionError("sessions never end")


@compiled
def add_sessions(index: SessionIndex, products: Ints, lengths: NDArray[np.int64]) -> None:
    """Add whole sessions to an index."""
    for number in range(lengths.shape[0]):
        first = NONE
        for place in range(lengths[number]):
            event = add_event(index, first, products[number, place])
            if place == 0:
                first = event


def answers(
    small: NextProduct, large: NextProduct, load: ModelLoad
) -> tuple[dict[str, float], dict[str, float], list[float]]:
    """Return times of both, asked in turn, and how often the small one's the large one's are."""
    rounds: list[list[list[float]]] = [[], []]
    questions = [_questions(n, load) for n in (load.block_products, load.n_products)]
    gc.collect()
    gc.freeze()
    for number in range(load.rounds + 1):
        for place, model in enumerate((small, large)):
            times = _times_ms(model, questions[place])
            if number:  # the first one warms caches
                rounds[place].append(times)
    gc.unfreeze()
    ratios = [
        round(median(high) / median(low), 3) for low, high in zip(rounds[0], rounds[1], strict=True)
    ]
    return _percentiles(rounds[0]), _percentiles(rounds[1]), ratios


def learn_us(model: NextProduct, load: ModelLoad) -> float:
    """Return the µs of a step that is learned, all in, the mean of many."""
    names = _names(load.block_products)
    sessions = made_up_sessions(load.block_products, load.seed + 2, load.block_products)
    n_steps, seconds = 0, 0.0
    for number, products in enumerate(sessions):
        started = time.perf_counter()
        for product in products:
            model.learn_one(-1 - number, names[product])
        seconds += time.perf_counter() - started
        n_steps += len(products)
        if n_steps >= _LEARNED:
            break
    return round(1e6 * seconds / n_steps, 1)


def long_run(load: ModelLoad, say: Callable[[str], None]) -> dict[str, Any]:
    """Let visitors come for ever, and new products; return how the process grew."""
    model, rng, sizes = Recommender(load.capacity), Random(load.seed), list[int]()
    marks, n_done = [load.n_events * part // 5 for part in range(1, 6)], 0
    for session in count():
        for _ in range(rng.randrange(2, 9)):
            newest = n_done // _STEPS_A_NEW_PRODUCT
            product_id = f"product-{newest + int(_ON_SALE * rng.random() ** 3)}"
            action: Any = "cart" if rng.random() < _CART_RATE else "view"
            step = Step(session, product_id, action)
            if n_done % _TRAINED_EVERY:
                model.index_one(step)
            else:
                model.learn_one(step)
            n_done += 1
        if n_done >= marks[len(sizes)]:
            gc.collect()
            sizes.append(resident_bytes())
            say(f"{n_done:,} events: {sizes[-1] / 1e6:,.0f} MB")
            if len(sizes) == len(marks):
                break
    memory = model.next_product.memory()
    return {
        "memory": {
            "n_events": n_done,
            "n_sessions": session + 1,
            "n_products_ever": n_done // _STEPS_A_NEW_PRODUCT + _ON_SALE,
            "n_products_held": memory.n_products,
            "n_steps_held": memory.n_steps,
            "resident_bytes_by_fifth": sizes,
            "growth_bytes": sizes[-1] - sizes[0],
            **memory.figures(),
        }
    }


def resident_bytes() -> int:
    """Return how much memory this process has in use (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _names(n_products: int) -> list[str]:
    return [f"product-{number}" for number in range(n_products)]


def _questions(n_products: int, load: ModelLoad) -> list[list[str]]:
    """Return sessions that were not learned, each up to a random step, latest first."""
    rng = Random(load.seed)
    sessions = made_up_sessions(n_products, load.seed + 1, load.block_products)
    return [
        [f"product-{product}" for product in products[rng.randrange(len(products)) :: -1]]
        for products in islice(sessions, _QUESTIONS)
    ]


def _times_ms(model: NextProduct, questions: Sequence[Sequence[str]]) -> list[float]:
    times = []
    for viewed in questions:
        started = time.perf_counter()
        model.next_best(viewed)
        times.append(1e3 * (time.perf_counter() - started))
    return times


def _percentiles(rounds: Sequence[Sequence[float]]) -> dict[str, float]:
    return {
        f"p{share}": round(median(float(np.percentile(times, share)) for times in rounds), 4)
        for share in (50, 99)
    }
