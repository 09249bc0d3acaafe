"""What goes over the wire at ``POST /v1/personalize``: the request, checked, and the answer."""

import re
from typing import Annotated, Any

import msgspec

from config.placements import Content
from serving.refusals import Refusal, Refused

MAX_BODY_BYTES = 64 * 1024
MAX_PLACEMENTS = 20
MAX_CART_LINES = 100
MAX_EXCLUDED = 200

# The very characters that collect refuses in ids.
_ID = Annotated[
    str, msgspec.Meta(min_length=1, max_length=256, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")
]
_UserId = Annotated[
    str, msgspec.Meta(max_length=256, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")
]  # empty: none
_Text = Annotated[str, msgspec.Meta(max_length=512)]
_Pieces = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class _Part(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A part of the request; what it does not name is passed over, as in the Segment protocol."""


class Page(_Part, frozen=True):
    """The page that asks; its product counts as the one viewed latest."""

    type: _Text | None = None
    product_id: _ID | int | None = None
    category: _Text | None = None


class CartLine(_Part, frozen=True, kw_only=True):
    """A line of the cart as the page sees it; a bare product id stands for one piece."""

    product_id: _ID | int
    quantity: _Pieces = 1.0
    price: _Pieces | None = None


class Context(_Part, frozen=True):
    """What happens on the page: ``trigger`` is for offers, ``consent`` reads as in events."""

    trigger: _Text | None = None
    consent: Any = None


class Options(_Part, frozen=True):
    """``limit`` replaces the slots of products placements."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] | None = None
    exclude: Annotated[list[_ID | int], msgspec.Meta(max_length=MAX_EXCLUDED)] = []


_Cart = Annotated[list[CartLine | _ID | int], msgspec.Meta(max_length=MAX_CART_LINES)]


class Request(_Part, frozen=True, kw_only=True):
    """The question of a page: what to show to this visitor in these placements."""

    placements: Annotated[list[_Text], msgspec.Meta(min_length=1, max_length=MAX_PLACEMENTS)]
    user_id: _UserId | int | None = None
    user_token: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    anonymous_id: _UserId | int | None = None
    page: Page | None = None
    cart: Annotated[list[CartLine | _ID | int], msgspec.Meta(max_length=MAX_CART_LINES)] | None = (
        None
    )
    context: Context | None = None
    options: Options | None = None
    write_key: str | None = None

    def page_product(self) -> str | None:
        """Return the product that the page shows."""
        return None if self.page is None else id_text(self.page.product_id)

    def cart_lines(self) -> list[CartLine]:
        """Return the lines of the cart, ids as texts."""
        return [
            CartLine(product_id=str(line.product_id), quantity=line.quantity, price=line.price)
            if isinstance(line, CartLine)
            else CartLine(product_id=str(line))
            for line in self.cart or ()
        ]


_decoder = msgspec.json.Decoder(Request)


def read_request(body: bytes) -> Request:
    """Return the request that a body holds.

    Raises:
        Refused: it holds none; the text names the field and what is allowed.
    """
    try:
        return _decoder.decode(body)
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


class Profile(_Part, frozen=True):
    """What an answer says of the visitor: how much is known, and how fresh it is."""

    known: bool = False
    events_seen: int = 0
    applied_up_to: str | None = None
    updated_ms_ago: int | None = None


class ProductsAnswer(_Part, frozen=True, kw_only=True, tag="products"):
    """A slate; each product is encoded already."""

    strategy: str
    products: list[msgspec.Raw]
    fallback: str | None


class BannerAnswer(_Part, frozen=True, kw_only=True, tag="banner"):
    """A banner."""

    content: Content
    reason: str


class OfferAnswer(_Part, frozen=True, kw_only=True, tag="offer"):
    """An offer; without content there is nothing to show, and ``reason`` says why."""

    content: Content | None
    reason: str


PlacementAnswer = ProductsAnswer | BannerAnswer | OfferAnswer


class Answer(_Part, frozen=True, kw_only=True):
    """The answer; ``token_rejected`` says what was wrong with the token where one was needed."""

    decision_id: str
    profile: Profile
    placements: dict[str, PlacementAnswer]
    fallback: str | None
    server_timing_ms: float
    token_rejected: str | msgspec.UnsetType = msgspec.UNSET
