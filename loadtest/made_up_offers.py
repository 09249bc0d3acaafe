"""A seeded shop at exit intent: who buys anyway, who would with a discount, and who never does.

The true chances stand here and nowhere else. Which class a visitor belongs to nobody sees;
policies know of them what they know of real ones (``online_models/contexts.py``), which follows
from the class and from a lot of chance. Visitors come again: their class stays, what they do
differs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from online_models.contexts import CONTEXT_NAMES, N_CONTEXT

Doubles = NDArray[np.float64]

NO_OFFER, DISCOUNT = 0, 1  # columns of chances and margins
ARMS = ("", "stay/fifteen-percent")
CLASSES = ("buy_anyway", "persuadable", "never")
BUY_ANYWAY, PERSUADABLE, NEVER = range(3)
CLASS_SHARES = (0.25, 0.25, 0.50)
ORDER_CHANCES = np.array([[0.45, 0.46], [0.04, 0.32], [0.004, 0.005]])  # by class; without, with
MARGIN_RATE = 0.35  # of revenue
DISCOUNT_RATE = 0.15  # of revenue
MEAN_BASKET, BASKET_SPREAD = 80.0, 0.5  # currency; standard deviation of its logarithm
HOLDOUT_RATE = 0.05  # of visitors

# What is seen of a class: the mean of each number, and its standard deviation within a class.
_SEEN = {
    "session_carts": ((0.95, 0.75, 0.12), 0.50),
    "session_stage": ((0.55, 0.20, 0.05), 0.30),
    "session_minutes": ((0.75, 0.95, 0.40), 0.43),
    "session_views": ((0.80, 1.20, 0.60), 0.55),
    "orders_total": ((0.60, 0.15, 0.10), 0.42),
    "views_month": ((0.60, 0.90, 0.40), 0.47),
    "price_focus": ((0.40, 0.70, 0.45), 0.24),
    "cart_value": ((0.85, 0.75, 0.20), 0.43),
}
_COLUMN = {name: number for number, name in enumerate(CONTEXT_NAMES)}
_COLUMNS = [_COLUMN[name] for name in _SEEN]
_MEANS = np.array([means for means, _ in _SEEN.values()]).T  # (class, number)
_SPREADS = np.array([spread for _, spread in _SEEN.values()])


@dataclass(frozen=True, slots=True)
class OfferVisits:
    """Visits in their order, with what is hidden: class, chances and margins by arm."""

    features: Doubles  # (n, features)
    classes: NDArray[np.int64]
    is_holdout: NDArray[np.bool_]
    baskets: Doubles  # revenue of the order, if there is one, before the discount
    guessed: Doubles  # (n, classes): chance of each class, given what is seen

    def margins(self) -> Doubles:
        """Return the mean margin by arm of who belongs to the visitor's class."""
        margins: Doubles = ORDER_CHANCES[self.classes] * margins_of_orders()
        return margins

    def guessed_margins(self) -> Doubles:
        """Return the mean margin by arm, given what is seen of the visitor and no more."""
        margins: Doubles = (self.guessed @ ORDER_CHANCES) * margins_of_orders()
        return margins


def margins_of_orders() -> Doubles:
    """Return the mean margin of an order by arm."""
    return MEAN_BASKET * np.array([MARGIN_RATE, MARGIN_RATE - DISCOUNT_RATE])


def offer_visits(n: int, seed: int) -> OfferVisits:
    """Return the visits of a shop of this seed; each visitor comes three times on average."""
    rng = np.random.default_rng([seed, 7])
    n_visitors = max(n // 3, 1)
    class_of = rng.choice(3, n_visitors, p=CLASS_SHARES)
    holdout = rng.random(n_visitors) < HOLDOUT_RATE
    who = rng.integers(n_visitors, size=n)
    classes = class_of[who]
    seen = rng.normal(_MEANS[classes], _SPREADS)
    told = np.zeros((n, N_CONTEXT))
    told[:, _COLUMNS] = seen
    told[:, _COLUMN["mobile"]] = rng.random(n) < 0.5
    told[:, _COLUMN["trigger_exit"]] = 1.0
    told[:, _COLUMN["seen_recency_hour"]] = 1.0
    told[:, _COLUMN["session_pages"]] = rng.exponential(0.6, n)
    baskets = MEAN_BASKET * np.exp(rng.normal(-(BASKET_SPREAD**2) / 2, BASKET_SPREAD, n))
    return OfferVisits(told, classes, holdout[who], baskets, _guesses(seen))


def _guesses(seen: Doubles) -> Doubles:
    off = (seen[:, None, :] - _MEANS) / _SPREADS
    logs = np.log(CLASS_SHARES) - 0.5 * (off**2).sum(axis=2)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares: Doubles = chances / chances.sum(axis=1, keepdims=True)
    return shares
