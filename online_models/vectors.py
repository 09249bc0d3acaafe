"""Product vectors: products that follow each other in sessions lie near each other on the sphere.

One shared table of unit vectors; a session's vector is the normalised sum of its products', latest
heaviest. Learned by sampled softmax (Jean et al., ACL 2015) with stochastic gradient steps on the
sphere, each step against negatives of which half are drawn by recent popularity.
"""

from typing import NamedTuple

import numpy as np

from online_models.compiled import Floats, Ints, compiled
from online_models.session_index import ITEM, SessionIndex

DIMENSIONS = 64
NEGATIVES = 256
RATE = 0.02
SCALE = 8.0  # inverse temperature of the softmax over cosines
_FADE = 0.6  # weight of the product z steps back: _FADE ** z


class Vectors(NamedTuple):
    """The table, and scratch of a step."""

    table: Floats  # (products, DIMENSIONS), unit length
    session: Floats  # (DIMENSIONS,) of the session looked at
    slope: Floats  # (DIMENSIONS,) of the loss by the session's vector
    drawn: Ints  # (NEGATIVES + 1,) products; the target is the first
    logits: Floats  # (NEGATIVES + 1,)


def empty_vectors(n_products: int) -> Vectors:
    """Return a table for so many products; ``set_random`` makes a product's vector."""
    return Vectors(
        np.zeros((n_products, DIMENSIONS), np.float32),
        np.zeros(DIMENSIONS, np.float32),
        np.zeros(DIMENSIONS, np.float32),
        np.zeros(NEGATIVES + 1, np.int32),
        np.zeros(NEGATIVES + 1, np.float32),
    )


@compiled
def next_random(state: int) -> int:
    """Return the state after this one (xorshift64; Marsaglia 2003)."""
    value = np.uint64(state)
    value ^= value << np.uint64(13)
    value ^= value >> np.uint64(7)
    value ^= value << np.uint64(17)
    return value


@compiled
def set_random(vectors: Vectors, item: int, seed: int) -> None:
    """Give a product a vector of unit length that depends on the seed alone."""
    state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    total = np.float32(0.0)
    for d in range(DIMENSIONS):
        state = next_random(state)
        value = np.float32(np.int64(state >> np.uint64(40))) / np.float32(1 << 23) - np.float32(1.0)
        vectors.table[item, d] = value
        total += value * value
    length = np.sqrt(total)
    for d in range(DIMENSIONS):
        vectors.table[item, d] /= length


@compiled
def look(vectors: Vectors, prefix: Ints, n_prefix: int) -> float:
    """Work out a session's vector, into ``session``; return its length before it was normalised."""
    session = vectors.session
    for d in range(DIMENSIONS):
        session[d] = 0.0
    weight = np.float32(1.0)
    for z in range(n_prefix):
        for d in range(DIMENSIONS):
            session[d] += weight * vectors.table[prefix[z], d]
        weight *= np.float32(_FADE)
    total = np.float32(1e-12)
    for d in range(DIMENSIONS):
        total += session[d] * session[d]
    length = np.sqrt(total)
    for d in range(DIMENSIONS):
        session[d] /= length
    return length


@compiled
def cosine(vectors: Vectors, item: int, other: Floats) -> float:
    """Return the cosine of a product's vector and another of unit length."""
    total = np.float32(0.0)
    for d in range(DIMENSIONS):
        total += vectors.table[item, d] * other[d]
    return total


@compiled
def learn_step(
    vectors: Vectors,
    index: SessionIndex,
    prefix: Ints,
    n_prefix: int,
    target: int,
    n_products: int,
    state: int,
) -> int:
    """Move a session's products and its next one together; return the random state after it."""
    state = _draw(vectors, index, target, n_products, state)
    length = look(vectors, prefix, n_prefix)
    table, session, slope = vectors.table, vectors.session, vectors.slope
    logits, drawn = vectors.logits, vectors.drawn
    best = np.float32(-1e30)
    for j in range(NEGATIVES + 1):
        logits[j] = np.float32(SCALE) * cosine(vectors, drawn[j], session)
        best = max(best, logits[j])
    total = np.float32(0.0)
    for j in range(NEGATIVES + 1):
        logits[j] = np.exp(logits[j] - best)
        total += logits[j]
    for d in range(DIMENSIONS):
        slope[d] = 0.0
    for j in range(NEGATIVES + 1):
        error = logits[j] / total - (np.float32(1.0) if j == 0 else np.float32(0.0))
        item = drawn[j]
        for d in range(DIMENSIONS):
            slope[d] += error * table[item, d]
        if abs(error) > np.float32(1e-4):
            _move(table, item, session, -np.float32(RATE * SCALE) * error)
    # Through the normalisation: only what is across the session's vector turns it.
    along = np.float32(0.0)
    for d in range(DIMENSIONS):
        along += slope[d] * session[d]
    for d in range(DIMENSIONS):
        slope[d] -= along * session[d]
    weight = np.float32(1.0)
    for z in range(n_prefix):
        _move(table, prefix[z], slope, -np.float32(RATE * SCALE) * weight / length)
        weight *= np.float32(_FADE)
    return state


@compiled
def _draw(vectors: Vectors, index: SessionIndex, target: int, n_products: int, state: int) -> int:
    """Draw negatives: half of all products alike, half of the recent events; never the target."""
    drawn = vectors.drawn
    drawn[0] = target
    capacity = index.events.shape[0]
    n_events = min(index.position[0], capacity)
    n_recent = min(n_events, 100_000)
    for j in range(1, NEGATIVES + 1):
        state = next_random(state)
        if j % 2 and n_recent > 0:
            back = np.int64((state >> np.uint64(11)) % np.uint64(n_recent)) + 1
            item = index.events[(index.position[0] - back) & (capacity - 1), ITEM]
        else:
            item = np.int32((state >> np.uint64(11)) % np.uint64(n_products))
        drawn[j] = item if item != target else drawn[j - 1]
        if drawn[j] == target:
            drawn[j] = (target + 1) % n_products
    return state


@compiled
def _move(table: Floats, item: int, towards: Floats, step: float) -> None:
    """Move a vector on the sphere."""
    total = np.float32(0.0)
    for d in range(DIMENSIONS):
        value = table[item, d] + step * towards[d]
        table[item, d] = value
        total += value * value
    length = np.sqrt(total)
    for d in range(DIMENSIONS):
        table[item, d] /= length
