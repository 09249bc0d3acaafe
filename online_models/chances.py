"""How likely each arm brings its reward (a click, an order): learned per event, with certainty.

Bayesian logistic regression over a part that all arms share and a part of each arm
(``beliefs.py``). What was learned fades, whichever arm is chosen, so that one that was passed over
is tried again; where a drift is noticed (``drifting.py``), the policy keeps what few rewards would
have taught, and goes on from there.
"""

from collections.abc import Sequence
from math import pi, sqrt
from typing import Self

import msgspec
import numpy as np

from config.errors import ShopkeeperError
from online_models.arms import MAX_NAME, Arm, Arms, KeptArm
from online_models.beliefs import FIRST_ARM, SHARED, Beliefs, Doubles, Rows, absorb, look, tidy
from online_models.calibration import chance_of

PRIORS = (4.0, 0.25, 0.5, 0.1)
START = -2.0  # a chance of 12 %: rather above what banners bring than below
HALF_LIFE = 60_000.0  # rewards of the policy after which half of the certainty is left
FADE_EVERY = 1_000  # rewards
KEPT_AT_DRIFT = 200.0  # rewards whose worth of certainty is left
MAX_FEATURE = 8.0
_LEAST_INFORMATION = 1e-4

Features = Sequence[float] | Doubles


class UnfitExample(ShopkeeperError):
    """What is to be learned cannot be: a number that is none, or another number of features."""


def checked(features: Features, n_features: int) -> Doubles:
    """Return features as a model takes them: the constant 1 first, none beyond ±8, NaN as 0.

    Raises:
        UnfitExample: these are not so many numbers.
    """
    if len(features) != n_features:
        raise UnfitExample(f"{len(features)} features; {n_features} are needed")
    x = np.empty(n_features + 1)
    x[0] = 1.0
    x[1:] = features
    tidy(x, MAX_FEATURE)
    return x


def mean_chance(mean: float, variance: float) -> float:
    """Return the mean chance of a score's Gaussian (MacKay, Neural Computation 1992).

    >>> round(mean_chance(-2.0, 0.0), 4)
    0.1192
    """
    score = mean / sqrt(1.0 + pi * variance / 8.0)
    return chance_of(min(max(score, -30.0), 30.0))


class KeptChances(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is written of chances."""

    n_features: int
    means: bytes
    covariances: bytes
    arms: list[KeptArm]
    n_learned: int
    n_shared: float
    n_drifts: int


class Chances:
    """What is believed of the chances of arms."""

    def __init__(self, n_features: int) -> None:
        self.beliefs = Beliefs(n_features + 1, PRIORS, START)
        self.arms = Arms()
        self.n_learned = 0
        self.n_shared = 0.0
        self.n_drifts = 0

    def rows(self, names: list[str]) -> Rows:
        """Return the rows of arms, and that of the shared part after them."""
        return np.array([*(self.arms.row(name) for name in names), SHARED])

    def scores(self, x: Doubles, rows: Rows) -> Doubles:
        """Return mean and variance of each row's part of the score, one above the other."""
        out = np.empty((2, len(rows)))
        look(self.beliefs.means, self.beliefs.covariances, rows, x, out)
        return out

    def chance(self, features: Features, name: str) -> float:
        """Return the chance that an arm brings its reward; one that was not met is as any new one.

        Raises:
            UnfitExample: there are not as many features as there should be.
        """
        x = checked(features, self.beliefs.means.shape[1] - 1)
        parts = self.scores(x, self.rows([name]))
        return mean_chance(float(parts[0].sum()), float(parts[1].sum()))

    def arm_of(self, name: str) -> Arm:
        """Return an arm, which is new where it was not met.

        Raises:
            UnfitExample: its name is too long.
        """
        arm = self.arms.by_name.get(name)
        return self._new_arm(name) if arm is None else arm

    def learn(self, x: Doubles, name: str, reward: float) -> float:
        """Learn an arm's reward (0 to 1); return which share of all certainty it left, mostly 1."""
        arm, beliefs = self.arm_of(name), self.beliefs
        parts = self.scores(x, np.array([arm.row, SHARED]))
        score, variance = float(parts[0].sum()), float(parts[1].sum())
        chance = mean_chance(score, variance)
        information = max(chance * (1.0 - chance), _LEAST_INFORMATION)
        slope = reward - chance
        absorb(beliefs.means, beliefs.covariances, arm.row, x, slope, information)
        self.n_learned += 1
        self.n_shared += 1.0
        arm.n_learned += 1.0
        arm.learned_at = self.n_learned
        if arm.watch.notice(score, slope / sqrt(information)):
            self._doubt()
        if self.n_learned % FADE_EVERY:
            return 1.0
        keep: float = 0.5 ** (FADE_EVERY / HALF_LIFE)
        self.fade(keep)
        return keep

    def fade(self, keep: float) -> None:
        """Keep a share of all certainty."""
        self.beliefs.fade(SHARED, keep)
        self.n_shared *= keep
        for arm in self.arms.by_name.values():
            self.beliefs.fade(arm.row, keep)
            arm.n_learned *= keep

    def keep(self) -> KeptChances:
        """Return what is to be written."""
        means, covariances = self.beliefs.to_arrays()
        return KeptChances(
            n_features=self.beliefs.means.shape[1] - 1,
            means=means,
            covariances=covariances,
            arms=self.arms.keep(),
            n_learned=self.n_learned,
            n_shared=self.n_shared,
            n_drifts=self.n_drifts,
        )

    @classmethod
    def of(cls, kept: KeptChances) -> Self:
        """Return the chances that were written.

        Raises:
            ValueError: these are none.
        """
        chances = cls(kept.n_features)
        chances.beliefs.take_arrays(kept.means, kept.covariances)
        chances.arms.take(kept.arms)
        if len(kept.arms) + FIRST_ARM != len(chances.beliefs.means):
            raise ValueError(f"{len(kept.arms)} arms, but other rows")
        chances.n_learned = kept.n_learned
        chances.n_shared = kept.n_shared
        chances.n_drifts = kept.n_drifts
        return chances

    def _doubt(self) -> None:
        """Answer a drift: of all arms, since of those passed over nobody can say."""
        self.n_drifts += 1
        n_arms = max(len(self.arms.by_name), 1)
        self.beliefs.fade(SHARED, _kept(self.n_shared, KEPT_AT_DRIFT * n_arms))
        self.n_shared = min(self.n_shared, KEPT_AT_DRIFT * n_arms)
        for arm in self.arms.by_name.values():
            # What sets an arm apart is wrong now; what all share, such as the level, less so.
            self.beliefs.means[arm.row] = 0.0
            self.beliefs.fade(arm.row, _kept(arm.n_learned, KEPT_AT_DRIFT))
            arm.n_learned = min(arm.n_learned, KEPT_AT_DRIFT)
            arm.watch = type(arm.watch)()

    def _new_arm(self, name: str) -> Arm:
        if len(name) > MAX_NAME:
            raise UnfitExample(f"the name of an arm has {len(name)} characters, {MAX_NAME} at most")
        unused = self.arms.longest_unused()
        if unused is None:
            row = self.beliefs.add_arm()
        else:
            row = self.arms.by_name.pop(unused).row
            self.beliefs.forget_arm(row)
        arm = self.arms.by_name[name] = Arm(row)
        return arm


def _kept(n_learned: float, n_kept: float) -> float:
    return min(n_kept / n_learned, 1.0) if n_learned > 0 else 1.0
