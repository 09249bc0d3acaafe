"""The log of steps that models of products learn from and servers follow: a bounded Redis Stream.

An entry's id is the number of steps up to its end (``<n>-0``), so that positions need no count of
their own. Sessions are keyed hashes that name nobody (``Ids.session_key``).
"""

from collections.abc import Sequence

import msgspec

from config.errors import ShopkeeperError
from config.examples import Action

STEPS_FIELD = b"s"
TIME_FIELD = b"t"  # when (ms) the newest example of the entry came in
STEPS_AN_ENTRY = 200


class BrokenSteps(ShopkeeperError):
    """The bytes of an entry of the log of steps cannot be read."""


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A session went on to a product, or a basket took it in."""

    session: int
    product_id: str
    action: Action


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Step])


def encode_steps(steps: Sequence[Step]) -> bytes:
    """Return the bytes of an entry.

    >>> decode_steps(encode_steps([Step(7, "boots", "view")]))
    [Step(session=7, product_id='boots', action='view')]
    """
    return _encoder.encode(steps)


def decode_steps(data: bytes) -> list[Step]:
    """Return the steps of an entry.

    Raises:
        BrokenSteps: the bytes are none.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenSteps(str(error)) from error
