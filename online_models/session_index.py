"""An index of the most recent product steps: who came after whom, in which session.

A ring of the last so many events; each knows its product, its session, the event of the same
product before it and its neighbours in its session. So one walk along a product's postings sees
every session that the product was part of, newest first, and an event costs the same to add
however many there are. What is overwritten takes its counts with it: the index is a function of
the last events alone, and is rebuilt from their log.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import Floats, Ints, compiled

# Columns of an event; the last two are kept by the first event of a session, for all of it.
ITEM, SESSION, SAME, BEFORE, AFTER, IS_REPEAT, LAST, LENGTH = range(8)
# Columns of a product: its newest event, its events, steps from it, those to a product seen before.
HEAD, COUNT, STEPS, REPEATS = range(4)

NONE = -1
MAX_SESSION_EVENTS = 100  # of one session: what a bot adds beyond teaches nobody
RECENT_EVENTS = 35_000.0  # a product's recent count fades by 1/e in so many events of the shop
MAX_PREFIX = 10  # distinct products of a session that are looked at, latest first
LOOK_BACK = 30  # steps of a session that are looked at, repeats too


class SessionIndex(NamedTuple):
    """The arrays; ``events`` is the ring, ``position`` holds how many events there ever were."""

    events: Ints  # (capacity, 8)
    products: Ints  # (products, 4)
    recent: Floats  # (products,) decayed count, as of the product's newest event
    position: NDArray[np.int64]  # (1,)


def empty_index(capacity: int, n_products: int) -> SessionIndex:
    """Return an index for ``capacity`` events (a power of two) and so many products.

    Raises:
        ValueError: the capacity is no power of two.
    """
    if capacity & (capacity - 1) or capacity < 2:
        raise ValueError(f"capacity {capacity}: a power of two is needed")
    # Zeros take no memory until they are written to; what is not written yet is never read.
    products = np.zeros((n_products, 4), np.int32)
    products[:, HEAD] = NONE
    return SessionIndex(
        np.zeros((capacity, 8), np.int32),
        products,
        np.zeros(n_products, np.float32),
        np.zeros(1, np.int64),
    )


@compiled
def age_of(index: SessionIndex, event: int) -> int:
    """Return how many events ago an event came in, from 1 for the newest to the capacity."""
    mask = index.events.shape[0] - 1
    return int(((index.position[0] - 1 - event) & mask) + 1)


@compiled
def recent_of(index: SessionIndex, item: int) -> float:
    """Return the decayed count of a product, as of now."""
    head = index.products[item, HEAD]
    if head == NONE:
        return np.float32(0.0)
    age = np.float32(age_of(index, head))
    return index.recent[item] * np.exp(-age / np.float32(RECENT_EVENTS))


@compiled
def add_event(index: SessionIndex, session: int, item: int) -> int:
    """Add a product to a session (its first event, NONE for a new one); return the new event.

    The caller has made sure that the session's first event is still in the ring.
    """
    events, products = index.events, index.products
    event = index.position[0] & (events.shape[0] - 1)
    if index.position[0] >= events.shape[0]:
        _forget(index, event)
    before = NONE
    if session == NONE:
        session = event
        events[event, LENGTH] = 0
    else:
        before = events[session, LAST]
    is_repeat = 0
    if before != NONE:
        is_repeat = 1 if _is_in_session(index, before, item) else 0
        events[before, AFTER] = event
        products[events[before, ITEM], STEPS] += 1
        products[events[before, ITEM], REPEATS] += is_repeat
    head = products[item, HEAD]
    index.recent[item] = np.float32(1.0) + recent_of(index, item)
    events[event, ITEM] = item
    events[event, SESSION] = session
    events[event, SAME] = head
    events[event, BEFORE] = before
    events[event, AFTER] = NONE
    events[event, IS_REPEAT] = is_repeat
    events[session, LAST] = event
    events[session, LENGTH] += 1
    products[item, HEAD] = event
    products[item, COUNT] += 1
    index.position[0] += 1
    return int(event)


@compiled
def _is_in_session(index: SessionIndex, event: int, item: int) -> bool:
    for _ in range(LOOK_BACK):
        if index.events[event, ITEM] == item:
            return True
        before = index.events[event, BEFORE]
        if before == NONE or age_of(index, before) <= age_of(index, event):
            return False
        event = before
    return False


@compiled
def _forget(index: SessionIndex, event: int) -> None:
    """Take the oldest event's part out of the counts, before its place is used again."""
    item, after = index.events[event, ITEM], index.events[event, AFTER]
    index.products[item, COUNT] -= 1
    if after != NONE:
        index.products[item, STEPS] -= 1
        index.products[item, REPEATS] -= index.events[after, IS_REPEAT]
    if index.products[item, HEAD] == event:
        index.products[item, HEAD] = NONE


class Visit(NamedTuple):
    """A session as it is looked at: distinct products, latest first, and how often each came."""

    prefix: Ints  # (MAX_PREFIX,)
    times: Ints  # (MAX_PREFIX,)
    others: Ints  # (MAX_PREFIX, 4) of the products above, without this very session: their columns
    others_recent: Floats  # (MAX_PREFIX,) and their decayed count, as of now
    counts: Ints  # (4,) distinct products, events, repeats among them, whether the last is one


N_PREFIX, N_EVENTS, N_REPEATS, ENDS_IN_REPEAT = range(4)


def empty_visit() -> Visit:
    """Return a visit that has seen nothing."""
    return Visit(
        np.zeros(MAX_PREFIX, np.int32),
        np.zeros(MAX_PREFIX, np.int32),
        np.zeros((MAX_PREFIX, 4), np.int32),
        np.zeros(MAX_PREFIX, np.float32),
        np.zeros(4, np.int32),
    )


@compiled
def begin_visit(visit: Visit) -> None:
    """Forget what a visit has seen."""
    for i in range(visit.counts.shape[0]):
        visit.counts[i] = 0


@compiled
def look_back(visit: Visit, item: int) -> None:
    """Take in a product that was seen before all those taken in already."""
    counts = visit.counts
    counts[N_EVENTS] += 1
    for place in range(counts[N_PREFIX]):
        if visit.prefix[place] == item:
            visit.times[place] += 1
            counts[N_REPEATS] += 1
            if place == 0:
                counts[ENDS_IN_REPEAT] = 1
            return
    place = counts[N_PREFIX]
    if place < MAX_PREFIX:
        visit.prefix[place] = item
        visit.times[place] = 1
        counts[N_PREFIX] += 1


@compiled
def visit_seen(index: SessionIndex, visit: Visit, seen: Ints, own: int) -> None:
    """Look back over products, latest first, and over the visitor's own session.

    Where that (its first event, else NONE) is in the index, it says what was seen, repeats too;
    what was seen since then comes before it, what was seen earlier behind.
    """
    begin_visit(visit)
    last, since = NONE, seen.shape[0]
    if own != NONE:
        last = index.events[own, LAST]
        for place in range(seen.shape[0]):
            if seen[place] == index.events[last, ITEM]:
                since = place
                break
    for place in range(min(since, LOOK_BACK)):
        look_back(visit, seen[place])
    if last == NONE:
        return
    _look_back_from(index, last, visit)
    for place in range(since, seen.shape[0]):
        if visit.counts[N_EVENTS] == LOOK_BACK:
            return
        if not _is_in_session(index, last, seen[place]):
            look_back(visit, seen[place])


@compiled
def visit_session(index: SessionIndex, event: int, visit: Visit) -> None:
    """Look back over a session from one of its events."""
    begin_visit(visit)
    _look_back_from(index, event, visit)


@compiled
def _look_back_from(index: SessionIndex, event: int, visit: Visit) -> None:
    age = 0
    while event != NONE and visit.counts[N_EVENTS] < LOOK_BACK:
        older = age_of(index, event)
        if older <= age:
            break
        age = older
        look_back(visit, index.events[event, ITEM])
        event = index.events[event, BEFORE]
