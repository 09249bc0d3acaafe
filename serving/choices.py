"""What a decision is made of, and what it asks of models and the catalog."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol

from config.catalog import Item
from config.placements import Content
from serving.reasons import NoOffer, Why


class Fallback(StrEnum):
    """Why an answer is not personal; the other values of the ``result`` label: ``result_of``."""

    NO_ID = "no_id"
    UNKNOWN_USER = "unknown_user"
    CONSENT_REFUSED = "consent_refused"
    REDIS_SLOW = "redis_slow"
    REDIS_UNAVAILABLE = "redis_unavailable"
    UNREADABLE_USER = "unreadable_user"
    NO_HISTORY = "no_history"
    NO_TREND = "no_trend"


class Suggested(Protocol):
    """A candidate of a model."""

    @property
    def product_id(self) -> str:
        """Which product."""

    @property
    def because(self) -> str | None:
        """The product that led to it."""


class Model(Protocol):
    """What the decision asks of a model of products."""

    def suggest(self, viewed: Iterable[str]) -> Iterable[Suggested]:
        """Return candidates after these products (latest first), best first."""

    def popular(self, category: str = "") -> Iterable[str]:
        """Return what is popular in a category, or in all of the shop, best first."""


class Shelf(Protocol):
    """What the decision asks of the catalog."""

    def may_suggest(self, product_id: str) -> bool:
        """Tell whether a product is for sale; without a catalog, every one is."""

    def item(self, product_id: str) -> Item | None:
        """Return what the catalog says of a product."""


class Pick(NamedTuple):
    """A product in its slot; ``of`` is the product or category that led to it."""

    product_id: str
    why: Why
    of: str | None = None


class Slate(NamedTuple):
    """The ordered products of a placement, and why they are not personal where they should be."""

    strategy: str
    picks: list[Pick]
    fallback: Fallback | None


class ShownBanner(NamedTuple):
    """A banner, and the category it is for."""

    content: Content
    category: str | None
    fallback: Fallback | None


class MadeOffer(NamedTuple):
    """An offer, or why there is none."""

    content: Content | None
    why_not: NoOffer | None
    fallback: Fallback | None


Choice = Slate | ShownBanner | MadeOffer


def result_of(choice: Choice) -> str:
    """Return what metrics say of a choice: why it fell back, else whether it is for this visitor.

    It is ``personal`` where something of the visitor or of the page led to it, and ``general``
    where everybody is shown the same, as in slates of trending products.
    """
    if choice.fallback is not None:
        return choice.fallback
    if isinstance(choice, Slate):
        is_personal = any(pick.of is not None for pick in choice.picks)
    elif isinstance(choice, ShownBanner):
        is_personal = choice.category is not None
    else:
        is_personal = choice.why_not is not NoOffer.NOT_NOW
    return "personal" if is_personal else "general"


class Decision(NamedTuple):
    """What was chosen for each placement; ``fallback`` is why nothing in it is personal."""

    choices: dict[str, Choice]
    fallback: Fallback | None
