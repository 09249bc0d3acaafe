"""Lets the policy that serves run a made-up shop with four banners, beside simpler ways."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from loadtest.made_up_banners import BANNERS, N_BANNERS, BannerShop, Doubles, Visits
from loadtest.many_seeds import run_seeds
from online_models.picking import draw
from online_models.policies import ThompsonPolicy

VISITS_AN_HOUR = 1_000
WINDOW_HOURS = 24  # that weights which are re-set hourly are worked out from
BAR = 0.95
_DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class BannerPlan:
    """How many shops, and how long each phase is."""

    seeds: int = 20
    first_seed: int = 1
    visits_per_phase: int = 50_000


@dataclass(frozen=True, slots=True)
class Ran:
    """Two phases under the policy: the true chance of what was shown, and what was told of it."""

    earned: Doubles  # (2, n)
    told: Doubles  # (2 n, banners): probabilities
    picked: Doubles  # (2 n, banners): 1 where it was picked
    n_drifts: int


def simulate_banners(plan: BannerPlan, done: Callable[[int], None]) -> dict[str, Any]:
    """Return the figures of all shops; ``done`` hears how many are through."""
    seeds = range(plan.first_seed, plan.first_seed + plan.seeds)
    rows = run_seeds(run_shop, seeds, plan.visits_per_phase, done)
    medians = {
        f"{name}_{phase}": float(np.median([row[name][place] for row in rows]))
        for name in ("share_of_best", "hourly_share", "best_single_share", "random_share")
        for place, phase in enumerate(("before_drift", "after_drift"))
    }
    shares = [medians["share_of_best_before_drift"], medians["share_of_best_after_drift"]]
    whole = [row["whole_run"]["policy"] / row["whole_run"]["hourly"] for row in rows]
    return {
        "share_of_best": min(shares),
        "bar": BAR,
        "is_met": min(shares) >= BAR,
        **medians,
        "lowest_share_of_best": min(min(row["share_of_best"]) for row in rows),
        "reward_over_hourly_whole_run": float(np.median(whole)),
        "shops_ahead_of_hourly": sum(ratio > 1.0 for ratio in whole),
        "probability_deviations": _deviations(rows),
        "seeds": plan.seeds,
        "first_seed": plan.first_seed,
        "visits_per_phase": plan.visits_per_phase,
        "each": rows,
    }


def run_shop(seed: int, n: int) -> dict[str, Any]:
    """Return the figures of one shop; shares are of the second half of each phase."""
    shop = BannerShop(seed)
    phases = [shop.visits(n, phase) for phase in (0, 1)]
    ran = run_policy(phases, seed)
    hourly = run_hourly(phases, seed)
    best = [visits.chances[n // 2 :].max(axis=1).mean() for visits in phases]
    means = [visits.chances[n // 2 :].mean(axis=0) for visits in phases]

    def shares(values: list[float]) -> list[float]:
        return [float(value / top) for value, top in zip(values, best, strict=True)]

    gaps = (ran.picked - ran.told).sum(axis=0)
    return {
        "seed": seed,
        "share_of_best": shares([row[n // 2 :].mean() for row in ran.earned]),
        "hourly_share": shares([row[n // 2 :].mean() for row in hourly]),
        "best_single_share": shares([mean.max() for mean in means]),
        "random_share": shares([mean.mean() for mean in means]),
        "whole_run": {"policy": float(ran.earned.mean()), "hourly": float(hourly.mean())},
        "told_shares": ran.told.mean(axis=0).tolist(),
        "picked_shares": ran.picked.mean(axis=0).tolist(),
        "deviations": (gaps / np.sqrt((ran.told * (1.0 - ran.told)).sum(axis=0))).tolist(),
        "n_drifts": ran.n_drifts,
    }


def run_policy(phases: list[Visits], seed: int) -> Ran:
    """Let the policy choose and learn, visit after visit."""
    policy, rng, rewards = ThompsonPolicy(), Random(seed), np.random.default_rng([seed, 5])
    n = len(phases[0].features)
    earned = np.zeros((2, n))
    told, picked = np.zeros((2 * n, N_BANNERS)), np.zeros((2 * n, N_BANNERS))
    for phase, visits in enumerate(phases):
        luck = rewards.random(n)
        for number, features in enumerate(visits.features):
            probabilities = policy.probabilities(features, BANNERS)
            choice = draw(BANNERS, probabilities, rng)  # which is what choose does
            place = BANNERS.index(choice.arm)
            chance = visits.chances[number, place]
            policy.learn_one(features, choice.arm, float(luck[number] < chance), choice.probability)
            earned[phase, number] = chance
            told[phase * n + number] = probabilities
            picked[phase * n + number, place] = 1.0
    return Ran(earned, told, picked, policy.chances.n_drifts)


def run_hourly(phases: list[Visits], seed: int) -> Doubles:
    """Give each banner a weight, set anew each hour: its chance to be the best by the last day."""
    rng, earned = np.random.default_rng([seed, 6]), []
    weights = np.full(N_BANNERS, 1.0 / N_BANNERS)
    counts = np.zeros((0, 2, N_BANNERS))  # by hour: clicks, and impressions without one
    for visits in phases:
        for start in range(0, len(visits.features), VISITS_AN_HOUR):
            chances = visits.chances[start : start + VISITS_AN_HOUR]
            arms = rng.choice(N_BANNERS, len(chances), p=weights)
            shown = chances[np.arange(len(chances)), arms]
            is_clicked = rng.random(len(chances)) < shown
            hour = [np.bincount(arms[is_clicked == said], minlength=N_BANNERS) for said in (1, 0)]
            counts = np.concatenate([counts, [hour]])[-WINDOW_HOURS:]
            clicks, misses = counts.sum(axis=0)
            draws = rng.beta(1.0 + clicks, 1.0 + misses, (_DRAWS, N_BANNERS))
            weights = np.bincount(draws.argmax(axis=1), minlength=N_BANNERS) / _DRAWS
            earned.append(shown)
    return np.concatenate(earned).reshape(2, -1)


def _deviations(rows: list[dict[str, Any]]) -> float:
    """Return how far picks and told probabilities lie apart at most, in standard deviations."""
    return float(np.abs([row["deviations"] for row in rows]).max())
