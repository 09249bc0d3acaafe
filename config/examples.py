"""What models learn from: the entries of the outbox ``examples``, as MessagePack arrays.

Examples name nobody: they are what is left of a visit once it no longer matters whose it was.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import msgspec

from config.events import Goal

Action = Literal["view", "cart", "order"]


class _Example(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", gc=False):
    """What all examples share: how they are written. Times in ms."""


class Touched(_Example, frozen=True, tag="touched"):
    """A visitor turned to a product.

    ``session`` is the key of the session (``Ids.session_key``).
    """

    product_id: str
    action: Action
    occurred_at: int
    session: int
    category: str | None = None


class Rewarded(_Example, frozen=True, tag="rewarded"):
    """A campaign's choice and what came of it, told once its last window is over.

    Of a choice that shows nothing ``shown_at`` is the time of the decision. ``revenue`` and
    ``margin`` (after discount) are of the orders within the window; with the goal ``click``, which
    does not wait for them, none are told. ``arms`` are what was chosen from.
    """

    policy: str
    goal: Goal
    placement: str
    campaign: str
    variation: str
    probability: float
    features: list[float]
    is_holdout: bool
    shown_at: int
    is_clicked: bool
    n_orders: int
    revenue: float
    margin: float
    arms: list[str] = []


class Exposed(_Example, frozen=True, tag="exposed"):
    """By how much the figures of an experiment's variation changed; all are sums over visitors.

    ``squared_*`` change by the difference of the squares of the visitor's own sums.
    """

    experiment: str
    variation: str
    occurred_at: int
    visitors: int = 0
    clicked: int = 0
    converted: int = 0
    orders: int = 0
    revenue: float = 0.0
    squared_revenue: float = 0.0
    margin: float = 0.0
    squared_margin: float = 0.0


class Visited(_Example, frozen=True, tag="visited"):
    """A moment of a visit that is over: the visitor's features then, and how it went on."""

    features: list[float]
    occurred_at: int
    is_last: bool
    is_ordered: bool


class Waited(_Example, frozen=True, tag="waited"):
    """A customer ordered nothing, from one bin of silence through another.

    ``group`` is of customers with as many orders; see ``online_models/rhythm.py``. Where the
    silence ended with an order in the last bin, ``silence_ms`` is how long it was.
    """

    group: int
    first: int
    last: int
    occurred_at: int
    silence_ms: int | None = None


Example = Touched | Rewarded | Exposed | Visited | Waited

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
