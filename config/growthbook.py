"""Hashing and bucketing as GrowthBook's SDKs do it (https://docs.growthbook.io/lib/build-your-own).

The shop's pages and this server agree on who sees which variation without asking each other.
``tests/config/growthbook_cases.json`` holds the SDKs' own conformance cases.
"""

import struct
from collections.abc import Sequence

Range = tuple[float, float]  # from its start up to, not including, its end

_FNV_OFFSET, _FNV_PRIME, _32_BITS = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def hash_share(seed: str, value: str, version: int) -> float | None:
    """Return a number from 0 to below 1 for a value; None where there is no such version.

    >>> hash_share("seed", "a", 2)
    0.0505
    """
    if version == 2:
        return share_of(value, fnv1a(seed))
    if version == 1:
        return (fnv1a(value + seed) % 1_000) / 1_000
    return None


def share_of(value: str, seed_state: int) -> float:
    """Return version 2 of the hash, for a seed whose ``fnv1a`` is known already."""
    return (fnv1a(str(fnv1a(value, seed_state))) % 10_000) / 10_000


def fnv1a(text: str, state: int = _FNV_OFFSET) -> int:
    """Return the 32-bit FNV-1a hash of a text, going on from that of what stands before it.

    By UTF-16 units, as JavaScript counts letters (http://www.isthe.com/chongo/tech/comp/fnv/).

    >>> fnv1a("bc", fnv1a("a")) == fnv1a("abc")
    True
    """
    for unit in _units(text):
        state = (state ^ unit) * _FNV_PRIME & _32_BITS
    return state


def equal_weights(n_variations: int) -> list[float]:
    """Return the same weight for each variation, together 1."""
    return [1 / n_variations] * n_variations if n_variations > 0 else []


def bucket_ranges(
    n_variations: int, coverage: float = 1.0, weights: Sequence[float] | None = None
) -> list[Range]:
    """Return for each variation the range of hashes that see it.

    Weights that do not fit (another number, a sum not within 0.99 to 1.01) are equal ones.

    >>> bucket_ranges(2, 0.5)
    [(0.0, 0.25), (0.5, 0.75)]
    """
    coverage = min(max(coverage, 0.0), 1.0)
    if weights is None or len(weights) != n_variations or not 0.99 <= sum(weights) <= 1.01:
        weights = equal_weights(n_variations)
    ranges, start = [], 0.0
    for weight in weights:
        ranges.append((start, start + coverage * weight))
        start += weight
    return ranges


def choose_variation(share: float, ranges: Sequence[Range]) -> int:
    """Return the index of the range that a hash lies in, -1 where it lies in none.

    >>> choose_variation(0.6, [(0.0, 0.25), (0.5, 0.75)])
    1
    """
    for index, (start, end) in enumerate(ranges):
        if start <= share < end:
            return index
    return -1


def in_namespace(value: str, namespace: str, start: float, end: float) -> bool:
    """Tell whether a value lies in a part of a namespace; parts that do not overlap share none.

    >>> in_namespace("1", "namespace1", 0.4, 1.0)
    True
    """
    share = hash_share(f"__{namespace}", value, 1)
    return share is not None and start <= share < end


def _units(text: str) -> Sequence[int]:
    if text.isascii():
        return text.encode()
    raw = text.encode("utf-16-le", "surrogatepass")
    return struct.unpack(f"<{len(raw) // 2}H", raw)
