"""Foresees rewards by arm and features, for off-policy estimates; a row by what never saw it.

A line in the features that all arms share, and one of each arm's own that is drawn towards it
(ridge): as strongly as arms are alike in it. How alike they are is told by the rewards themselves,
by moments, one weight at a time (Searle, Casella, McCulloch: "Variance Components", 1992).
"""

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 3
N_SPLITS = 5  # into folds; what they foresee is averaged, so that no split decides
_SHARED_RIDGE = 10.0
_LEAST_RIDGE, _MOST_RIDGE = 1.0, 1e6

Doubles = NDArray[np.float64]
Places = NDArray[np.int64]


def cross_fitted(
    arms: Places, rewards: Doubles, features: Doubles, n_arms: int, seed: int
) -> Doubles:
    """Return the reward that is foreseen of each row and arm, from the rows of other folds."""
    rng, n_rows = np.random.default_rng(seed), len(arms)
    lines = _with_constant(features)
    foreseen = np.zeros((n_rows, n_arms))
    n_folds = min(N_FOLDS, n_rows)
    for _ in range(N_SPLITS):
        folds = rng.permutation(n_rows) % n_folds
        for fold in range(n_folds):
            out, kept = folds == fold, folds != fold
            weights = fitted(arms[kept], rewards[kept], lines[kept], n_arms)
            foreseen[out] += lines[out] @ weights.T
    return foreseen / N_SPLITS


def fitted(arms: Places, rewards: Doubles, lines: Doubles, n_arms: int) -> Doubles:
    """Return the weights of each arm: the shared ones and its own. ``lines`` begin with 1."""
    n_weights = lines.shape[1]
    if not len(arms):
        return np.zeros((n_arms, n_weights))
    mean = rewards.mean()
    ridge = np.full(n_weights, _SHARED_RIDGE)
    ridge[0] = 1e-9
    shared = np.linalg.solve(lines.T @ lines + np.diag(ridge), lines.T @ (rewards - mean))
    errors = rewards - mean - lines @ shared
    shared[0] += mean
    weights = np.tile(shared, (n_arms, 1))
    own = np.diag(ridges_of_arms(arms, errors, lines, n_arms))
    for arm in range(n_arms):
        mine = lines[arms == arm]
        weights[arm] += np.linalg.solve(mine.T @ mine + own, mine.T @ errors[arms == arm])
    return weights


def ridges_of_arms(arms: Places, errors: Doubles, lines: Doubles, n_arms: int) -> Doubles:
    """Return, for each weight, the variance within arms over that between arms' weights.

    >>> arms, lines = np.array([0, 1] * 50), np.ones((100, 1))
    >>> ridges_of_arms(arms, np.array([1.0, 1.0, -1.0, -1.0] * 25), lines, 2)
    array([1000000.])
    >>> ridges_of_arms(arms, np.array([1.0, -1.0, 1.1, -1.1] * 25), lines, 2)
    array([1.])
    """
    squares = np.zeros((n_arms, lines.shape[1]))
    products = np.zeros_like(squares)
    np.add.at(squares, arms, lines**2)
    np.add.at(products, arms, lines * errors[:, None])
    n_logged = len(np.unique(arms))
    within = float(errors.var())
    # Of arms that do not differ, each weight alone explains the variance once.
    explained = np.divide(products**2, squares, where=squares > 0, out=np.zeros_like(squares))
    excess = explained.sum(axis=0) - (n_logged - 1) * within
    whole = squares.sum(axis=0)
    room = whole - np.divide((squares**2).sum(axis=0), whole, where=whole > 0, out=whole.copy())
    between = np.divide(excess, room, where=room > 0, out=np.zeros_like(room))
    ridges = np.full_like(between, _MOST_RIDGE)
    np.divide(within, between, where=between > 0, out=ridges)
    bounded: Doubles = np.clip(ridges, _LEAST_RIDGE, _MOST_RIDGE)
    return bounded


def _with_constant(features: Doubles) -> Doubles:
    """Return the features at one scale each, and 1 before them; constant ones become 0."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return np.concatenate([np.ones((len(features), 1)), scaled], axis=1)
