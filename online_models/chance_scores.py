"""How good chances of yes or no are, once it is known what came of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

N_BINS = 10  # of chances, equally wide

Numbers = NDArray[np.float64]


def chance_scores(outcomes: Sequence[bool], chances: Sequence[float]) -> dict[str, float]:
    """Return all scores by name.

    Raises:
        ValueError: there is none of one of the outcomes, so that nothing can be ranked.

    >>> chance_scores([True, False], [0.9, 0.1])["auc"]
    1.0
    """
    is_true, given = np.array(outcomes, bool), np.array(chances, np.float64)
    if is_true.all() or not is_true.any():
        raise ValueError("both outcomes are needed, there is only one")
    return {
        "auc": area_under_curve(is_true, given),
        "average_precision": average_precision(is_true, given),
        "expected_calibration_error": expected_calibration_error(is_true, given),
        "log_loss": log_loss(is_true, given),
    }


def area_under_curve(outcomes: NDArray[np.bool_], chances: Numbers) -> float:
    """Return how often a yes is above a no; a tie counts half (Hanley, McNeil, 1982)."""
    _, places, counts = np.unique(chances, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[places]
    n_true = int(outcomes.sum())
    above = ranks[outcomes].sum() - n_true * (n_true + 1) / 2
    return float(above / (n_true * (len(outcomes) - n_true)))


def average_precision(outcomes: NDArray[np.bool_], chances: Numbers) -> float:
    """Return the mean precision over the yeses, without interpolation; ties count together."""
    order = np.argsort(-chances, kind="stable")
    n_found = np.cumsum(outcomes[order])
    ends = np.append(np.flatnonzero(np.diff(chances[order])), len(chances) - 1)
    gained = np.diff(n_found[ends], prepend=0)
    return float((gained * n_found[ends] / (ends + 1)).sum() / n_found[-1])


def expected_calibration_error(outcomes: NDArray[np.bool_], chances: Numbers) -> float:
    """Return by how much chances differ from what came, in ten bins (Naeini et al., AAAI 2015)."""
    bins = np.minimum((chances * N_BINS).astype(np.int64), N_BINS - 1)
    differences = np.bincount(bins, chances - outcomes, N_BINS)
    return float(np.abs(differences).sum() / len(chances))


def log_loss(outcomes: NDArray[np.bool_], chances: Numbers) -> float:
    """Return the mean of -log(chance of what came), in nats."""
    given = np.clip(np.where(outcomes, chances, 1.0 - chances), 1e-15, 1.0)
    return float(-np.log(given).mean())


def stratified_folds(outcomes: Sequence[bool], n_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each example: every fold has its share of both outcomes, by chance.

    >>> folds = stratified_folds([True] * 4 + [False] * 6, 2, seed=0)
    >>> (folds[:4] == 0).sum(), (folds[4:] == 0).sum()
    (np.int64(2), np.int64(3))
    """
    folds = np.empty(len(outcomes), np.int64)
    rng = np.random.default_rng(seed)
    for outcome in (False, True):
        places = rng.permutation(np.flatnonzero(np.array(outcomes) == outcome))
        folds[places] = np.arange(len(places)) % n_folds
    return folds
