"""What another policy would have earned, worked out from what one policy chose and what came of it.

Each logged choice has the chance with which it was made. Estimators: inverse propensity weighting
(Horvitz, Thompson, 1952), self-normalised (Swaminathan, Joachims, NIPS 2015), the direct method
(a model of rewards alone), and doubly robust (Dudík, Langford, Li, ICML 2011), whose model of
rewards (``reward_model.py``) never saw the row it speaks of. Intervals are percentiles of a
bootstrap that takes this model for given, so they are too narrow for the direct method.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.errors import ShopkeeperError
from online_models.reward_model import cross_fitted

N_RESAMPLES = 1_000
LEVEL = 0.95
_MOST_GROUPS = 10_000  # that are drawn from; of a longer log rows are put together by chance

Doubles = NDArray[np.float64]
Places = NDArray[np.int64]


class BrokenLog(ShopkeeperError):
    """Nothing can be worked out from these choices."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen, with which chance, and what it brought; a row each.

    ``arms`` are numbers from 0 to ``n_arms`` - 1, ``features`` what the choice was made by.
    """

    arms: Places
    chances: Doubles
    rewards: Doubles
    features: Doubles  # (row, feature)
    n_arms: int

    def __post_init__(self) -> None:
        if not len(self.arms):
            raise BrokenLog("no choice is logged")
        if not (np.isfinite(self.rewards).all() and np.isfinite(self.features).all()):
            raise BrokenLog("a reward or a feature is not finite")
        if not ((self.chances > 0.0) & (self.chances <= 1.0)).all():
            raise BrokenLog("the chance of a logged choice must be above 0 and at most 1")
        if self.arms.min() < 0 or self.arms.max() >= self.n_arms:
            raise BrokenLog(f"an arm is not among the {self.n_arms}")


class Estimate(NamedTuple):
    """A value a choice, with the interval that a bootstrap gives it."""

    value: float
    low: float
    high: float


class Estimates(NamedTuple):
    """The value of a policy by each estimator, and how far the log carries it.

    ``effective_choices`` is how many choices of the policy itself would tell as much (Kish, 1965);
    ``unsupported`` the share of the policy's choices whose arm was never logged, of which only the
    model of rewards says anything.
    """

    ipw: Estimate
    self_normalised_ipw: Estimate
    direct_method: Estimate
    doubly_robust: Estimate
    effective_choices: float
    largest_weight: float
    unsupported: float


class Valuer:
    """Values policies on a log; what rewards its choices would have brought is foreseen once.

    ``known`` are mean rewards of arms that are known from elsewhere, by the arm's number.
    """

    def __init__(
        self, choices: Choices, seed: int, known: Mapping[int, float] | None = None
    ) -> None:
        self.choices = choices
        self._seed = seed
        self._foreseen = cross_fitted(
            choices.arms, choices.rewards, choices.features, choices.n_arms, seed
        )
        self._is_told = np.bincount(choices.arms, minlength=choices.n_arms) > 0
        for arm, reward in (known or {}).items():
            if not self._is_told[arm]:
                self._foreseen[:, arm] = reward
                self._is_told[arm] = True

    def value(self, target: Doubles) -> Estimates:
        """Return what a policy would have earned a choice.

        ``target`` are the chances with which it picks each arm, a row for each logged choice.

        Raises:
            BrokenLog: the chances are not those of one pick in each row.
        """
        parts = self._parts(target)
        n_rows, weights = len(parts), parts[:, 1]
        resampled = _values(_resampled(parts, self._seed), n_rows)
        ends = _values(parts.sum(axis=0), n_rows), *_interval(resampled)
        squares = float((weights**2).sum())
        ipw, normalised, direct_method, doubly_robust = (
            Estimate(*map(float, each)) for each in zip(*ends, strict=True)
        )
        return Estimates(
            ipw,
            normalised,
            direct_method,
            doubly_robust,
            effective_choices=float(weights.sum() ** 2 / squares) if squares else 0.0,
            largest_weight=float(weights.max()),
            unsupported=float(target[:, ~self._is_told].sum() / n_rows),
        )

    def gain(self, target: Doubles) -> Estimate:
        """Return by how much more, a choice, a policy would have earned than was: doubly robust.

        Raises:
            BrokenLog: as ``value``.
        """
        return mean_reward(self._parts(target)[:, 3] - self.choices.rewards, self._seed)

    def value_logged(self) -> Estimate:
        """Return what the policy that logged the choices earned a choice."""
        return mean_reward(self.choices.rewards, self._seed)

    def _parts(self, target: Doubles) -> Doubles:
        """Return what each row adds to the estimates: weighed reward, weight, direct, robust."""
        choices, rows = self.choices, np.arange(len(self.choices.arms))
        _check_target(target, (len(rows), choices.n_arms))
        weights = target[rows, choices.arms] / choices.chances
        direct = (target * self._foreseen).sum(axis=1)
        errors = choices.rewards - self._foreseen[rows, choices.arms]
        return np.stack(
            [weights * choices.rewards, weights, direct, direct + weights * errors], axis=1
        )


def mean_reward(rewards: Doubles, seed: int) -> Estimate:
    """Return the mean of rewards."""
    low, high = _interval(_resampled(rewards[:, np.newaxis], seed)[:, 0] / len(rewards))
    return Estimate(float(rewards.mean()), float(low), float(high))


def _check_target(target: Doubles, shape: tuple[int, int]) -> None:
    if target.shape != shape:
        raise BrokenLog(f"the policy's chances are of shape {target.shape}; {shape} is needed")
    if not (np.isfinite(target).all() and target.min() >= 0.0):
        raise BrokenLog("a chance of the policy is negative or not finite")
    if np.abs(target.sum(axis=1) - 1.0).max() > 1e-6:
        raise BrokenLog("the policy's chances of a choice do not sum to 1")


def _values(sums: Doubles, n_rows: int) -> Doubles:
    """Return the four estimates of sums over rows, the last axis."""
    values = sums / n_rows
    with np.errstate(divide="ignore", invalid="ignore"):
        normalised = np.where(sums[..., 1] > 0.0, sums[..., 0] / sums[..., 1], 0.0)
    values[..., 1] = normalised
    return values


def _interval(resampled: Doubles) -> Doubles:
    """Return the lower and the upper ends of what was resampled, along the first axis."""
    tail = (1.0 - LEVEL) / 2.0
    ends: Doubles = np.quantile(resampled, (tail, 1.0 - tail), axis=0)
    return ends


def _resampled(parts: Doubles, seed: int) -> Doubles:
    """Return the sums of each column over rows drawn anew: (resample, column)."""
    rng, n_rows = np.random.default_rng(seed), len(parts)
    n_groups = min(n_rows, _MOST_GROUPS)
    groups = rng.permutation(n_rows) % n_groups
    sums = np.stack([np.bincount(groups, part, n_groups) for part in parts.T], axis=1)
    return np.array(
        [sums[rng.integers(n_groups, size=n_groups)].sum(axis=0) for _ in range(N_RESAMPLES)]
    )
