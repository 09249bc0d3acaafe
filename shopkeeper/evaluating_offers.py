"""Values the offers that a policy would have made, on a logged experiment, in one pass."""

from math import sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from config.errors import ShopkeeperError
from loadtest.machine import bare_machine
from online_models.offers import OfferPolicy
from online_models.policies import ThompsonPolicy
from shopkeeper.load_reports import progress
from shopkeeper.offer_files import ARMS, DRAWN, FEATURES, MENS, Customer, read_customers

OfferGoal = Literal["visit", "spend"]


def evaluate_offers(path: Path, goal: OfferGoal) -> dict[str, Any]:
    """Return visits and spend per customer of the policy's choices on the second half.

    The policy says for a customer with which chance it would send what, and learns what came of
    what was sent only then. A customer counts with the inverse of the chance of what was sent,
    times the chance that the policy would have sent it (inverse propensity; Horvitz, Thompson,
    1952).

    Raises:
        ShopkeeperError: the file cannot be read, or holds too little.
    """
    customers = list(read_customers(path))
    n = len(customers)
    if n < 2:
        raise ShopkeeperError(f"{path}: holds {n} customers; two halves are needed")
    policy = ThompsonPolicy(len(FEATURES)) if goal == "visit" else OfferPolicy(len(FEATURES))
    told = np.zeros((n, len(ARMS)))
    with progress("customers", n, "customers") as show:
        for number, customer in enumerate(customers):
            told[number] = policy.probabilities(customer.features, ARMS)
            reward = customer.visit if goal == "visit" else customer.spend
            policy.learn_one(customer.features, customer.arm, reward, DRAWN)
            show(number + 1)
    half = n // 2
    return {
        **_valued("visits", [one.visit for one in customers[half:]], customers[half:], told[half:]),
        **_valued("spend", [one.spend for one in customers[half:]], customers[half:], told[half:]),
        "chosen": {
            arm: float(share) for arm, share in zip(ARMS, told[half:].mean(axis=0), strict=True)
        },
        "goal": goal,
        "n_customers": n,
        "n_valued": n - half,
        "n_drifts": policy.chances.n_drifts,
        "machine": bare_machine(),
    }


def _valued(
    name: str, outcomes: list[float], customers: list[Customer], told: "np.ndarray[Any, Any]"
) -> dict[str, float]:
    sent = np.array([ARMS.index(one.arm) for one in customers])
    values = np.array(outcomes) / DRAWN
    ours = values * told[np.arange(len(sent)), sent]
    mens = values * (sent == ARMS.index(MENS))
    return {
        f"{name}_per_customer": float(ours.mean()),
        f"{name}_mens_to_all": float(mens.mean()),
        f"{name}_standard_error": float(ours.std(ddof=1) / sqrt(len(ours))),
        f"{name}_ahead_of_mens": float((ours - mens).mean()),
        f"{name}_ahead_standard_error": float((ours - mens).std(ddof=1) / sqrt(len(ours))),
    }
