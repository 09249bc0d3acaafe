"""What an experiment's figures are computed from: sums over the visitors of one variation.

The learning flow keeps a row of sums for each variation, exactly once; what they say about the
variation is ``experiment_report.py``'s business.
"""

import math
from zlib import crc32

import msgspec

from config.errors import ShopkeeperError
from config.examples import Exposed
from config.keys import N_MODEL_SHARDS

_COUNTS = ("visitors", "clicked", "converted", "orders")
_AMOUNTS = ("revenue", "squared_revenue", "margin", "squared_margin")


class ExperimentSums(msgspec.Struct, array_like=True, gc=False):
    """Sums over the visitors of one variation; ``squared_*`` are of the visitors' own sums.

    ``first_at`` and ``latest_at`` (ms) bound the times of what was added; 0 where nothing was.
    """

    first_at: int = 0
    latest_at: int = 0
    visitors: int = 0
    clicked: int = 0
    converted: int = 0
    orders: int = 0
    revenue: float = 0.0
    squared_revenue: float = 0.0
    margin: float = 0.0
    squared_margin: float = 0.0

    def add(self, example: Exposed) -> bool:
        """Add a change, in place; False, and nothing is added, where a sum would not be finite."""
        amounts = {name: getattr(self, name) + getattr(example, name) for name in _AMOUNTS}
        if not all(map(math.isfinite, amounts.values())):
            return False
        for name, amount in amounts.items():
            setattr(self, name, amount)
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(example, name))
        at = example.occurred_at
        self.first_at = min(self.first_at, at) if self.first_at else at
        self.latest_at = max(self.latest_at, at)
        return True


class InvalidSums(ShopkeeperError):
    """The bytes are no sums that this version can read."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ExperimentSums)


def encode_sums(sums: ExperimentSums) -> bytes:
    """Return the bytes of sums: a version byte and a MessagePack array.

    >>> decode_sums(encode_sums(ExperimentSums(visitors=3))).visitors
    3
    """
    return b"\x01" + _encoder.encode(sums)


def decode_sums(data: bytes) -> ExperimentSums:
    """Return the sums.

    Raises:
        InvalidSums: another version wrote them, or they are no sums.
    """
    if data[:1] != b"\x01":
        raise InvalidSums(f"sums of version {data[:1].hex()}; this Shopkeeper reads 01")
    try:
        return _decoder.decode(data[1:])
    except msgspec.MsgspecError as error:
        raise InvalidSums(f"no sums: {error}") from error


def sums_field(experiment: str, variation: str) -> str:
    """Return the field of a variation's sums in its hash (``Keys.experiments``).

    No line end: those tell names apart where changes are announced.

    >>> sums_field("colors", "red")
    'colors\\tred'
    """
    return f"{experiment}\t{variation}"


def experiment_shard(experiment: str) -> int:
    """Return the model shard that owns the sums of all variations of an experiment."""
    return crc32(experiment.encode()) % N_MODEL_SHARDS
