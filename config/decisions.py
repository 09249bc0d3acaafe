"""What was decided, as it stands in the streams ``decisions``: a MessagePack map each."""

import msgspec

from config.errors import ShopkeeperError

DECISION_FIELD = b"d"


class BrokenDecision(ShopkeeperError):
    """The bytes of a decision cannot be read."""


class Objection(msgspec.Struct, frozen=True, gc=False):
    """What stands against a campaign: a word from a short list, and what exactly."""

    reason: str
    detail: str = ""


class Candidate(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A campaign of a placement: eligible, or what stood against it.

    ``probabilities``: of each of its variations the chance with which it was picked.
    """

    campaign: str
    eligible: bool
    against: list[Objection] = []
    probabilities: dict[str, float] = {}


class Explanation(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Why a placement shows what it shows.

    ``policy`` chose; "" for nothing stands among its arms where showing nothing is one. Of what
    many campaigns were not shown for, ``untold`` more are not listed. ``features`` are what the
    policy knew of visitor and page.
    """

    policy: str
    probability: float
    holdout: bool
    nothing_probability: float | None = None
    candidates: list[Candidate] = []
    untold: int = 0
    features: list[float] = []


class Chosen(msgspec.Struct, frozen=True, gc=False):
    """What was chosen for a placement.

    ``items`` are products in slot order, ``because`` what led to each ("" for nothing), ``steps``
    which strategy or rule. ``probabilities`` are the chances with which each was picked for its
    slot, given what the placements before it show. A banner or an offer is of a ``campaign`` and
    ``variation`` ("": of none), with an ``explanation`` where campaigns stand in its placement.
    """

    type: str
    items: list[str] = []
    because: list[str] = []
    strategy: str = ""
    steps: list[str] = []
    probabilities: list[float] = []
    campaign: str = ""
    variation: str = ""
    explanation: Explanation | None = None


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
