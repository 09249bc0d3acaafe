"""What is done for one event and for one question, each in one call into compiled code."""

from typing import Any, NamedTuple, cast

import numpy as np
from numba import types
from numba.experimental import structref

from online_models.candidates import MOST_KEPT, Shortlist, describe, find_candidates
from online_models.compiled import Floats, Ints, compiled
from online_models.generators import ITEM_ITEM, LEAD, MAX_CANDIDATES, OWN, Evidence, gather
from online_models.ranker import Ranker, learn, score, shares
from online_models.selection import best_first, nth_largest
from online_models.session_index import (
    BEFORE,
    ITEM,
    LAST,
    N_PREFIX,
    NONE,
    SessionIndex,
    Visit,
    add_event,
    age_of,
    visit_seen,
    visit_session,
)
from online_models.vectors import Vectors, cosine, learn_step, next_random

TRAINED_RATE = 0.5  # share of events that the ranker learns from; all are indexed
VECTORS_BEHIND = 300  # events, after which the vectors learn one
REPLAYED = 1  # past steps that the vectors learn once more with each new one
RANKER_RATE = 0.001


class Found(NamedTuple):
    """An answer, best first: products, scores (0..1), and which of the session led to each."""

    items: Ints
    scores: Floats
    leads: Ints
    order: Ints


class Near(NamedTuple):
    """An answer of ``find_near``, and its scratch."""

    found: Found
    scores: Floats
    scratch: Floats


def empty_found() -> Found:
    """Return room for an answer."""
    return Found(
        np.zeros(MOST_KEPT, np.int32),
        np.zeros(MOST_KEPT, np.float32),
        np.zeros(MOST_KEPT, np.int32),
        np.zeros(MOST_KEPT, np.int32),
    )


def empty_near() -> Near:
    """Return room for an answer by nearness."""
    return Near(
        empty_found(), np.zeros(MAX_CANDIDATES, np.float32), np.zeros(MAX_CANDIDATES, np.float32)
    )


class Parts(NamedTuple):
    """All arrays of the model; ``random`` and ``n_trained`` hold one value each."""

    index_: SessionIndex
    evidence: Evidence
    vectors: Vectors
    ranker: Ranker
    shortlist: Shortlist
    visit: Visit
    found: Found
    random: "np.ndarray[tuple[int], np.dtype[np.uint64]]"
    n_trained: "np.ndarray[tuple[int], np.dtype[np.int64]]"


@cast(Any, structref).register
class _HeldType(types.StructRef):
    """Of numba: how ``Held`` looks to compiled code."""


class Held(structref.StructRefProxy):
    """``Parts`` in compiled code's own memory: fifty arrays take 9 µs to hand over, this 0.7."""


cast(Any, structref).define_boxing(_HeldType, Held)
cast(Any, structref).define_attributes(_HeldType)
cast(Any, structref).define_constructor(Held, _HeldType, Parts._fields)


@compiled
def hold(parts: Parts) -> Parts:
    """Return the same, held; it has the same fields."""
    return Held(  # type: ignore[no-untyped-call]
        parts.index_,
        parts.evidence,
        parts.vectors,
        parts.ranker,
        parts.shortlist,
        parts.visit,
        parts.found,
        parts.random,
        parts.n_trained,
    )


@compiled
def gather_seen(index: SessionIndex, evidence: Evidence, visit: Visit, seen: Ints, own: int) -> int:
    """Gather candidates for what was seen; return how many there are. See ``visit_seen``."""
    visit_seen(index, visit, seen, own)
    return gather(index, evidence, visit, own)


@compiled
def learn_from(parts: Parts, first: int, item: int, n_products: int) -> int:
    """Learn with the state before a session's step, then add it; return its event.

    ``first`` is the session's first event, or NONE.
    """
    if first != NONE and draw(parts) < TRAINED_RATE:
        train_ranker(parts, first, item)
    event = add_event(parts.index_, first, item)
    train_vectors(parts, n_products)
    return event


@compiled
def ask(parts: Parts, seen: Ints, own: int, least: int) -> tuple[int, bool]:
    """Rank what comes next after what was seen, best first; return how many are found.

    The visitor's own steps, which begin with ``own``, speak only where those that are not in the
    session itself may be fewer than ``least``. Also return whether these are all that there are,
    whoever speaks.
    """
    n = gather_seen(parts.index_, parts.evidence, parts.visit, seen, own)
    if n >= least + parts.visit.counts[N_PREFIX]:
        return rank(parts, n), False
    n = gather_anyway(parts, seen, own)
    n_found = rank(parts, n)
    return n_found, n_found == n


@compiled
def gather_anyway(parts: Parts, seen: Ints, own: int) -> int:
    """Gather candidates, what the visitor's own steps say among them; return how many."""
    visit, evidence = parts.visit, parts.evidence
    visit_seen(parts.index_, visit, seen, own)
    return gather(parts.index_, evidence, visit, NONE)


@compiled
def draw(parts: Parts) -> float:
    """Return a random number from 0 to 1."""
    parts.random[0] = next_random(parts.random[0])
    return np.float64(parts.random[0] >> np.uint64(11)) / 9007199254740992.0


@compiled
def train_ranker(parts: Parts, first: int, item: int) -> None:
    """Let the ranker learn that a session (its first event) goes on to a product."""
    visit, evidence, shortlist = parts.visit, parts.evidence, parts.shortlist
    visit_session(parts.index_, parts.index_.events[first, LAST], visit)
    n = gather(parts.index_, evidence, visit, first)
    kept = find_candidates(parts.index_, evidence, parts.vectors, shortlist, visit, n)
    for k in range(kept):
        if evidence.items[shortlist.chosen[k]] == item:
            describe(parts.index_, evidence, parts.vectors, shortlist, visit, kept)
            learn(parts.ranker, shortlist.features, kept, k, RANKER_RATE, parts.n_trained[0])
            parts.n_trained[0] += 1
            return


@compiled
def train_vectors(parts: Parts, n_products: int) -> None:
    """Let the vectors learn a step of some time ago, and one of the past again.

    Of some time ago: the ranker learns of a session's steps with vectors that do not know the
    session, as they will not when it is asked.
    """
    n_events = min(parts.index_.position[0], parts.index_.events.shape[0])
    if n_events > VECTORS_BEHIND:
        _learn_past(parts, VECTORS_BEHIND, n_products)
    nearest = VECTORS_BEHIND if n_events > VECTORS_BEHIND else 0
    for _ in range(REPLAYED):
        parts.random[0] = next_random(parts.random[0])
        further = (parts.random[0] >> np.uint64(11)) % np.uint64(n_events - nearest)
        _learn_past(parts, nearest + np.int64(further), n_products)


@compiled
def _learn_past(parts: Parts, back: int, n_products: int) -> None:
    """Let the vectors learn the step that came in so many events before the newest."""
    index, visit = parts.index_, parts.visit
    past = (index.position[0] - 1 - back) & (index.events.shape[0] - 1)
    before = index.events[past, BEFORE]
    if before == NONE or age_of(index, before) <= age_of(index, past):
        return
    visit_session(index, before, visit)
    target, n_prefix = index.events[past, ITEM], visit.counts[N_PREFIX]
    parts.random[0] = learn_step(
        parts.vectors, index, visit.prefix, n_prefix, target, n_products, parts.random[0]
    )


@compiled
def rank(parts: Parts, n: int) -> int:
    """Rank the ``n`` candidates that were gathered; return how many are found."""
    visit, evidence, shortlist = parts.visit, parts.evidence, parts.shortlist
    kept = find_candidates(parts.index_, evidence, parts.vectors, shortlist, visit, n)
    describe(parts.index_, evidence, parts.vectors, shortlist, visit, kept)
    score(parts.ranker, shortlist.features, kept)
    shares(parts.ranker, kept)
    found = parts.found
    n_found = best_first(parts.ranker.scores, kept, -np.inf, found.order)
    for place in range(n_found):
        c = shortlist.chosen[found.order[place]]
        _tell(found, place, evidence, c, parts.ranker.scores[found.order[place]])
    return n_found


@compiled
def _tell(found: Found, place: int, evidence: Evidence, candidate: int, value: float) -> None:
    found.items[place] = evidence.items[candidate]
    found.scores[place] = value
    found.leads[place] = np.int32(evidence.rows[candidate, LEAD])


@compiled
def find_near(index: SessionIndex, evidence: Evidence, vectors: Vectors, near: Near, n: int) -> int:
    """Sort ``n`` candidates by how near they are to what was seen; return how many are found.

    By their share of the best evidence that they go together, and by vectors where there are any.
    """
    scores, has_vectors = near.scores, vectors.table.shape[0] > 0
    largest = np.float32(1e-9)
    for c in range(n):
        if evidence.rows[c, OWN] == 0.0:
            largest = max(largest, evidence.rows[c, ITEM_ITEM])
    for c in range(n):
        scores[c] = evidence.rows[c, ITEM_ITEM] / largest
        if has_vectors:
            one = cosine(vectors, evidence.items[c], vectors.session)
            scores[c] = np.float32(0.5) * (scores[c] + max(one, np.float32(0.0)))
        if evidence.rows[c, OWN] > 0.0:
            scores[c] = np.float32(-1.0)
    found = near.found
    least = max(nth_largest(scores, n, found.order.shape[0], near.scratch), np.float32(0.0))
    n_found = best_first(scores, n, least, found.order)
    for place in range(n_found):
        c = found.order[place]
        _tell(found, place, evidence, c, scores[c])
    return n_found
