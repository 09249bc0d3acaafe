"""What is popular in the shop and in each category: sums that fade with a half-life of a day.

Rows by category are what the learning flow commits, exactly once; ``Popularity`` is what the server
compiles of them.
"""

from zlib import crc32

import msgspec

from config.examples import Touched
from config.keys import N_MODEL_SHARDS
from online_models.decay import DAY, keep_largest, landmark_steps, scale_values, weight_at

MAX_POPULAR = 200
ACTION_WEIGHTS = {"view": 1.0, "cart": 3.0, "order": 5.0}


class Row(msgspec.Struct, array_like=True, gc=False):
    """Landmark-relative sums of a category's products; see ``decay.py``."""

    latest_at: int
    sums: dict[str, float] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Row)


def encode_row(row: Row) -> bytes:
    """Return a row's bytes: a version byte and a MessagePack array."""
    return b"\x01" + _encoder.encode(row)


def decode_row(data: bytes) -> Row:
    """Return a row.

    Raises:
        ValueError: another version wrote it, or it is no row.
    """
    if data[:1] != b"\x01":
        raise ValueError(f"row of version {data[:1].hex()}; this Shopkeeper reads 01")
    return _decoder.decode(data[1:])


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
    return names


def learn_row(row: Row, example: Touched) -> None:
    """Learn an example in one of its rows, in place."""
    at = example.occurred_at
    if at > row.latest_at:
        steps = landmark_steps(row.latest_at, at, DAY)
        row.latest_at = at
        scale_values(row.sums, steps)
    amount = ACTION_WEIGHTS[example.action] * weight_at(at, row.latest_at, DAY)
    row.sums[example.product_id] = row.sums.get(example.product_id, 0.0) + amount
    keep_largest(row.sums, MAX_POPULAR)


class Popularity:
    """The rows of all model shards, compiled for answering; each when it is first asked for."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._best: dict[str, list[str]] = {}

    def put(self, name: str, data: bytes | None) -> None:
        """Take a row as the learning flow committed it, None where there is none any more.

        Raises:
            ValueError: the row cannot be read; the one before stays in use.
        """
        if data is None:
            self._rows.pop(name, None)
        else:
            self._rows[name] = decode_row(data)
        self._best.pop(name, None)

    def best(self, category: str = "") -> list[str]:
        """Return the products that are popular in a category now, best first."""
        name = popular_row(category)
        known = self._best.get(name)
        if known is None:
            row = self._rows.get(name)
            if row is None:
                return []
            known = sorted(row.sums, key=lambda product: (-row.sums[product], product))
            self._best[name] = known
        return known
