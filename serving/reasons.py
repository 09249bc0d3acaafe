"""Why something is shown, in sentences that a shopper can read."""

from enum import StrEnum


class Why(StrEnum):
    """What led to a product."""

    AFTER = "after"
    POPULAR_IN = "popular_in"
    POPULAR = "popular"
    CHOSEN = "chosen"


def why_product(why: Why, of: str | None) -> str:
    """Return why a product is suggested; ``of`` names what led to it, where a name is known.

    >>> why_product(Why.AFTER, "Trail Boots")
    'often viewed after Trail Boots'
    >>> why_product(Why.POPULAR_IN, "hiking")
    'popular in hiking right now'
    """
    if why is Why.AFTER:
        return f"often viewed after {of or 'a product you looked at'}"
    if why is Why.POPULAR_IN:
        return f"popular in {of} right now"
    return "popular right now" if why is Why.POPULAR else "picked by the shop"


def why_banner(category: str | None) -> str:
    """Return why a banner is shown; ``category`` is the one it is for, if it is for one."""
    return "for every visitor" if category is None else f"because you like {category}"


class NoOffer(StrEnum):
    """Why there is no offer, as it is told."""

    NOT_NOW = "offers are made at another moment"
    SMALL_CART = "the cart is still too small for this offer"
    CUSTOMER = "this offer is for newer customers"
    NOBODY_KNOWS = "nobody can tell now whether this offer is for you"


OFFERED = "an offer for you, right now"
