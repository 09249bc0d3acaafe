"""Seeded sessions over catalogs of any size, in which a product has as many neighbours in each.

A catalog is made of blocks of products; in each block popularity falls by Zipf's law (exponent 1)
and a session stays near the rank it began at. So a catalog with 25 times as many products and
events differs from a small one in nothing that a product or a session can see.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_PRODUCTS = 40_000
_AT_ONCE = 10_000
_MEAN_MORE = 2.9  # steps after the first two: the sessions of Diginetica have 4.9 on average
_MOST_STEPS = 30
_NEAR = 60.0  # standard deviation of a step, in ranks: some hundred candidates a question


class Portion(NamedTuple):
    """Sessions as arrays: of each a row of products, of which the first ``lengths`` count."""

    products: NDArray[np.int32]
    lengths: NDArray[np.int64]


def made_up_sessions(
    n_products: int, seed: int, block_products: int = BLOCK_PRODUCTS
) -> Iterator[list[int]]:
    """Yield sessions of two products and more without end, as numbers below ``n_products``.

    Raises:
        ValueError: the products do not make up whole blocks.
    """
    for products, lengths in made_up_portions(n_products, seed, block_products):
        for row, length in zip(products.tolist(), lengths.tolist(), strict=True):
            yield row[:length]


def made_up_portions(
    n_products: int, seed: int, block_products: int = BLOCK_PRODUCTS
) -> Iterator[Portion]:
    """Yield the same sessions, ten thousand at once.

    Raises:
        ValueError: the products do not make up whole blocks.
    """
    block_products = min(block_products, n_products)
    n_blocks, rest = divmod(n_products, block_products)
    if rest:
        raise ValueError(f"{n_products} products are no whole blocks of {block_products}")
    rng = np.random.default_rng(seed)
    chances = 1.0 / np.arange(1, block_products + 1)
    chances /= chances.sum()
    while True:
        starts = rng.choice(block_products, _AT_ONCE, p=chances)
        blocks = rng.integers(n_blocks, size=_AT_ONCE)
        lengths = np.minimum(1 + rng.geometric(1.0 / (1.0 + _MEAN_MORE), _AT_ONCE), _MOST_STEPS)
        moves = np.rint(rng.normal(0.0, _NEAR, (_AT_ONCE, _MOST_STEPS))).astype(np.int64)
        moves[:, 0] = 0
        ranks = np.abs(starts[:, None] + moves) % block_products
        yield Portion((ranks * n_blocks + blocks[:, None]).astype(np.int32), lengths)
