"""When something is to be said to a customer: the tables of ``triggers.toml`` that decide it.

``[triggers.NAME]`` say what has to happen, ``[caps]`` how often a channel may speak, and
``[quiet_hours]`` when nobody wants to be spoken to. Receivers are the business of others. Mistakes
are that of ``trigger_checks.py``; a field's ``description`` is what its errors say is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from config.campaigns import MAX_CAP_TIMES, Channel
from config.durations import Duration
from config.placements import Share, Truth
from config.product_changes import LOW_STOCK
from config.schedules import Day

MAX_TRIGGERS = 64
MAX_TIMES = 16  # events that one trigger counts
VISIT = "visit"  # an act that no event tells: a session has begun
# Track events that are called so are no acts.
BUILT_IN = frozenset({VISIT, "page", "screen", "identify", "alias", "group"})

Quiet = Literal["hold", "skip", "ignore"]
Change = Literal["price_drop", "back_in_stock", "low_stock"]
Forecast = Literal["due_again", "leaving"]
Watched = Literal["viewed", "carted"]
Act = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=256,
        description='the name of a track event such as "Product Viewed", or "visit", "page", '
        '"screen", "identify"',
    ),
]
Acts = Annotated[
    tuple[Act, ...],
    msgspec.Meta(max_length=16, description='a list of acts such as ["Order Completed", "visit"]'),
]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class _Trigger(_Table, frozen=True, kw_only=True, tag_field="on"):
    """What all triggers say: who is told, when, and with what.

    *Who*: ``when`` holds of the customer, who is in at least one of the ``segments`` of
    campaigns.toml, has said yes to marketing unless ``consent = "none"``, and is known by a user id
    unless ``anonymous``.

    *When*: ``quiet`` hours hold it, skip it, or are ignored; None: as ``[quiet_hours]`` says.
    ``once_in``: not again for the same customer within. It is worth telling for ``valid``; what
    would be told later, after quiet hours or downtime, is dropped, or fired all the same: ``late``.

    *With what*: in ``channel``, with a decision for the ``placements``, made when it is delivered.
    """

    channel: Channel
    placements: Annotated[
        tuple[str, ...], msgspec.Meta(max_length=5, description="names of at most 5 placements")
    ] = ()
    when: Annotated[
        str, msgspec.Meta(max_length=2000, description="a condition in CEL, true or false")
    ] = ""
    segments: Annotated[
        tuple[str, ...],
        msgspec.Meta(max_length=20, description="names of [segments.NAME] of campaigns.toml"),
    ] = ()
    consent: Literal["marketing", "none"] = "marketing"
    anonymous: Truth = False
    quiet: Quiet | None = None
    once_in: Duration | None = None
    valid: Duration = "1 day"
    late: Literal["drop", "fire"] = "drop"


class EventTrigger(_Trigger, frozen=True, kw_only=True, tag="event"):
    """An act for the ``times``-th time within a window, with none of ``unless`` among them."""

    event: Act
    times: Annotated[
        int, msgspec.Meta(ge=1, le=MAX_TIMES, description=f"a whole number, 1 to {MAX_TIMES}")
    ] = 1
    within: Duration | None = None
    unless: Acts = ()


class AbsenceTrigger(_Trigger, frozen=True, kw_only=True, tag="absence"):
    """After one of ``after`` none of ``unless`` came for so long.

    With ``idle`` nothing at all came of the customer. Each of ``after`` begins the wait anew.
    """

    after: Annotated[
        tuple[Act, ...],
        msgspec.Meta(
            min_length=1, max_length=16, description='a list of acts such as ["Product Added"]'
        ),
    ]
    lasting: Duration
    unless: Acts = ()
    idle: Truth = False


class ProductTrigger(_Trigger, frozen=True, kw_only=True, tag="product"):
    """A product changed that the customer ``watched`` within a time, and did not buy since.

    ``by`` is the least share that a price must drop by; stock is low with ``pieces`` left.
    """

    change: Change
    watched: Annotated[
        tuple[Watched, ...],
        msgspec.Meta(min_length=1, max_length=2, description='a list of "viewed", "carted"'),
    ] = ("viewed", "carted")
    within: Duration = "30 days"
    by: Share = 0.0
    pieces: Annotated[
        int, msgspec.Meta(ge=1, le=LOW_STOCK, description=f"a whole number, 1 to {LOW_STOCK}")
    ] = 5


class ForecastTrigger(_Trigger, frozen=True, kw_only=True, tag="forecast"):
    """What a model of the customer's order intervals expects, from this probability on."""

    forecast: Forecast
    likely: Share = 0.5


Trigger = EventTrigger | AbsenceTrigger | ProductTrigger | ForecastTrigger
KINDS: dict[str, type[Trigger]] = {
    "event": EventTrigger,
    "absence": AbsenceTrigger,
    "product": ProductTrigger,
    "forecast": ForecastTrigger,
}


class ChannelCap(_Table, frozen=True):
    """At most so many firings per customer within a time, of all triggers of a channel."""

    times: Annotated[
        int,
        msgspec.Meta(ge=1, le=MAX_CAP_TIMES, description=f"a whole number, 1 to {MAX_CAP_TIMES}"),
    ]
    within: Duration


class QuietHours(_Table, frozen=True):
    """Hours of the customer's local day; ``time_zone`` is of those whose own is not known."""

    hours: Annotated[
        tuple[str, ...],
        msgspec.Meta(min_length=1, max_length=10, description='a list such as ["21:00-08:00"]'),
    ]
    days: Annotated[
        tuple[Day, ...],
        msgspec.Meta(description="a list of mon, tue, wed, thu, fri, sat, sun"),
    ] = ()
    time_zone: str = "UTC"
    then: Quiet = "hold"


@dataclass(frozen=True, slots=True)
class Triggers:
    """All of a file that decides what fires; ``caps`` by channel, ``segments`` as conditions."""

    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    caps: Mapping[str, tuple[ChannelCap, ...]] = field(default_factory=dict)
    quiet: QuietHours | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
