"""A made-up shop's experiment: visitors of two variations, and the chances that are true there."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from online_models.experiment_sums import ExperimentSums

CLICK_RATE = 0.12
ORDER_RATE_OF_CLICKERS = 0.20  # of those who clicked; with the next one 5 % of all order
ORDER_RATE_OF_OTHERS = 0.0295
SECOND_ORDER_RATE = 0.08  # of those who ordered, also after their second order
BASKET_LOG_MEAN, BASKET_LOG_DEVIATION = 3.8, 0.9  # lognormal, mean 67, a long tail
MARGIN_RATE_LOW, MARGIN_RATE_HIGH = -0.10, 0.70  # of a visitor's revenue: some sales lose money

CONTROL, NEW = "control", "new"


class Looks(NamedTuple):
    """How many visitors come, and after how many each somebody looks."""

    n_visitors: int
    every: int


def sums_at_looks(looks: Looks, lift: float, seed: int) -> Iterator[dict[str, ExperimentSums]]:
    """Yield the sums of both variations, as they stand at each look.

    ``lift`` is the share by which orders are more frequent in the new variation; 0 is an A/A test.
    """
    n, rng = looks.n_visitors // looks.every * looks.every, np.random.default_rng(seed)
    is_new = rng.random(n) < 0.5
    clicked = rng.random(n) < CLICK_RATE
    rate = np.where(clicked, ORDER_RATE_OF_CLICKERS, ORDER_RATE_OF_OTHERS)
    ordered = np.flatnonzero(rng.random(n) < rate * np.where(is_new, 1 + lift, 1.0))
    orders, revenue, margin = np.zeros((3, n))
    orders[ordered] = rng.geometric(1 - SECOND_ORDER_RATE, ordered.size)
    baskets = rng.lognormal(BASKET_LOG_MEAN, BASKET_LOG_DEVIATION, ordered.size)
    revenue[ordered] = orders[ordered] * baskets
    rates = rng.uniform(MARGIN_RATE_LOW, MARGIN_RATE_HIGH, ordered.size)
    margin[ordered] = revenue[ordered] * rates
    figures = np.stack(
        [np.ones(n), clicked, orders > 0, orders, revenue, revenue**2, margin, margin**2]
    )
    by_look = figures.reshape(len(figures), -1, looks.every)
    in_new = is_new.reshape(-1, looks.every)
    new = np.einsum("fle,le->lf", by_look, in_new).cumsum(axis=0)
    control = np.einsum("fle,le->lf", by_look, ~in_new).cumsum(axis=0)
    for of_control, of_new in zip(control.tolist(), new.tolist(), strict=True):
        yield {CONTROL: _sums(of_control), NEW: _sums(of_new)}


def _sums(figures: list[float]) -> ExperimentSums:
    visitors, clicked, converted, orders, *amounts = figures
    return ExperimentSums(1, 1, int(visitors), int(clicked), int(converted), int(orders), *amounts)
