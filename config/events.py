"""What stands in a shard's log: events by the Segment protocol, and what shards tell each other.

Kept out: reading HTTP bodies (``serving/``) and what an event means for a user (``stream/``).
Times are integer milliseconds since the epoch, UTC. Entries travel as MessagePack arrays
(https://msgpack.org), tagged by kind; a field may be added at the end with a default, anything
else is a new tag.
"""

from enum import StrEnum
from typing import Any, Literal

import msgspec

from config.errors import ShopkeeperError

EventType = Literal["track", "page", "screen", "identify", "alias", "group"]
Goal = Literal["click", "order", "margin"]
EVENT_TYPES: tuple[EventType, ...] = ("track", "page", "screen", "identify", "alias", "group")

ENTRY_FIELD = b"e"  # payload of a log entry
SUBJECT_FIELD = b"k"  # digest of the user an entry is about; empty for a tick
SOURCE_FIELD = b"s"  # shard that forwarded the entry, absent otherwise
SOURCE_ID_FIELD = b"i"  # id of the entry in that shard's outgoing


class Reason(StrEnum):
    """Why something became a dead letter; the closed set of the ``reason`` label."""

    BAD_JSON = "bad_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    NOT_FINITE = "not_finite"
    BAD_TYPE = "bad_type"
    BAD_ID = "bad_id"
    NO_ID = "no_id"
    NO_NAME = "no_name"
    BAD_TIME = "bad_time"
    BAD_FIELD = "bad_field"
    UNDECODABLE = "undecodable"
    APPLY_FAILED = "apply_failed"


class InvalidEvent(ShopkeeperError):
    """An event that cannot be read, as a value: it goes to the dead letters."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class _Entry(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", gc=False):
    """What all entries share: how they are written."""


class Event(_Entry, frozen=True, tag="event"):
    """One call of the Segment protocol, checked and with its times settled by collect.

    ``name`` is the track event's name, or the page's or screen's. ``received_at`` is the shard's
    clock; ``occurred_at`` dates the fact and never lies more than 5 minutes after it.
    """

    type: EventType
    name: str
    message_id: str
    occurred_at: int
    received_at: int
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Tick(_Entry, frozen=True, tag="tick"):
    """Moves the shard's clock while the log is quiet, so that due timers fire."""

    received_at: int


class ConsentRefused(_Entry, frozen=True, tag="refused"):
    """The visitor refused personalization: no content, only whom it is about and when."""

    occurred_at: int
    received_at: int


class Erase(_Entry, frozen=True, tag="erase"):
    """Forget the subject: state gone, events out of the log; a known id is suppressed.

    With ``known``, sent by that user's shard, it is about a visitor who led there, and only if so.
    """

    received_at: int
    suppress: bool = True
    known: str = ""


class Link(_Entry, frozen=True, tag="link"):
    """To an anonymous user's shard: this visitor is that known user, as of ``occurred_at``."""

    known: str
    occurred_at: int
    received_at: int


class Merge(_Entry, frozen=True, tag="merge"):
    """To a known user's shard: the state of an anonymous visitor that joins it."""

    state: bytes


class Forwarded(_Entry, frozen=True, tag="forwarded"):
    """To a known user's shard: an event of a linked visitor; its clock does not count there."""

    event: Event


class CampaignChoice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a decision chose for a placement, and what is needed to learn from what follows.

    ``variation`` is empty where nothing is shown, which is an arm, too. ``policy`` names the model
    that chose, empty where none learns from it; ``features`` are what it knew, in its own order,
    and ``probability`` the chance with which it chose this. A click counts until ``click_ms`` after
    the impression, an order until ``order_ms``. Of an order's revenue ``margin_rate`` is earned,
    and ``discount_rate`` given away by the offer. ``arms`` are what was
    chosen from (``campaign/variation``), none where they are too many to be told.
    """

    placement: str
    campaign: str
    variation: str
    policy: str = ""
    goal: Goal = "click"
    probability: float = 1.0
    features: list[float] = []
    is_holdout: bool = False
    click_ms: int = 120_000
    order_ms: int = 86_400_000
    margin_rate: float = 1.0
    discount_rate: float = 0.0
    arms: list[str] = []

    @property
    def shows(self) -> bool:
        """Whether it shows anything."""
        return bool(self.variation) and not self.is_holdout


class Decided(_Entry, frozen=True, tag="decided"):
    """Campaigns were chosen for a visitor, and these experiments had a say (name, variation).

    ``margin_rate`` is the shop's: what is earned of an order's revenue, whatever was shown.
    """

    decision_id: str
    received_at: int
    choices: list[CampaignChoice]
    experiments: list[tuple[str, str]] = []
    channel: str = "web"
    margin_rate: float = 1.0


class ProductsChanged(_Entry, frozen=True, tag="products"):
    """Products changed: all changes up to ``until``, a log id of their stream, count from here on.

    Those that the shard's commit covers already change nothing, however often this is told.
    """

    until: str
    received_at: int


class RhythmLearned(_Entry, frozen=True, tag="rhythm"):
    """What was learned of all customers' orders counts from here on (``online_models/curves.py``).

    With ``received_at`` 0 it moves no clock.
    """

    curves: bytes
    received_at: int


Entry = (
    Event
    | Tick
    | ConsentRefused
    | Erase
    | Link
    | Merge
    | Forwarded
    | Decided
    | ProductsChanged
    | RhythmLearned
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """Return the bytes of a log entry.

    >>> decode_entry(encode_entry(Tick(received_at=5)))
    Tick(received_at=5)
    """
    return _encoder.encode(entry)


def decode_entry(data: bytes) -> Entry | InvalidEvent:
    """Return the entry, or why it cannot be read: a value, not a crash."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return InvalidEvent(Reason.UNDECODABLE, str(error))
