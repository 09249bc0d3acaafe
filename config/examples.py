"""What models learn from: the entries of the outbox ``examples``, as MessagePack arrays.

Examples name nobody: they are what is left of a visit once it no longer matters whose it was.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import msgspec

Action = Literal["view", "cart", "order"]


class _Example(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", gc=False):
    """What all examples share: how they are written. Times in ms."""


class SessionFinished(_Example, frozen=True, tag="session"):
    """A visit that is over, with its outcome."""

    start_at: int
    end_at: int
    finished_at: int
    n_events: int
    n_pages: int
    n_views: int
    n_carts: int
    n_orders: int
    revenue: float


class Touched(_Example, frozen=True, tag="touched"):
    """A visitor turned to a product.

    ``session`` is the key of the session (``Ids.session_key``).
    """

    product_id: str
    action: Action
    occurred_at: int
    session: int
    category: str | None = None


Example = SessionFinished | Touched

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[Example]] = msgspec.msgpack.Decoder(list[Example])
_one: msgspec.msgpack.Decoder[Example] = msgspec.msgpack.Decoder(Example)
_raw: msgspec.msgpack.Decoder[list[msgspec.Raw]] = msgspec.msgpack.Decoder(list[msgspec.Raw])


def encode_examples(examples: Sequence[Example]) -> bytes:
    """Return the bytes of one outbox entry: the examples of one commit."""
    return _encoder.encode(examples)


def decode_examples(data: bytes) -> list[Example]:
    """Return the examples of an entry, those of a kind that this version does not know left out."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        return _those_known(data)


def _those_known(data: bytes) -> list[Example]:
    known = []
    with suppress(msgspec.MsgspecError):
        for raw in _raw.decode(data):
            with suppress(msgspec.MsgspecError):
                known.append(_one.decode(raw))
    return known
