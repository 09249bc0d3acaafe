"""What models learn from: the entries of the outbox ``examples``, as MessagePack arrays."""

from typing import Literal

import msgspec

Action = Literal["view", "cart", "order"]

MAX_BEFORE = 5


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

    ``before`` are the distinct products viewed before it in the same session, latest first, at
    most ``MAX_BEFORE``; ``session_at`` tells the session from others of the visitor.
    """

    product_id: str
    action: Action
    occurred_at: int
    session_at: int
    category: str | None = None
    before: tuple[str, ...] = ()


Example = SessionFinished | Touched

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Example] = msgspec.msgpack.Decoder(Example)


def encode_example(example: Example) -> bytes:
    """Return the bytes of an example."""
    return _encoder.encode(example)


def decode_example(data: bytes) -> Example | None:
    """Return the example, None where it is of a kind that this version does not know."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        return None
