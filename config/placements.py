"""What may be shown where: the tables ``[placements.NAME]`` of ``shopkeeper.toml``.

A field's ``description`` is what its errors say is allowed; ``serving/README.md`` has them all.
"""

from typing import Annotated, Literal, get_args

import msgspec

from config.commerce import MAX_IMPRESSIONS

Strategy = Literal[
    "next-best",
    "similar",
    "bought-together",
    "cart-cross-sell",
    "for-you",
    "trending",
    "recently-viewed",
    "buy-again",
    "new-arrivals",
]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
RELEVANT: frozenset[Strategy] = frozenset(
    ("next-best", "similar", "bought-together", "cart-cross-sell", "for-you")
)
HISTORY: frozenset[Strategy] = frozenset(("recently-viewed", "buy-again"))

Slots = Annotated[int, msgspec.Meta(ge=1, le=50, description="a whole number from 1 to 50")]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650, description="days, from 0 to 3650")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1, description="a number from 0 to 1")]
Truth = Annotated[bool, msgspec.Meta(description="true or false")]
Most = Annotated[int, msgspec.Meta(ge=1, le=50, description="a whole number from 1 to 50")]
ProductId = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a banner or an offer shows; the shop's page decides how."""

    headline: str
    text: str = ""
    image: str = ""
    link: str = ""
    coupon: str = ""


class Picks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of a fallback chain: products that the shop has picked."""

    products: tuple[ProductId, ...]


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product that has its slot, counted from 0, as long as it may be shown at all."""

    slot: Annotated[int, msgspec.Meta(ge=0)]
    product: ProductId


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What relevance is multiplied by where all holds that is named: condition, lists."""

    factor: Annotated[float, msgspec.Meta(gt=0, le=100)]
    when: str = ""
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()


class Products(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="products"
):
    """A row of ``slots`` products by a strategy; the chain ``fallback`` fills what it leaves free.

    ``fill``: what is popular and then the whole catalog fill what the chain leaves free. None of
    ``fill``, ``exclude_bought_days`` and ``explore`` means: as fits the strategy.
    """

    strategy: Strategy = "next-best"
    slots: Slots = 4
    fallback: Annotated[
        tuple[Strategy | Picks, ...],
        msgspec.Meta(
            max_length=10,
            description='a list, tried in order, of at most 10 { products = ["…"] } or strategies: '
            + ", ".join(STRATEGIES),
        ),
    ] = ()
    fill: Truth | None = None
    filter: Annotated[
        str, msgspec.Meta(max_length=2000, description="a condition in CEL, true or false")
    ] = ""
    exclude_in_cart: Truth = True
    exclude_viewed_days: Days = 0
    exclude_bought_days: Days | None = None
    pin: Annotated[
        tuple[Pin, ...],
        msgspec.Meta(max_length=50, description='a list of { slot = 0, product = "…" }'),
    ] = ()
    boost: Annotated[
        tuple[Weight, ...],
        msgspec.Meta(
            max_length=50,
            description='a list of { factor = 2.0, when = "…", categories = […], brands = […] }, '
            "factor above 1 to 100, at least one of the others",
        ),
    ] = ()
    bury: Annotated[
        tuple[Weight, ...],
        msgspec.Meta(
            max_length=50,
            description='a list of { factor = 0.5, when = "…", categories = […], brands = […] }, '
            "factor between 0 and 1, at least one of the others",
        ),
    ] = ()
    max_per_category: Most | None = None
    max_per_brand: Most | None = None
    rotate_after: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=MAX_IMPRESSIONS,
            description="impressions, from 1 to 8; 0: never",
        ),
    ] = 0
    rotate_days: Annotated[int, msgspec.Meta(ge=1, le=365, description="days, from 1 to 365")] = 1
    min_relevance: Share = 0.0
    min_items: Annotated[
        int, msgspec.Meta(ge=0, le=50, description="a whole number from 0 to the slots")
    ] = 0
    explore: Share | None = None
    allow_repeats: Truth = False


class Banner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="banner"):
    """A banner: that of a campaign, and where none may be shown ``content``, if there is any."""

    content: Content | None = None


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="offer"):
    """An offer of a campaign; where none may be made there is none."""


Placement = Products | Banner | Offer
