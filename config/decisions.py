"""What was decided, as it stands in the streams ``decisions``: a MessagePack map each."""

import msgspec

from config.errors import ShopkeeperError

DECISION_FIELD = b"d"


class BrokenDecision(ShopkeeperError):
    """The bytes of a decision cannot be read."""


class Chosen(msgspec.Struct, frozen=True, gc=False):
    """What was chosen for a placement.

    ``items`` are products in slot order, ``because`` what led to each ("" for nothing), ``steps``
    which strategy or rule. ``probabilities`` are the chances with which each was picked for its
    slot, given what the placements before it show; of banners and offers, which are certain, none.
    """

    type: str
    items: list[str] = []
    because: list[str] = []
    strategy: str = ""
    steps: list[str] = []
    probabilities: list[float] = []


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A decision; ``subject`` is the visitor's digest, empty where the answer was not personal."""

    decision_id: str
    at: int
    subject: str
    placements: dict[str, Chosen]
    fallback: str | None = None
    applied_up_to: str | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Decided)


def encode_decided(decided: Decided) -> bytes:
    """Return a decision's bytes.

    >>> decode_decided(encode_decided(Decided("d", 5, "", {}))).at
    5
    """
    return _encoder.encode(decided)


def decode_decided(data: bytes) -> Decided:
    """Return the decision that these bytes are.

    Raises:
        BrokenDecision: they are none.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenDecision(str(error)) from error
