"""What the ranker is told of each candidate: evidence of the walk, popularity, place, vectors."""

from typing import NamedTuple

import numpy as np

from online_models.compiled import Floats, Ints, compiled
from online_models.generators import (
    BACKWARD,
    FORWARD,
    FORWARD_LATELY,
    ITEM_ITEM,
    MAX_CANDIDATES,
    N_GENERATORS,
    NEIGHBOURS,
    NEIGHBOURS_LATELY,
    NEIGHBOURS_SHARP,
    NEXT,
    OWN,
    SEQUENCE,
    Evidence,
)
from online_models.selection import nth_largest
from online_models.session_index import (
    COUNT,
    ENDS_IN_REPEAT,
    HEAD,
    MAX_PREFIX,
    N_EVENTS,
    N_PREFIX,
    N_REPEATS,
    NONE,
    REPEATS,
    STEPS,
    SessionIndex,
    Visit,
    age_of,
    recent_of,
)
from online_models.vectors import Vectors, cosine, look

N_FEATURES = 64
KEPT = 120  # candidates that are ranked
MOST_KEPT = KEPT + MAX_PREFIX  # of several as good as the last, and the session's own
_LOOKED_AT = 600  # candidates whose vectors are looked at before that
_LOG_SHARE = np.float32(1.0 / np.log1p(1000.0))


class Shortlist(NamedTuple):
    """The candidates to rank: ``chosen`` are their places in the evidence."""

    chosen: Ints  # (MOST_KEPT,)
    features: Floats  # (MOST_KEPT, N_FEATURES)
    pre_scores: Floats  # (MAX_CANDIDATES,)
    cosines: Floats  # (MAX_CANDIDATES,)
    sums: Floats  # (2, N_GENERATORS) total and largest evidence of each generator
    order: Floats  # (MAX_CANDIDATES,)


def prior_weights() -> Floats:
    """Return the weights of the features that order candidates before anything is learned."""
    weights = np.zeros(N_FEATURES, np.float32)
    for generator, weight in ((NEIGHBOURS, 4.0), (ITEM_ITEM, 2.0), (FORWARD, 2.0), (BACKWARD, 1.0)):
        weights[N_GENERATORS + generator] = weight
    return weights


def empty_shortlist() -> Shortlist:
    """Return scratch for the candidates of one session."""
    return Shortlist(
        np.zeros(MOST_KEPT, np.int32),
        np.zeros((MOST_KEPT, N_FEATURES), np.float32),
        np.zeros(MAX_CANDIDATES, np.float32),
        np.zeros(MAX_CANDIDATES, np.float32),
        np.zeros((2, N_GENERATORS), np.float32),
        np.zeros(MAX_CANDIDATES, np.float32),
    )


@compiled
def pre_score(
    index: SessionIndex,
    evidence: Evidence,
    vectors: Vectors,
    shortlist: Shortlist,
    visit: Visit,
    n: int,
) -> None:
    """Score all candidates roughly; those of the session itself stay anyway."""
    sums, scores, rows = shortlist.sums, shortlist.pre_scores, evidence.rows
    for g in range(N_GENERATORS):
        sums[0, g], sums[1, g] = 0.0, 0.0
    for c in range(n):
        for g in range(N_GENERATORS):
            value = rows[c, g]
            sums[0, g] += value
            sums[1, g] = max(sums[1, g], value)
    for g in range(N_GENERATORS):
        sums[0, g] = np.float32(1.0) / max(sums[0, g], np.float32(1e-9))
        sums[1, g] = np.float32(1.0) / max(sums[1, g], np.float32(1e-9))
    for c in range(n):
        own = np.int64(rows[c, OWN])
        known = visit.others[own - 1] if own > 0 else index.products[evidence.items[c]]
        scores[c] = (
            rows[c, NEIGHBOURS] * sums[1, NEIGHBOURS]
            + np.float32(0.5) * rows[c, ITEM_ITEM] * sums[1, ITEM_ITEM]
            + np.float32(0.5) * rows[c, FORWARD] * sums[1, FORWARD]
            + np.float32(0.3) * rows[c, BACKWARD] * sums[1, BACKWARD]
            + np.float32(0.02) * np.log(np.float32(1 + known[COUNT]))
        )
    least = nth_largest(scores, n, _LOOKED_AT, shortlist.order)
    for c in range(n):
        if scores[c] >= least:
            shortlist.cosines[c] = cosine(vectors, evidence.items[c], vectors.session)
            scores[c] += np.float32(1.5) * shortlist.cosines[c]
        else:
            scores[c] = np.float32(-1e9)


@compiled
def shorten(evidence: Evidence, shortlist: Shortlist, n: int) -> int:
    """Choose whom to rank: the session's own products and the best of the others."""
    least = nth_largest(shortlist.pre_scores, n, KEPT, shortlist.order)
    kept = 0
    for c in range(n):
        is_own = evidence.rows[c, OWN] > 0.0
        if kept < shortlist.chosen.shape[0] and (is_own or shortlist.pre_scores[c] >= least):
            shortlist.chosen[kept] = c
            kept += 1
    return kept


@compiled
def _log(value: float) -> float:
    """Return log(1 + value); ``log1p`` takes thrice as long, and the last digits do not matter."""
    return np.log(np.float32(1.0) + value) if value > 0.0 else np.float32(0.0)


@compiled
def describe(
    index: SessionIndex,
    evidence: Evidence,
    vectors: Vectors,
    shortlist: Shortlist,
    visit: Visit,
    kept: int,
) -> None:
    """Fill in the features of the candidates that are kept."""
    sums = shortlist.sums
    prefix, n_prefix = visit.prefix, visit.counts[N_PREFIX]
    length = visit.counts[N_EVENTS]
    habit = np.float32(visit.counts[N_REPEATS]) / np.float32(length)
    last = visit.others[0]
    repeats = np.float32(last[REPEATS] + 0.5) / np.float32(last[STEPS] + 2.0)
    logs = np.log(np.float32(length)) * np.float32(0.5)
    for k in range(kept):
        c = shortlist.chosen[k]
        item, row, x = evidence.items[c], evidence.rows[c], shortlist.features[k]
        for f in range(N_FEATURES):
            x[f] = 0.0
        for g in range(N_GENERATORS):
            value = row[g]
            if value > 0.0:
                x[g] = _log(np.float32(1000.0) * value * sums[0, g]) * _LOG_SHARE
                x[N_GENERATORS + g] = value * sums[1, g]
        f = 2 * N_GENERATORS
        x[f] = _log(row[NEXT]) * np.float32(0.3)
        x[f + 1] = _log(row[FORWARD_LATELY]) * np.float32(0.5)
        x[f + 2] = _log(row[NEIGHBOURS_SHARP]) * np.float32(0.5)
        x[f + 3] = _log(row[SEQUENCE])
        x[f + 4] = _log(row[NEIGHBOURS_LATELY])
        f += 5
        own = np.int64(row[OWN])
        if own > 0:
            known, recent = visit.others[own - 1], visit.others_recent[own - 1]
        else:
            known, recent = index.products[item], recent_of(index, item)
        x[f] = np.log(np.float32(1 + known[COUNT])) * np.float32(0.15)
        if known[HEAD] != NONE:
            x[f + 1] = _log(recent) * np.float32(0.25)
            x[f + 2] = np.log(np.float32(age_of(index, known[HEAD]))) * np.float32(0.1)
        f += 3
        if own > 0:
            z = own - 1
            x[f + min(z, 5)] = 1.0
            x[f + 6] = 1.0
            x[f + 7] = repeats
            x[f + 8] = logs
            x[f + 9] = np.log(np.float32(visit.times[z]))
            x[f + 10] = habit
            x[f + 11] = visit.counts[ENDS_IN_REPEAT]
            if z == 1:
                x[f + 12] = habit
                x[f + 13] = visit.counts[ENDS_IN_REPEAT]
                x[f + 14] = logs
            again = np.float32(known[REPEATS] + 0.5)
            x[f + 15] = again / np.float32(known[STEPS] + 2.0)
            x[f + 16] = 1.0 if own == n_prefix else 0.0
        f += 17
        x[f] = 1.0 if n_prefix == 1 else 0.0
        x[f + 1] = repeats
        x[f + 2] = logs
        f += 3
        near = shortlist.cosines[c]
        x[f] = near
        highest, total = np.float32(-1.0), np.float32(0.0)
        for z in range(n_prefix):
            one = np.float32(0.0)
            if item != prefix[z]:
                one = cosine(vectors, item, vectors.table[prefix[z]])
                highest = max(highest, one)
            total += one
            if z < 2:
                x[f + 1 + z] = one
        x[f + 3] = highest
        x[f + 4] = total / np.float32(n_prefix)
        f += 5
        x[f] = near * near * near
        x[f + 1] = x[ITEM_ITEM] * x[NEIGHBOURS]
        x[f + 2] = x[FORWARD] * near
        x[f + 3] = x[SEQUENCE] * x[NEXT]
        x[f + 4] = 1.0


@compiled
def find_candidates(
    index: SessionIndex,
    evidence: Evidence,
    vectors: Vectors,
    shortlist: Shortlist,
    visit: Visit,
    n: int,
) -> int:
    """Look at a session's vector, score its ``n`` candidates roughly, and return how many stay."""
    look(vectors, visit.prefix, visit.counts[N_PREFIX])
    pre_score(index, evidence, vectors, shortlist, visit, n)
    return shorten(evidence, shortlist, n)
