"""What was told of a firing: the entries of the merged list ``told`` and of receivers' queues.

The deliverer writes them; servers give them to whoever listens. A version byte leads a MessagePack
array.
"""

from enum import StrEnum
from typing import TypeVar

import msgspec

from config.errors import ShopkeeperError
from config.events import SUBJECT_FIELD

TOLD_FIELD = b"m"
LETTER_FIELD = b"l"  # beside TOLD_FIELD, in the list of what was not delivered

_VERSION = 1
_T = TypeVar("_T")


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message: ``body`` is its JSON, signed and sent as it is; ``expires_at`` in ms.

    ``digest`` and ``shard`` name the key of the user whom it is about.
    """

    told_id: str
    trigger: str
    channel: str
    shard: int
    digest: str
    expires_at: int
    body: bytes


class Reason(StrEnum):
    """Why a message was given up; a closed set, also a label."""

    TRIED_ENOUGH = "tried_enough"
    EXPIRED = "expired"  # its trigger says how long it is worth telling
    GONE = "gone"  # the receiver answered 410
    QUEUE_FULL = "queue_full"
    NO_RECEIVER = "no_receiver"  # of that name is in the file any more


class Letter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why a message was given up: after ``n_tries``, the last of which came to ``last``."""

    reason: Reason
    n_tries: int
    at: int
    last: str = ""


class InvalidTold(ShopkeeperError):
    """The bytes are no message, or no letter, that this version can read."""


_ENCODER = msgspec.msgpack.Encoder()
_TOLD = msgspec.msgpack.Decoder(Told)
_LETTER = msgspec.msgpack.Decoder(Letter)


def encode_told(value: Told | Letter) -> bytes:
    """Return the bytes, led by a version byte."""
    return bytes((_VERSION,)) + _ENCODER.encode(value)


def told_fields(told: Told) -> dict[bytes, bytes | str]:
    """Return the fields of a message's entry, in whatever list."""
    return {TOLD_FIELD: encode_told(told), SUBJECT_FIELD: told.digest}


def decode_told(data: bytes) -> Told:
    """Return the message.

    Raises:
        InvalidTold: another version, or no message at all.
    """
    return _decode(_TOLD, data)


def decode_letter(data: bytes) -> Letter:
    """Return why a message was given up.

    Raises:
        InvalidTold: another version, or nothing of the kind.
    """
    return _decode(_LETTER, data)


def _decode(decoder: msgspec.msgpack.Decoder[_T], data: bytes) -> _T:
    if not data or data[0] != _VERSION:
        raise InvalidTold(f"a message of version {data[:1]!r}; this Shopkeeper reads {_VERSION}")
    try:
        return decoder.decode(data[1:])
    except msgspec.DecodeError as error:
        raise InvalidTold(f"no message: {error}") from error
