"""Features as bytes, where many are kept for a while: two bytes each instead of nine.

Each is the upper half of a float of 32 bits (bfloat16): the range of a float, a precision of 0.8 %,
and whole numbers up to 256 as they are. Half floats would end at 65,504, below a cart in yen.
"""

from collections.abc import Sequence
from math import isfinite
from struct import pack as pack_struct
from struct import unpack as unpack_struct

_LARGEST = 3e38  # fits into 32 bits


def pack(features: Sequence[float]) -> bytes:
    """Return the features in two bytes each; what is not finite becomes 0.

    >>> unpack(pack([0.5, -3.0, 256.0, float("nan")]))
    [0.5, -3.0, 256.0, 0.0]
    >>> unpack(pack([1e300, 1234.0]))[1]
    1232.0
    """
    if not all(map(isfinite, features)) or max(map(abs, features), default=0.0) > _LARGEST:
        features = [min(max(f, -_LARGEST), _LARGEST) if isfinite(f) else 0.0 for f in features]
    whole = pack_struct(f"<{len(features)}f", *features)
    upper = bytearray(2 * len(features))
    upper[0::2], upper[1::2] = whole[2::4], whole[3::4]
    return bytes(upper)


def unpack(data: bytes) -> list[float]:
    """Return the features that were packed."""
    whole = bytearray(2 * len(data))
    whole[2::4], whole[3::4] = data[0::2], data[1::2]
    return list(unpack_struct(f"<{len(data) // 2}f", whole))
