"""What triggers fired: the entries of the outbox ``triggers``, as MessagePack arrays.

The profile flow writes them with the shard's commit, so each firing is there once; what delivers
reads them.
"""

from typing import Literal

import msgspec

from config.errors import ShopkeeperError

Why = Literal["event", "absence", "product", "forecast"]
FIRED_FIELD = b"f"

_VERSION = 1
_LEAD = bytes((_VERSION,))


class Fired(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A trigger fired for a user. Times in ms by the shard's clock.

    ``firing_id`` is made of the trigger, the user and what fired it: the same on replay.
    ``digest`` names the user's key and ``shard`` its shard; ``user_id`` and ``anonymous_id`` are
    the ids that the shop knows the user by. ``due_at`` is when the reason was complete,
    ``fired_at`` when it was told (later after quiet hours or downtime), ``expires_at`` until when
    it is worth telling. ``product_ids`` are what it is about, latest first; ``facts`` are short
    facts for texts, such as ``cart_value``, ``price``, ``old_price``, ``n_visits``.
    """

    firing_id: str
    trigger: str
    why: Why
    channel: str
    shard: int
    digest: str
    user_id: str | None
    anonymous_id: str | None
    due_at: int
    fired_at: int
    expires_at: int
    placements: list[str] = []
    product_ids: list[str] = []
    facts: dict[str, str | float | int | bool] = {}


class InvalidFired(ShopkeeperError):
    """The bytes are no firing that this version can read."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Fired)


def encode_fired(fired: Fired) -> bytes:
    """Return the bytes of a firing, led by a version byte."""
    return _LEAD + _ENCODER.encode(fired)


def decode_fired(data: bytes) -> Fired:
    """Return the firing.

    Raises:
        InvalidFired: another version, or no firing at all.
    """
    if not data or data[0] != _VERSION:
        raise InvalidFired(f"a firing of version {data[:1]!r}; this Shopkeeper reads {_VERSION}")
    try:
        return _DECODER.decode(data[1:])
    except msgspec.DecodeError as error:
        raise InvalidFired(f"no firing: {error}") from error
