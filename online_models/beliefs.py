"""What a policy believes of its arms: weights shared by all arms, and each arm's own, as Gaussians.

A score is linear in features: (shared + own) · x. Posterior means and full covariances of the
parts are updated with each reward by one step of online Laplace (Spiegelhalter, Lauritzen:
"Sequential updating of conditional probabilities on directed graphical structures", 1990); parts
are taken for independent of each other, as AdPredictor takes its weights (Graepel et al., ICML
2010), which here holds within a part, too: covariances are full. Nothing here knows rewards.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import compiled

Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]

SHARED, UNSEEN = 0, 1  # rows; of arms that nothing is known of, and the first row of an arm
FIRST_ARM = 2
_STEPS = np.arange(-15, 16) * 0.25  # standard deviations
_WEIGHTS = np.exp(-0.5 * _STEPS**2) / np.exp(-0.5 * _STEPS**2).sum()
_SURE = 4.0  # standard deviations beyond which an arm is no rival


class Beliefs:
    """Means and covariances by row; the first feature is the constant 1.

    ``priors`` are variances before anything is known: of the shared constant, of other shared
    weights, of an arm's constant, of its other weights. ``start`` is the mean of the shared
    constant.
    """

    def __init__(
        self, n_features: int, priors: tuple[float, float, float, float], start: float
    ) -> None:
        shared_constant, shared_weight, own_constant, own_weight = priors
        self.prior_shared = np.full(n_features, shared_weight)
        self.prior_own = np.full(n_features, own_weight)
        self.prior_shared[0], self.prior_own[0] = shared_constant, own_constant
        self.means: Doubles = np.zeros((FIRST_ARM, n_features))
        self.means[SHARED, 0] = start
        self.covariances: Doubles = np.stack([np.diag(self.prior_shared), np.diag(self.prior_own)])

    def add_arm(self) -> int:
        """Make room for an arm; return its row."""
        self.means = np.concatenate([self.means, self.means[UNSEEN, None]])
        self.covariances = np.concatenate([self.covariances, self.covariances[UNSEEN, None]])
        return len(self.means) - 1

    def forget_arm(self, row: int) -> None:
        """Make an arm's row one of which nothing is known."""
        self.means[row] = self.means[UNSEEN]
        self.covariances[row] = self.covariances[UNSEEN]

    def fade(self, row: int, keep: float) -> None:
        """Keep a share of what a row's certainty has beyond the prior; means stay as they are."""
        prior = self.prior_shared if row == SHARED else self.prior_own
        certainty = np.linalg.inv(self.covariances[row])
        certainty *= keep
        certainty[np.diag_indices(len(prior))] += (1.0 - keep) / prior
        wider = np.linalg.inv(certainty)
        self.covariances[row] = 0.5 * (wider + wider.T)

    def to_arrays(self) -> tuple[bytes, bytes]:
        """Return means, and the upper halves of covariances."""
        upper = np.triu_indices(self.means.shape[1])
        return self.means.tobytes(), self.covariances[:, upper[0], upper[1]].tobytes()

    def take_arrays(self, means: bytes, covariances: bytes) -> None:
        """Take what ``to_arrays`` gave.

        Raises:
            ValueError: these are no beliefs of so many features.
        """
        n = self.means.shape[1]
        upper = np.triu_indices(n)
        self.means = np.frombuffer(means).reshape(-1, n).copy()
        halves = np.frombuffer(covariances).reshape(len(self.means), len(upper[0]))
        if len(self.means) < FIRST_ARM or not (
            np.isfinite(self.means).all() and np.isfinite(halves).all()
        ):
            raise ValueError("beliefs are broken")
        self.covariances = np.zeros((len(self.means), n, n))
        self.covariances[:, upper[0], upper[1]] = halves
        self.covariances[:, upper[1], upper[0]] = halves


@compiled
def tidy(x: Doubles, most: float) -> None:
    """Bring each number within bounds, in place; what is none becomes 0."""
    for i in range(x.shape[0]):
        x[i] = min(max(x[i], -most), most) if x[i] == x[i] else 0.0


@compiled
def look(means: Doubles, covariances: Doubles, rows: Rows, x: Doubles, out: Doubles) -> None:
    """Write down mean (``out[0]``) and variance (``out[1]``) of each row's part of the score."""
    n = x.shape[0]
    for place in range(rows.shape[0]):
        row = rows[place]
        mean, variance = 0.0, 0.0
        for i in range(n):
            if x[i] == 0.0:
                continue
            mean += means[row, i] * x[i]
            line, inner = covariances[row, i], 0.0
            for j in range(n):
                inner += line[j] * x[j]
            variance += x[i] * inner
        out[0, place] = mean
        out[1, place] = max(variance, 0.0)


@compiled
def absorb(
    means: Doubles, covariances: Doubles, row: int, x: Doubles, slope: float, information: float
) -> None:
    """Move a row's and the shared part along the slope of the log likelihood at ``x``.

    ``slope`` is its first derivative by the score, ``information`` minus its second.
    """
    n = x.shape[0]
    reach = np.zeros((2, n))
    parts = (SHARED, row)
    variance = 0.0
    for k in range(2):
        for i in range(n):
            if x[i] != 0.0:
                line = covariances[parts[k], i]
                for j in range(n):
                    reach[k, j] += line[j] * x[i]
        for i in range(n):
            variance += reach[k, i] * x[i]
    damped = 1.0 / (1.0 + information * variance)
    root = np.sqrt(information * damped)  # of the factor, so that rounding keeps the symmetry
    for k in range(2):
        mean, covariance = means[parts[k]], covariances[parts[k]]
        for i in range(n):
            mean[i] += slope * damped * reach[k, i]
            reach[k, i] *= root
        for i in range(n):
            for j in range(n):
                covariance[i, j] -= reach[k, i] * reach[k, j]


@compiled
def chances_of_best(means: Doubles, variances: Doubles, steps: Doubles, weights: Doubles,
                    chances: Doubles) -> None:  # fmt: skip
    """Write down with which chance each of independent Gaussians is the largest."""
    n = means.shape[0]
    least, total = -np.inf, 0.0
    for a in range(n):
        least = max(least, means[a] - _SURE * np.sqrt(variances[a]))
    for a in range(n):
        chances[a] = 0.0
        spread = np.sqrt(variances[a]) + 1e-9
        if means[a] + _SURE * spread < least:
            continue
        for s in range(steps.shape[0]):
            value, chance = means[a] + spread * steps[s], weights[s]
            for b in range(n):
                if b != a and chance > 1e-12:
                    chance *= _normal((value - means[b]) / (np.sqrt(variances[b]) + 1e-9))
            chances[a] += chance
        total += chances[a]
    for a in range(n):
        chances[a] = chances[a] / total if total > 0.0 else 1.0 / n


@compiled
def _normal(z: float) -> float:
    """Return the normal distribution's share below z, within 0.0002 (Page, Appl. Stat. 1977)."""
    return 1.0 / (1.0 + np.exp(-1.5976 * z - 0.070566 * z * z * z))


def shares_of_best(scores: Doubles) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return the chances with which each of Gaussians, means and variances, is the largest."""
    chances = np.empty(scores.shape[1])
    chances_of_best(scores[0], scores[1], _STEPS, _WEIGHTS, chances)
    return chances
