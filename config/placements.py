"""What may be shown where: the tables ``[placements.NAME]`` of ``shopkeeper.toml``."""

from typing import Annotated, Literal

import msgspec

Slots = Annotated[int, msgspec.Meta(ge=1, le=50)]
Strategy = Literal["next-best", "trending"]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a banner or an offer shows; the shop's page decides how."""

    headline: str
    text: str = ""
    image: str = ""
    link: str = ""
    coupon: str = ""


class Products(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="products"
):
    """A row of ``slots`` products; ``fallback`` are product ids for when nobody can tell better."""

    strategy: Strategy = "next-best"
    slots: Slots = 4
    fallback: tuple[str, ...] = ()


class Banner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="banner"):
    """A banner; of ``by_category`` that of the visitor's strongest category, else ``content``."""

    content: Content
    by_category: dict[str, Content] = {}


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="offer"):
    """An offer, shown when the page's ``context.trigger`` is one of ``triggers``.

    ``min_cart_value`` and ``max_orders`` (of the visitor so far) keep it from who does not need it.
    """

    content: Content
    triggers: tuple[str, ...] = ("exit-intent",)
    min_cart_value: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    max_orders: int | None = None


Placement = Products | Banner | Offer
