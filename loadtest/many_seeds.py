"""Runs a made-up shop for many seeds, on all cores: each in a process that ends with the work."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

Shop = Callable[..., dict[str, Any]]


def run_seeds(
    shop: Shop, seeds: range, size: int, done: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Return ``shop(seed, size)`` of all seeds, in order; ``done`` hears how many are through.

    A seed gives the same figures whichever process it runs in.
    """
    rows = []
    n_processes = min(len(os.sched_getaffinity(0)), len(seeds))
    if n_processes < 2:
        for number, seed in enumerate(seeds, start=1):
            rows.append(shop(seed, size))
            done(number)
        return rows
    # Spawned: a copy of a process that already has threads may wait for ever.
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        for number, row in enumerate(pool.map(partial(_run, shop, size), seeds), start=1):
            rows.append(row)
            done(number)
    return rows


def _run(shop: Shop, size: int, seed: int) -> dict[str, Any]:
    return shop(seed, size)
