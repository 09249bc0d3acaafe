"""What ``POST /v1/personalize`` is asked, alone or for many users: read, and checked."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from serving.refusals import Refusal, Refused

MAX_BODY_BYTES = 64 * 1024
MAX_BATCH_BYTES = 2 * 1024 * 1024
MAX_BATCH_USERS = 1_000
MAX_PLACEMENTS = 20
MAX_BATCH_CHOICES = 5_000  # users times placements: what they are answered is kept until all are
MAX_CART_LINES = 100
MAX_EXCLUDED = 200
MAX_CONTEXT = 32
MAX_FACT = 512  # letters
MAX_CHANNEL = 32
_T = TypeVar("_T")
_EXACT = 2**53  # numbers beyond do not tell whole ones apart
_LATEST_MS = 4_102_444_800_000  # the year 2100: beyond, calendars end before time zones do

# The very characters that collect refuses in ids.
_ID = Annotated[
    str, msgspec.Meta(min_length=1, max_length=256, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")
]
_UserId = Annotated[
    str, msgspec.Meta(max_length=256, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")
]  # empty: none
_Text = Annotated[str, msgspec.Meta(max_length=512)]
_Pieces = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Part(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A part of the request; what it does not name is passed over, as in the Segment protocol."""


class Page(Part, frozen=True):
    """The page that asks; its product counts as the one viewed latest."""

    type: _Text | None = None
    product_id: _ID | int | None = None
    category: _Text | None = None


class CartLine(Part, frozen=True, kw_only=True):
    """A line of the cart as the page sees it; a bare product id stands for one piece."""

    product_id: _ID | int
    quantity: _Pieces = 1.0
    price: _Pieces | None = None


class Preview(Part, frozen=True):
    """What would be shown: in a segment, as ``campaign/variation``, at another time.

    ``time`` is in ms, or a time like ``2026-12-24T18:00:00Z``; before the year 2100.
    """

    segment: _Text | None = None
    variation: _Text | None = None
    time: Annotated[datetime, msgspec.Meta(tz=True)] | Annotated[int, msgspec.Meta(ge=0)] | None = (
        None
    )

    def __post_init__(self) -> None:
        """Check what no type can.

        Raises:
            ValueError: the time lies too far ahead.
        """
        if self.at(0) > _LATEST_MS:
            raise ValueError("Expected a time before the year 2100")

    def at(self, now: int) -> int:
        """Return the time to decide at (ms)."""
        if isinstance(self.time, datetime):
            return max(int(self.time.timestamp() * 1000), 0)
        return now if self.time is None else self.time


class Options(Part, frozen=True):
    """``limit`` replaces the slots of products placements.

    ``explain`` and ``preview`` are for holders of the secret key.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] | None = None
    exclude: Annotated[list[_ID | int], msgspec.Meta(max_length=MAX_EXCLUDED)] = []
    explain: bool = False
    preview: Preview | None = None


_Cart = Annotated[list[CartLine | _ID | int], msgspec.Meta(max_length=MAX_CART_LINES)]
_Context = Annotated[dict[_Text, Any], msgspec.Meta(max_length=MAX_CONTEXT)]


class Request(Part, frozen=True, kw_only=True):
    """The question of a page: what to show to this visitor in these placements.

    ``context`` is what conditions may ask about, named as the shop likes. Fixed are ``trigger``,
    ``device``, ``locale``, ``city``, ``channel``, and ``consent``, which reads as in events.
    """

    placements: Annotated[list[_Text], msgspec.Meta(min_length=1, max_length=MAX_PLACEMENTS)]
    user_id: _UserId | int | None = None
    user_token: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    anonymous_id: _UserId | int | None = None
    page: Page | None = None
    cart: _Cart | None = None
    context: _Context | None = None
    options: Options | None = None
    write_key: str | None = None

    def page_product(self) -> str | None:
        """Return the product that the page shows."""
        return None if self.page is None else id_text(self.page.product_id)

    def told(self, name: str) -> str:
        """Return a text of the context, "" where it is none."""
        value = None if self.context is None else self.context.get(name)
        return value if isinstance(value, str) else ""

    def channel(self) -> str:
        """Return where it is shown, by which impressions are counted."""
        return self.told("channel")[:MAX_CHANNEL] or "web"

    def facts(self) -> dict[str, str | float]:
        """Return what the context says in plain values; of a device its ``type``, as in events."""
        found: dict[str, str | float] = {}
        for name, value in (self.context or {}).items():
            plain = value.get("type") if name == "device" and isinstance(value, dict) else value
            if isinstance(plain, str):
                found[name] = plain[:MAX_FACT]
            elif isinstance(plain, int | float):
                found[name] = min(max(plain, -_EXACT), _EXACT)
        return found

    def cart_lines(self) -> list[CartLine]:
        """Return the lines of the cart, ids as texts."""
        return [
            CartLine(product_id=str(line.product_id), quantity=line.quantity, price=line.price)
            if isinstance(line, CartLine)
            else CartLine(product_id=str(line))
            for line in self.cart or ()
        ]


class BatchUser(Part, frozen=True, kw_only=True):
    """Whom one decision of a batch is about, and what is so of this one alone."""

    user_id: _UserId | int | None = None
    anonymous_id: _UserId | int | None = None
    page: Page | None = None
    cart: _Cart | None = None
    context: _Context | None = None


class BatchRequest(Part, frozen=True, kw_only=True):
    """The question of a tool that brings its own list: what to show to each of these users.

    ``channel`` is where it will be shown; ``context`` is that of all, and a user's own is added.
    """

    users: Annotated[list[BatchUser], msgspec.Meta(min_length=1, max_length=MAX_BATCH_USERS)]
    placements: Annotated[list[_Text], msgspec.Meta(min_length=1, max_length=MAX_PLACEMENTS)]
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHANNEL)]
    context: _Context | None = None
    options: Options | None = None

    def requests(self) -> Iterator[Request]:
        """Yield what is asked for each user, as ``/v1/personalize`` would be."""
        for user in self.users:
            yield Request(
                placements=self.placements,
                user_id=user.user_id,
                anonymous_id=user.anonymous_id,
                page=user.page,
                cart=user.cart,
                context={
                    **(self.context or {}),
                    **(user.context or {}),
                    "channel": self.channel,
                },
                options=self.options,
            )


_decoder = msgspec.json.Decoder(Request)
_batch_decoder = msgspec.json.Decoder(BatchRequest)


def read_request(body: bytes) -> Request:
    """Return the request that a body holds.

    Raises:
        Refused: it holds none; the text names the field and what is allowed.
    """
    return _read(_decoder, body)


def read_batch(body: bytes) -> BatchRequest:
    """Return the questions that a body holds.

    Raises:
        Refused: it holds none; the text names the field and what is allowed.
    """
    batch = _read(_batch_decoder, body)
    options = batch.options
    if options is not None and (options.explain or options.preview is not None):
        raise Refused(
            Refusal.BAD_REQUEST,
            "options: explain and preview are for one user at a time; ask /v1/personalize",
        )
    if len(batch.users) * len(batch.placements) > MAX_BATCH_CHOICES:
        raise Refused(
            Refusal.BAD_REQUEST,
            f"users: {len(batch.users)} in {len(batch.placements)} placements are too many; at "
            f"most {MAX_BATCH_CHOICES} together, one times the other: send them in parts",
        )
    return batch


def _read(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refused(Refusal.BAD_REQUEST, _explain(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(Refusal.BAD_REQUEST, f"the body is no JSON: {error}") from error
    except RecursionError as error:
        raise Refused(Refusal.BAD_REQUEST, "the body is nested too deep") from error


def id_text(value: str | int | None) -> str | None:
    """Return an id as events spell it: a whole number as its digits; None where it is blank.

    >>> id_text(17), id_text(" "), id_text("ann")
    ('17', None, 'ann')
    """
    if value is None:
        return None
    text = str(value)
    return text if text.strip() else None


_PATTERN = re.compile(r"matching regex '.*'")


def _explain(message: str) -> str:
    what, _, where = message.partition(" - at `$.")
    field = where.rstrip("`") or "the body"
    plain = _PATTERN.sub("without control characters", what)
    return f"{field}: {plain[:1].lower()}{plain[1:]}"
