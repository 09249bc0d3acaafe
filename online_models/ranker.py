"""Ranks candidates: a linear score plus a layer of units, learned online from what came next.

Listwise softmax cross-entropy over the candidates (ListNet's top-one loss; Cao et al., ICML 2007),
RMSprop steps (Tieleman, Hinton 2012), answers from the mean of the last few thousand steps' weights
(Polyak, Juditsky 1992). A candidate is a row and a feature a column. Nothing here knows what a
feature means.
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
    units: Floats  # (f, u)
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
    hidden: Floats  # (c, u)
    scores: Floats  # (c,)
    slope: Floats  # (f,)
    units_slope: Floats  # (f, u)


def empty_ranker(prior: Floats, most: int, seed: int) -> Ranker:
    """Return a ranker of at most so many candidates, its units random.

    ``prior`` are the weights of the features as long as nothing has been learned.
    """
    n_features = len(prior)
    rng = np.random.default_rng(seed)
    units = rng.normal(0.0, 1.0 / np.sqrt(n_features), (n_features, N_UNITS))
    shapes = ((n_features,), (n_features, N_UNITS), (N_UNITS,), (N_UNITS,))
    return Ranker(  # type: ignore[call-arg]
        prior.astype(np.float32),
        units.astype(np.float32),
        np.zeros(N_UNITS, np.float32),
        rng.normal(0.0, 0.1, N_UNITS).astype(np.float32),
        *(np.full(shape, 1e-2, np.float32) for shape in shapes),
        prior.astype(np.float32),
        *(np.zeros(shape, np.float32) for shape in shapes[1:]),
        np.zeros((most, N_UNITS), np.float32),
        np.zeros(most, np.float32),
        np.zeros(n_features, np.float32),
        np.zeros((n_features, N_UNITS), np.float32),
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
    x, scores, hidden = features[:n], ranker.scores[:n], ranker.hidden[:n]
    np.dot(x, ranker.units, hidden)
    np.dot(x, ranker.linear, scores)
    offsets, tops, zero = ranker.offsets, ranker.tops, np.float32(0.0)
    for c in range(n):
        total = zero
        for u in range(N_UNITS):
            hidden[c, u] += offsets[u]
            total += tops[u] * max(hidden[c, u], zero)
        scores[c] += total


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
    x, errors, hidden = features[:n], ranker.scores[:n], ranker.hidden[:n]
    errors[target] -= np.float32(1.0)
    step = np.float32(rate)
    _turn_to_slopes(ranker, errors, hidden, n, step)
    np.dot(x.T, hidden, ranker.units_slope)
    np.dot(x.T, errors, ranker.slope)
    for f in range(x.shape[1]):
        _move(ranker.units[f], ranker.units_sum[f], ranker.units_slope[f], step)
    _move(ranker.linear, ranker.linear_sum, ranker.slope, step)
    # Of few steps so far, the mean of these alone; what was before they began is no knowledge.
    share = np.float32(max(MEAN, 1.0 / (n_before + FIRST_STEPS)))
    _follow(ranker.mean_linear, ranker.linear, share)
    for f in range(x.shape[1]):
        _follow(ranker.mean_units[f], ranker.units[f], share)
    _follow(ranker.mean_offsets, ranker.offsets, share)
    _follow(ranker.mean_tops, ranker.tops, share)


@compiled
def _turn_to_slopes(ranker: Ranker, errors: Floats, hidden: Floats, n: int, step: float) -> None:
    """Turn what the units say into the loss's slope by it, and move tops and offsets."""
    zero = np.float32(0.0)
    for u in range(N_UNITS):
        top, top_slope, offset_slope = ranker.tops[u], zero, zero
        for c in range(n):
            value = hidden[c, u]
            top_slope += errors[c] * max(value, zero)
            hidden[c, u] = errors[c] * top if value > zero else zero
            offset_slope += hidden[c, u]
        ranker.tops[u] -= step * _scaled(ranker.tops_sum, u, top_slope)
        ranker.offsets[u] -= step * _scaled(ranker.offsets_sum, u, offset_slope)


@compiled
def _scaled(sums: Floats, i: int, slope: float) -> float:
    """Return a slope over the root of its mean square, which takes it in."""
    sums[i] += np.float32(FORGET) * (slope * slope - sums[i])
    return slope / (np.sqrt(sums[i]) + np.float32(LEAST))


@compiled
def _follow(means: Floats, weights: Floats, share: float) -> None:
    for i in range(weights.shape[0]):
        means[i] += share * (weights[i] - means[i])


@compiled
def _move(weights: Floats, sums: Floats, slope: Floats, step: float) -> None:
    for i in range(weights.shape[0]):
        weights[i] -= step * _scaled(sums, i, slope[i])
