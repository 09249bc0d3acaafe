"""Candidate generation: what sessions like this one went on to, in one walk along postings.

Item-to-item steps, session-based nearest neighbours (SKNN; Jannach, Ludewig: "When Recurrent Neural
Networks meet the Neighborhood for Session-Based Recommendation", RecSys 2017; with the decays of
STAN, Garg et al., SIGIR 2019) and sequence matches, each a column of evidence for a ranker.
"""

from typing import NamedTuple

import numpy as np

from online_models.compiled import Floats, Ints, compiled
from online_models.others import leave_out
from online_models.session_index import (
    AFTER,
    BEFORE,
    COUNT,
    HEAD,
    ITEM,
    LENGTH,
    N_PREFIX,
    NONE,
    SAME,
    SESSION,
    SessionIndex,
    Visit,
    age_of,
)

(
    NEXT,  # directly after the last product
    FORWARD,  # after the last product, by 1/distance
    BACKWARD,  # before the last product, by 1/distance
    NEXT_LATELY,  # the first two, faded by age
    FORWARD_LATELY,
    AFTER_PREVIOUS,  # after the product before the last
    AFTER_OLDER,  # after older products
    ITEM_ITEM,  # near any product of the session, normalised by popularity and length
    NEIGHBOURS,  # in similar sessions, by distance from the match
    NEIGHBOURS_SHARP,  # the same with the similarity cubed
    NEIGHBOURS_ANYWHERE,  # cubed, whatever the distance
    NEIGHBOURS_LATELY,  # faded by age
    SEQUENCE,  # after the last two products in this very order
) = range(13)
N_GENERATORS = 13
LEAD = 13  # column: the place of the session's product that led to the candidate first
OWN = 14  # column: the candidate's own place in the session, from 1; 0 for one that is not in it
WIDTH = 16

LAST_POSTINGS = 500
OLDER_POSTINGS = 200
WINDOW = 8
FADE_EVENTS = 35_000.0
MAX_CANDIDATES = 8_192
_MAX_SESSIONS = 4_096
_DISTANCES = np.arange(2 * WINDOW + 1, dtype=np.float32)
_INVERSE = (1.0 / np.maximum(_DISTANCES, 1.0)).astype(np.float32)
_ITEM_FADE = np.exp(-0.4 * (_DISTANCES - 1.0)).astype(np.float32)
_SESSION_FADE = np.exp(-0.5 * (_DISTANCES - 1.0)).astype(np.float32)
_BACK_NEIGHBOUR = 0.6
_BACK_ITEM = 0.7


class Evidence(NamedTuple):
    """Scratch of a walk: of each candidate its product and a row of evidence.

    ``place`` and ``visit`` are as long as there are products and events, and all zero between two
    walks.
    """

    items: Ints  # (MAX_CANDIDATES,)
    rows: Floats  # (MAX_CANDIDATES, WIDTH)
    place: Ints  # (products,) place of a product among the candidates, counted from 1
    visit: Ints  # (capacity,) by first event of a session: its place below, counted from 1
    sessions: Ints  # (_MAX_SESSIONS, 4) session, its match, the match's and the latest product
    similarity: Floats  # (_MAX_SESSIONS,)


def empty_evidence(capacity: int, n_products: int) -> Evidence:
    """Return scratch for an index of this size."""
    return Evidence(
        np.zeros(MAX_CANDIDATES, np.int32),
        np.zeros((MAX_CANDIDATES, WIDTH), np.float32),
        np.zeros(n_products, np.int32),
        np.zeros(capacity, np.int32),
        np.zeros((_MAX_SESSIONS, 4), np.int32),
        np.zeros(_MAX_SESSIONS, np.float32),
    )


@compiled
def gather(index: SessionIndex, evidence: Evidence, visit: Visit, own: int) -> int:
    """Fill in the evidence for what comes after a session; return how many candidates there are.

    ``own`` is its first event, whose session does not count, or NONE. The session's own products
    are always candidates, in front.
    """
    leave_out(index, visit, own)
    prefix, n_prefix = visit.prefix, visit.counts[N_PREFIX]
    n = 0
    for z in range(n_prefix):
        n = _candidate(evidence, n, prefix[z], z)[0]
        evidence.rows[z, OWN] = z + 1
    n_sessions = 0
    for z in range(n_prefix):
        n, n_sessions = _walk(index, evidence, visit, z, own, n, n_sessions)
    n = _neighbours(index, evidence, prefix, n, n_sessions)
    for place in range(n):
        evidence.place[evidence.items[place]] = 0
    return n


@compiled
def _candidate(evidence: Evidence, n: int, item: int, lead: int) -> tuple[int, int]:
    """Return how many candidates there are now, and this one's place; NONE where there is none."""
    place = evidence.place[item]
    if place:
        return n, place - 1
    if n == MAX_CANDIDATES:
        return n, NONE
    evidence.items[n] = item
    for column in range(WIDTH):
        evidence.rows[n, column] = 0.0
    evidence.rows[n, LEAD] = lead
    evidence.place[item] = n + 1
    return n + 1, n


@compiled
def _walk(
    index: SessionIndex,
    evidence: Evidence,
    visit: Visit,
    z: int,
    own: int,
    n: int,
    n_sessions: int,
) -> tuple[int, int]:
    """Walk along the newest postings of one product: steps near it, and sessions it was in."""
    events, rows = index.events, evidence.rows
    prefix, n_prefix = visit.prefix, visit.counts[N_PREFIX]
    item = prefix[z]
    weight = np.float32(np.exp(-0.5 * z))
    share = weight / np.sqrt(np.float32(visit.others[z, COUNT] + 1))
    most = LAST_POSTINGS if z == 0 else OLDER_POSTINGS
    event, age = index.products[item, HEAD], 0
    for _ in range(most):
        if event == NONE:
            break
        older = age_of(index, event)
        if older <= age or events[event, ITEM] != item:
            break
        age = older
        session = events[event, SESSION]
        if session != own and age_of(index, session) >= age:
            n_sessions = _touch(evidence, session, event, z, weight, n_sessions)
            lately = np.float32(np.exp(-age / FADE_EVENTS))
            per_length = share / np.sqrt(np.float32(events[session, LENGTH]))
            in_order = False
            if z == 0 and n_prefix > 1:
                before = events[event, BEFORE]
                in_order = before != NONE and events[before, ITEM] == prefix[1]
            near, distance = events[event, AFTER], 1
            while near != NONE and distance <= WINDOW:
                n, place = _candidate(evidence, n, events[near, ITEM], z)
                if place != NONE:
                    inverse = _INVERSE[distance]
                    rows[place, ITEM_ITEM] += per_length * _ITEM_FADE[distance]
                    if z == 0:
                        if distance == 1:
                            rows[place, NEXT] += 1.0
                            rows[place, NEXT_LATELY] += lately
                        rows[place, FORWARD] += inverse
                        rows[place, FORWARD_LATELY] += inverse * lately
                        if in_order:
                            rows[place, SEQUENCE] += inverse
                    elif z == 1:
                        rows[place, AFTER_PREVIOUS] += inverse
                    else:
                        rows[place, AFTER_OLDER] += inverse * weight
                near, distance = events[near, AFTER], distance + 1
            near, distance, reached = events[event, BEFORE], 1, age
            while near != NONE and distance <= WINDOW:
                further = age_of(index, near)
                if further <= reached:
                    break
                reached = further
                n, place = _candidate(evidence, n, events[near, ITEM], z)
                if place != NONE:
                    rows[place, ITEM_ITEM] += (
                        np.float32(_BACK_ITEM) * per_length * _ITEM_FADE[distance]
                    )
                    if z == 0:
                        rows[place, BACKWARD] += _INVERSE[distance]
                near, distance = events[near, BEFORE], distance + 1
        event = events[event, SAME]
    return n, n_sessions


@compiled
def _touch(
    evidence: Evidence, session: int, event: int, z: int, weight: float, n_sessions: int
) -> int:
    """Add to a session's similarity, once a product; its match is that of the latest product."""
    sessions, place = evidence.sessions, evidence.visit[session] - 1
    if place >= 0:
        if sessions[place, 3] != z:
            sessions[place, 3] = z
            evidence.similarity[place] += weight
        return n_sessions
    if n_sessions == _MAX_SESSIONS:
        return n_sessions
    sessions[n_sessions, 0] = session
    sessions[n_sessions, 1] = event
    sessions[n_sessions, 2] = z
    sessions[n_sessions, 3] = z
    evidence.similarity[n_sessions] = weight
    evidence.visit[session] = n_sessions + 1
    return n_sessions + 1


@compiled
def _neighbours(
    index: SessionIndex, evidence: Evidence, prefix: Ints, n: int, n_sessions: int
) -> int:
    """Let each similar session speak for its products."""
    events, rows = index.events, evidence.rows
    for number in range(n_sessions):
        session, match = evidence.sessions[number, 0], evidence.sessions[number, 1]
        z = evidence.sessions[number, 2]
        similarity = evidence.similarity[number] / np.sqrt(np.float32(events[session, LENGTH]))
        evidence.visit[session] = 0
        lately = similarity * np.float32(np.exp(-age_of(index, match) / FADE_EVENTS))
        near, distance = events[match, AFTER], 1
        while near != NONE and distance <= 2 * WINDOW:
            n, place = _candidate(evidence, n, events[near, ITEM], z)
            if place != NONE:
                factor = _SESSION_FADE[distance]
                _speak(rows[place], similarity, lately, factor)
            near, distance = events[near, AFTER], distance + 1
        near, distance, reached = events[match, BEFORE], 1, age_of(index, match)
        while near != NONE and distance <= 2 * WINDOW:
            further = age_of(index, near)
            if further <= reached:
                break
            reached = further
            n, place = _candidate(evidence, n, events[near, ITEM], z)
            if place != NONE:
                factor = np.float32(_BACK_NEIGHBOUR) * _SESSION_FADE[distance]
                _speak(rows[place], similarity, lately, factor)
            near, distance = events[near, BEFORE], distance + 1
    return n


@compiled
def _speak(row: Floats, similarity: float, lately: float, factor: float) -> None:
    """Add what a similar session says for one of its products."""
    sharp = similarity * similarity * similarity
    row[NEIGHBOURS] += similarity * factor
    row[NEIGHBOURS_SHARP] += sharp * factor
    row[NEIGHBOURS_ANYWHERE] += sharp
    row[NEIGHBOURS_LATELY] += lately * factor
