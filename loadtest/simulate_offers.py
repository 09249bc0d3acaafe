"""Lets the policy that serves make the offers of a made-up shop, and tells what that earned."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from loadtest.made_up_offers import (
    ARMS,
    BUY_ANYWAY,
    CLASSES,
    DISCOUNT,
    DISCOUNT_RATE,
    MARGIN_RATE,
    NO_OFFER,
    ORDER_CHANCES,
    Doubles,
    OfferVisits,
    offer_visits,
)
from loadtest.many_seeds import run_seeds
from online_models.offers import OfferPolicy

BAR, MOST_TO_BUY_ANYWAY = 0.85, 0.15


@dataclass(frozen=True, slots=True)
class OfferPlan:
    """How many shops of how many visits; the figures are of the second half of the visits."""

    seeds: int = 20
    first_seed: int = 1
    visits: int = 100_000


def simulate_offers(plan: OfferPlan, done: Callable[[int], None]) -> dict[str, Any]:
    """Return the figures of all shops; ``done`` hears how many are through."""
    seeds = range(plan.first_seed, plan.first_seed + plan.seeds)
    rows = run_seeds(run_shop, seeds, plan.visits, done)
    names = (
        "share_of_best",
        "share_of_best_given_what_is_seen",
        "discounts_to_buy_anyway",
        "never_offering_share",
        "always_offering_share",
        "fair_share",
    )
    medians = {name: float(np.median([row[name] for row in rows])) for name in names}
    return {
        **medians,
        "bar": BAR,
        "most_to_buy_anyway": MOST_TO_BUY_ANYWAY,
        "is_met": medians["share_of_best"] >= BAR
        and medians["discounts_to_buy_anyway"] <= MOST_TO_BUY_ANYWAY,
        "lowest_share_of_best": min(row["share_of_best"] for row in rows),
        "highest_discounts_to_buy_anyway": max(row["discounts_to_buy_anyway"] for row in rows),
        "seeds": plan.seeds,
        "first_seed": plan.first_seed,
        "visits": plan.visits,
        "each": rows,
    }


def run_shop(seed: int, n: int) -> dict[str, Any]:
    """Return the figures of one shop, of the second half of its visits, holdout included."""
    visits = offer_visits(n, seed)
    arms = run_policy(visits, seed)
    half = slice(n // 2, n)
    margins, arms = visits.margins()[half], arms[half]
    best = float(margins.max(axis=1).mean())
    # Who knows the shop's true chances, but of a visitor only what can be seen.
    fair_arms = visits.guessed_margins()[half].argmax(axis=1)
    fair, earned = _mean_of(margins, fair_arms), _mean_of(margins, arms)
    classes = visits.classes[half]
    offered = {
        name: float((arms[classes == number] == DISCOUNT).mean())
        for number, name in enumerate(CLASSES)
    }
    return {
        "seed": seed,
        "share_of_best": earned / best,
        "share_of_best_given_what_is_seen": earned / fair,
        "fair_share": fair / best,
        "never_offering_share": float(margins[:, NO_OFFER].mean() / best),
        "always_offering_share": float(margins[:, DISCOUNT].mean() / best),
        "discounts_to_buy_anyway": offered[CLASSES[BUY_ANYWAY]],
        "offered": offered,
        "margin_a_visit": earned,
        "best_margin_a_visit": best,
        "offered_to_holdout": int((arms[visits.is_holdout[half]] == DISCOUNT).sum()),
    }


def run_policy(visits: OfferVisits, seed: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Let the policy choose and learn, visit after visit; who is held out never gets an offer."""
    policy, rng, luck = OfferPolicy(), Random(seed), np.random.default_rng([seed, 8])
    n = len(visits.classes)
    draws, arms = luck.random(n), np.zeros(n, np.int64)
    chances, rates = ORDER_CHANCES[visits.classes], (MARGIN_RATE, MARGIN_RATE - DISCOUNT_RATE)
    holdout = visits.is_holdout.tolist()
    for number, features in enumerate(visits.features):
        arm, probability = NO_OFFER, 1.0
        if not holdout[number]:
            picked = policy.choose(features, ARMS, rng)
            arm, probability = ARMS.index(picked.arm), picked.probability
        arms[number] = arm
        is_order = draws[number] < chances[number, arm]
        margin = float(visits.baskets[number] * rates[arm]) if is_order else 0.0
        policy.learn_one(features, ARMS[arm], margin, probability)
    return arms


def _mean_of(margins: Doubles, arms: "np.ndarray[Any, np.dtype[np.int64]]") -> float:
    return float(margins[np.arange(len(arms)), arms].mean())
