"""Ranks candidates: a linear score plus a layer of units, learned online from what came next.

Listwise softmax cross-entropy over the candidates (ListNet's top-one loss; Cao et al., ICML 2007),
RMSprop steps (Tieleman, Hinton 2012), answers from the mean of the last few thousand steps' weights
(Polyak, Juditsky 1992). A feature is a row and a candidate a column, so that the inner loops run
along candidates. Nothing here knows what a feature means.
"""

from typing import NamedTuple

import numpy as np

from online_models.compiled import Floats, compiled

N_UNITS = 32
FORGET = 0.0003  # of the mean squared slope, at a step
LEAST = 0.01  # added to its root: weights that hardly matter hardly move
MEAN = 0.0005  # of the mean of weights, which is what answers
FIRST_STEPS = 100.0  # after which that mean weighs as much as the prior


class Ranker(NamedTuple):
    """Weights, their mean squared slopes, their means, and scratch.

    ``f`` features, ``u`` units, ``c`` candidates.
    """

    linear: Floats  # (f,)
    units: Floats  # (u, f)
    offsets: Floats  # (u,)
    tops: Floats  # (u,)
    linear_sum: Floats
    units_sum: Floats
    offsets_sum: Floats
    tops_sum: Floats
    mean_linear: Floats
    mean_units: Floats
    mean_offsets: Floats
    mean_tops: Floats
    hidden: Floats  # (u, c)
    scores: Floats  # (c,)
    slope: Floats  # (f,)


def empty_ranker(prior: Floats, most: int, seed: int) -> Ranker:
    """Return a ranker of at most so many candidates, its units random.

    ``prior`` are the weights of the features as long as nothing has been learned.

    Raises:
        ValueError: the number of features is no multiple of eight.
    """
    n_features = len(prior)
    if n_features % 8:
        raise ValueError(f"{n_features} features: a multiple of 8 is needed")
    rng = np.random.default_rng(seed)
    units = rng.normal(0.0, 1.0 / np.sqrt(n_features), (N_UNITS, n_features))
    shapes = ((n_features,), (N_UNITS, n_features), (N_UNITS,), (N_UNITS,))
    return Ranker(  # type: ignore[call-arg]
        prior.astype(np.float32),
        units.astype(np.float32),
        np.zeros(N_UNITS, np.float32),
        rng.normal(0.0, 0.1, N_UNITS).astype(np.float32),
        *(np.full(shape, 1e-2, np.float32) for shape in shapes),
        prior.astype(np.float32),
        *(np.zeros(shape, np.float32) for shape in shapes[1:]),
        np.zeros((N_UNITS, most), np.float32),
        np.zeros(most, np.float32),
        np.zeros(n_features, np.float32),
    )


def mean_of(ranker: Ranker) -> Ranker:
    """Return the ranker with the means of its weights: what answers are made with."""
    return ranker._replace(
        linear=ranker.mean_linear,
        units=ranker.mean_units,
        offsets=ranker.mean_offsets,
        tops=ranker.mean_tops,
    )


@compiled
def score(ranker: Ranker, features: Floats, n: int) -> None:
    """Work out the scores of ``n`` candidates, and their units for learning."""
    scores, zero = ranker.scores, np.float32(0.0)
    for c in range(n):
        scores[c] = zero
    _add_weighted(scores, ranker.linear, features, n)
    for u in range(N_UNITS):
        row, top = ranker.hidden[u], ranker.tops[u]
        for c in range(n):
            row[c] = ranker.offsets[u]
        _add_weighted(row, ranker.units[u], features, n)
        for c in range(n):
            scores[c] += top * max(row[c], zero)


@compiled
def _add_weighted(row: Floats, w: Floats, x: Floats, n: int) -> None:
    """Add weighted features, eight at once: an eighth of the loads and stores of one each."""
    for f in range(0, w.shape[0], 8):
        w0, w1, w2, w3 = w[f], w[f + 1], w[f + 2], w[f + 3]
        w4, w5, w6, w7 = w[f + 4], w[f + 5], w[f + 6], w[f + 7]
        x0, x1, x2, x3 = x[f], x[f + 1], x[f + 2], x[f + 3]
        x4, x5, x6, x7 = x[f + 4], x[f + 5], x[f + 6], x[f + 7]
        for c in range(n):
            row[c] += (
                w0 * x0[c]
                + w1 * x1[c]
                + w2 * x2[c]
                + w3 * x3[c]
                + w4 * x4[c]
                + w5 * x5[c]
                + w6 * x6[c]
                + w7 * x7[c]
            )


@compiled
def shares(ranker: Ranker, n: int) -> None:
    """Turn the scores of ``n`` candidates into chances (softmax), in place."""
    scores = ranker.scores
    best = scores[0]
    for c in range(1, n):
        best = max(best, scores[c])
    total = np.float32(0.0)
    for c in range(n):
        scores[c] = np.exp(scores[c] - best)
        total += scores[c]
    for c in range(n):
        scores[c] /= total


@compiled
def learn(
    ranker: Ranker, features: Floats, n: int, target: int, rate: float, n_before: int
) -> None:
    """Learn that of ``n`` candidates the target came next, after so many steps before."""
    score(ranker, features, n)
    shares(ranker, n)
    errors, slope, zero = ranker.scores, ranker.slope, np.float32(0.0)
    errors[target] -= np.float32(1.0)
    step = np.float32(rate)
    for u in range(N_UNITS):
        row, top = ranker.hidden[u], ranker.tops[u]
        top_slope, offset_slope = zero, zero
        for c in range(n):
            value = row[c]
            top_slope += errors[c] * max(value, zero)
            row[c] = errors[c] * top if value > zero else zero
            offset_slope += row[c]
        _slopes(slope, row, features, n)
        _move(ranker.units[u], ranker.units_sum[u], slope, step)
        ranker.tops_sum[u] += np.float32(FORGET) * (top_slope * top_slope - ranker.tops_sum[u])
        ranker.tops[u] -= step * top_slope / (np.sqrt(ranker.tops_sum[u]) + np.float32(LEAST))
        ranker.offsets_sum[u] += np.float32(FORGET) * (
            offset_slope * offset_slope - ranker.offsets_sum[u]
        )
        ranker.offsets[u] -= (
            step * offset_slope / (np.sqrt(ranker.offsets_sum[u]) + np.float32(LEAST))
        )
    _slopes(slope, errors, features, n)
    _move(ranker.linear, ranker.linear_sum, slope, step)
    # Of few steps so far, the mean of these alone; what was before they began is no knowledge.
    share = np.float32(max(MEAN, 1.0 / (n_before + FIRST_STEPS)))
    _follow(ranker.mean_linear, ranker.linear, share)
    for u in range(N_UNITS):
        _follow(ranker.mean_units[u], ranker.units[u], share)
    _follow(ranker.mean_offsets, ranker.offsets, share)
    _follow(ranker.mean_tops, ranker.tops, share)


@compiled
def _follow(means: Floats, weights: Floats, share: float) -> None:
    for i in range(weights.shape[0]):
        means[i] += share * (weights[i] - means[i])


@compiled
def _slopes(slope: Floats, row: Floats, x: Floats, n: int) -> None:
    """Write down the dot product of a row and each feature, four at once."""
    for f in range(0, slope.shape[0], 4):
        x0, x1, x2, x3 = x[f], x[f + 1], x[f + 2], x[f + 3]
        s0, s1 = np.float32(0.0), np.float32(0.0)
        s2, s3 = np.float32(0.0), np.float32(0.0)
        for c in range(n):
            s0 += row[c] * x0[c]
            s1 += row[c] * x1[c]
            s2 += row[c] * x2[c]
            s3 += row[c] * x3[c]
        slope[f], slope[f + 1], slope[f + 2], slope[f + 3] = s0, s1, s2, s3


@compiled
def _move(weights: Floats, sums: Floats, slope: Floats, step: float) -> None:
    for i in range(weights.shape[0]):
        sums[i] += np.float32(FORGET) * (slope[i] * slope[i] - sums[i])
        weights[i] -= step * (slope[i] / (np.sqrt(sums[i]) + np.float32(LEAST)))
