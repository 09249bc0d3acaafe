"""Why something is shown, in sentences that a shopper can read."""

from enum import StrEnum


class Why(StrEnum):
    """What led to a product."""

    AFTER = "after"
    SIMILAR = "similar"
    BOUGHT_WITH = "bought_with"
    GOES_WITH = "goes_with"
    LOOKED_AT = "looked_at"
    LIKED = "liked"
    POPULAR_IN = "popular_in"
    POPULAR = "popular"
    VIEWED = "viewed"
    REGULAR = "regular"
    BOUGHT = "bought"
    NEW_IN = "new_in"
    NEW = "new"
    SELDOM = "seldom"
    IN_SHOP = "in_shop"
    CHOSEN = "chosen"


# What a product led to; ``of`` is its id.
LED = frozenset((Why.AFTER, Why.SIMILAR, Why.BOUGHT_WITH, Why.GOES_WITH, Why.LOOKED_AT, Why.VIEWED))

_SENTENCES = {
    Why.AFTER: "often viewed after {}",
    Why.SIMILAR: "similar to {}",
    Why.BOUGHT_WITH: "often bought with {}",
    Why.GOES_WITH: "goes with {} in your cart",
    Why.LOOKED_AT: "because you looked at {}",
    Why.LIKED: "because you like {}",
    Why.POPULAR_IN: "popular in {} right now",
    Why.POPULAR: "popular right now",
    Why.VIEWED: "you looked at this lately",
    Why.REGULAR: "you buy this regularly",
    Why.BOUGHT: "you bought this before",
    Why.NEW_IN: "new in {}",
    Why.NEW: "new in the shop",
    Why.SELDOM: "few have found this yet",
    Why.IN_SHOP: "also in the shop",
    Why.CHOSEN: "picked by the shop",
}


def why_product(why: Why, of: str | None) -> str:
    """Return why a product is suggested; ``of`` names what led to it, where a name is known.

    >>> why_product(Why.AFTER, "Trail Boots")
    'often viewed after Trail Boots'
    >>> why_product(Why.GOES_WITH, None)
    'goes with a product in your cart'
    """
    unnamed = "a product" if why is Why.GOES_WITH else "a product you looked at"
    return _SENTENCES[why].format(of or unnamed)


def why_promotion(*, is_shown: bool, is_personal: bool) -> str:
    """Return why a banner or an offer is shown, or none, where its campaign does not say it."""
    if not is_shown:
        return "nothing for you right now"
    return "chosen for you" if is_personal else "for every visitor"
