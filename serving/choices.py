"""What a decision is made of, and what it asks of models and the catalog."""

from collections.abc import Callable, Iterable, Sequence, Set
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

import msgspec

from config.catalog import Item
from config.conditions import Test
from config.events import CampaignChoice
from config.placements import Content
from serving.considered import Considered
from serving.reasons import Why

Allowed = Callable[[str], bool]


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
    NOTHING_FITS = "nothing_fits"
    TOO_FEW = "too_few"


RESULTS = (*Fallback, "personal", "general")  # what ``result_of`` returns

# Nobody looked, so the visitor may be anybody: also someone whom a campaign is not for.
UNSEEN = frozenset(
    {
        Fallback.NO_ID,
        Fallback.CONSENT_REFUSED,
        Fallback.REDIS_SLOW,
        Fallback.REDIS_UNAVAILABLE,
        Fallback.UNREADABLE_USER,
    }
)


class Suggested(Protocol):
    """A candidate of a model."""

    @property
    def product_id(self) -> str:
        """Which product."""

    @property
    def score(self) -> float:
        """How relevant it is, from 0 to 1."""

    @property
    def because(self) -> str | None:
        """The product that led to it."""


class Model(Protocol):
    """What the decision asks of a model of products.

    ``allowed`` is asked before anything is ranked, so that nothing comes out short. Best first, at
    most ``most``.
    """

    def next_best(
        self, viewed: Sequence[str], allowed: Allowed, most: int, session: int | None
    ) -> Sequence[Suggested]:
        """Return what comes next after these products, latest first.

        ``session`` is the key of the visitor's open session, whose own events must not count.
        """

    def similar(self, product_id: str, allowed: Allowed, most: int) -> Sequence[Suggested]:
        """Return what is like a product."""

    def bought_with(
        self, products: Sequence[str], allowed: Allowed, most: int
    ) -> Sequence[Suggested]:
        """Return what is bought together with these products."""

    def popular(self, category: str = "") -> Sequence[str]:
        """Return what is popular now in a category, or in all of the shop."""

    def n_seen(self, product_id: str) -> int:
        """Return how often visitors turned to a product, as far as the model remembers."""


class Shelf(Protocol):
    """What the decision asks of the catalog."""

    def for_sale(self, test: Test | None = None) -> Set[str] | None:
        """Return what is for sale, and passes a test; None: without a catalog, everything."""

    def item(self, product_id: str) -> Item | None:
        """Return what the catalog says of a product."""

    def newest(self, category: str = "") -> Iterable[str]:
        """Return the newest products, of a category or of all, bounded."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A product that may come into a slot; ``of`` is the product or category that led to it."""

    product_id: str
    score: float
    why: Why
    of: str | None = None


class Pick(msgspec.Struct, frozen=True, gc=False):
    """A product in its slot: by which step it came, and the chance with which it was picked."""

    product_id: str
    why: Why
    of: str | None = None
    step: str = ""
    probability: float = 1.0
    explored: bool = False


class Slate(NamedTuple):
    """The ordered products of a placement, and why they are not personal where they should be."""

    strategy: str
    picks: list[Pick]
    fallback: Fallback | None


class Promotion(NamedTuple):
    """A banner or an offer: that of a campaign, the placement's own, or none.

    ``choice`` is what the log of events is told, if a campaign chose; it may have chosen to show
    nothing. ``considered`` says what else was looked at.
    """

    kind: Literal["banner", "offer"]
    content: Content | None
    reason: str
    fallback: Fallback | None
    is_personal: bool = False
    overlay: bool = False
    campaign: str = ""
    variation: str = ""
    choice: CampaignChoice | None = None
    considered: Considered | None = None


Choice = Slate | Promotion


_FOR_ALL = frozenset({Why.POPULAR, Why.CHOSEN, Why.NEW, Why.IN_SHOP})


def result_of(choice: Choice) -> str:
    """Return what metrics say of a choice: why it fell back, else whether it is for this visitor.

    It is ``personal`` where something of the visitor or of the page led to it, and ``general``
    where everybody is shown the same, as in slates of trending products.
    """
    if choice.fallback is not None:
        return choice.fallback
    if isinstance(choice, Slate):
        is_personal = any(pick.why not in _FOR_ALL for pick in choice.picks)
    else:
        is_personal = choice.is_personal
    return "personal" if is_personal else "general"


class Decision(NamedTuple):
    """What was chosen for each placement; ``fallback`` is why nothing in it is personal."""

    choices: dict[str, Choice]
    fallback: Fallback | None
