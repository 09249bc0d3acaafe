"""Which product comes next: steps between products of a session, and what is popular.

A first honest model: of each product the decayed counts of what was turned to after and before it
in the same session, weighted by 1/distance, and decayed popularity by category. Rows are what the
learning flow commits; ``NextProduct`` is what the server compiles of them. Both are used by the
evaluator, so that what is measured is what serves.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from math import exp
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from config.examples import Touched
from config.keys import N_MODEL_SHARDS
from online_models.decay import DAY, MONTH, keep_largest, landmark_steps, scale_values, weight_at

MAX_NEIGHBOURS = 50
MAX_POPULAR = 200
ACTION_WEIGHTS = {"view": 1.0, "cart": 3.0, "order": 5.0}
BACKWARD = 0.5  # what a step back is worth beside a step forward
FADE = 1.0  # exp(-FADE · z) for the product viewed z steps ago
MAX_PREFIX = 6  # what was viewed before has a weight below 1 %
MAX_CANDIDATES = 64

Neighbours = dict[str, float]  # products to scores, best first

_FADES = [exp(-FADE * z) for z in range(MAX_PREFIX)]
_NOBODY: Neighbours = {}


class Row(msgspec.Struct, array_like=True, gc=False):
    """Landmark-relative sums of one product or category; see ``decay.py``.

    For a product: what came after it, and before it. For a category: its products, in ``after``.
    """

    latest_at: int
    after: dict[str, float] = {}
    before: dict[str, float] = {}


class Suggestion(NamedTuple):
    """A candidate with its score and the product that led to it, if one did."""

    product_id: str
    score: float
    because: str | None


_row_encoder = msgspec.msgpack.Encoder()
_row_decoder = msgspec.msgpack.Decoder(Row)


def encode_row(row: Row) -> bytes:
    """Return a row's bytes: a version byte and a MessagePack array."""
    return b"\x01" + _row_encoder.encode(row)


def decode_row(data: bytes) -> Row:
    """Return a row.

    Raises:
        ValueError: another version wrote it, or it is no row.
    """
    if data[:1] != b"\x01":
        raise ValueError(f"row of version {data[:1].hex()}; this Shopkeeper reads 01")
    return _row_decoder.decode(data[1:])


def next_row(product_id: str) -> str:
    """Return the name of a product's row."""
    return f"next:{product_id}"


def popular_row(category: str) -> str:
    """Return the name of a category's row; the empty one is the whole shop's."""
    return f"popular:{category}"


def model_shard(name: str) -> int:
    """Return the model shard that owns a row."""
    return crc32(name.encode()) % N_MODEL_SHARDS


def rows_of(example: Touched) -> list[str]:
    """Return the names of all rows that an example changes."""
    names = [popular_row("")]
    if example.category is not None:
        names.append(popular_row(example.category))
    if example.before:
        names.append(next_row(example.product_id))
        names += [next_row(product) for product in example.before]
    return names


def learn_row(name: str, row: Row, example: Touched) -> None:
    """Learn an example in one of its rows, in place; ``predict`` needs no other step."""
    kind, _, of = name.partition(":")
    if kind == "popular":
        _add(row, row.after, {example.product_id: ACTION_WEIGHTS[example.action]}, example, DAY)
        keep_largest(row.after, MAX_POPULAR)
    elif of == example.product_id:
        steps = {product: 1.0 / (z + 1) for z, product in enumerate(example.before)}
        _add(row, row.before, steps, example, MONTH)
        keep_largest(row.before, MAX_NEIGHBOURS)
    else:
        distance = example.before.index(of) + 1
        _add(row, row.after, {example.product_id: 1.0 / distance}, example, MONTH)
        keep_largest(row.after, MAX_NEIGHBOURS)


def _add(
    row: Row, values: dict[str, float], amounts: Mapping[str, float], example: Touched, kind: int
) -> None:
    at = example.occurred_at
    if at > row.latest_at:
        steps = landmark_steps(row.latest_at, at, kind)
        row.latest_at = at
        scale_values(row.after, steps)
        scale_values(row.before, steps)
    weight = weight_at(at, row.latest_at, kind)
    for product, amount in amounts.items():
        values[product] = values.get(product, 0.0) + amount * weight


class NextProduct:
    """The rows of all model shards, compiled for answering; each when it is first asked for."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._next: dict[str, Neighbours] = {}
        self._popular: dict[str, list[str]] = {}

    def put(self, name: str, data: bytes | None) -> None:
        """Take a row as the learning flow committed it, None where there is none any more.

        Raises:
            ValueError: the row cannot be read; the one before stays in use.
        """
        if data is None:
            self._rows.pop(name, None)
        else:
            self._rows[name] = decode_row(data)
        kind, _, of = name.partition(":")
        compiled: dict[str, Any] = self._popular if kind == "popular" else self._next
        compiled.pop(of, None)

    def neighbours(self, product_id: str) -> "Neighbours":
        """Return what comes next to a product, best first, with scores."""
        known = self._next.get(product_id)
        if known is None:
            row = self._rows.get(next_row(product_id))
            if row is None:
                return _NOBODY
            known = self._next[product_id] = compile_neighbours(row)
        return known

    def popular(self, category: str = "") -> list[str]:
        """Return the products that are popular in a category now, best first."""
        known = self._popular.get(category)
        if known is None:
            row = self._rows.get(popular_row(category))
            if row is None:
                return []
            known = sorted(row.after, key=lambda product: (-row.after[product], product))
            self._popular[category] = known
        return known

    def suggest(self, viewed: Iterable[str], most: int = MAX_CANDIDATES) -> Iterator[Suggestion]:
        """Yield the best candidates after these products (latest first), best first."""
        scores: dict[str, float] = {}
        parts: list[tuple[float, str, Neighbours]] = []
        floor = 0.0
        for fade, seen in zip(_FADES, viewed, strict=False):
            near = self.neighbours(seen)
            parts.append((fade, seen, near))
            for product, score in near.items():
                scores[product] = scores.get(product, 0.0) + fade * score
            # So many have at least this: what has less need not be sorted.
            if len(near) >= most:
                floor = max(floor, fade * next(islice(near.values(), most - 1, None)))
        best = sorted((-score, product) for product, score in scores.items() if score >= floor)
        for minus_score, product in best[:most]:
            leads = [(fade * near[product], seen) for fade, seen, near in parts if product in near]
            yield Suggestion(product, -minus_score, max(leads)[1])


def compile_neighbours(row: Row) -> Neighbours:
    """Return neighbours by share of the row's steps, best first."""
    whole = sum(row.after.values()) + BACKWARD * sum(row.before.values())
    if whole <= 0:
        return {}
    scores = dict(row.after)
    for product, amount in row.before.items():
        scores[product] = scores.get(product, 0.0) + BACKWARD * amount
    # Landmarks cancel out in shares.
    ranked = sorted(scores, key=lambda product: (-scores[product], product))
    return {product: scores[product] / whole for product in ranked}
