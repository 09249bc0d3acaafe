"""What the products of a session count without that session: its own steps are no evidence.

The ranker learns from sessions whose steps are in the index already, is evaluated on sessions that
are not, and asked for those of visitors that mostly are. It sees the same in all three only if what
the session itself has added, a moment ago, is left out.
"""

import numpy as np

from online_models.compiled import compiled
from online_models.session_index import (
    AFTER,
    BEFORE,
    COUNT,
    HEAD,
    IS_REPEAT,
    ITEM,
    LAST,
    N_PREFIX,
    NONE,
    RECENT_EVENTS,
    REPEATS,
    SAME,
    SESSION,
    STEPS,
    SessionIndex,
    Visit,
    age_of,
    recent_of,
)


@compiled
def leave_out(index: SessionIndex, visit: Visit, own: int) -> None:
    """Note of a visit's products what others count; ``own`` is its first event, or NONE."""
    for z in range(visit.counts[N_PREFIX]):
        item = visit.prefix[z]
        visit.others[z] = index.products[item]
        visit.others_recent[z] = recent_of(index, item)
    if own == NONE:
        return
    events, age = index.events, 0
    event = events[own, LAST]
    while event != NONE:
        older = age_of(index, event)
        if older <= age:
            break
        age = older
        _leave_out_event(index, visit, event)
        event = events[event, BEFORE]
    for z in range(visit.counts[N_PREFIX]):
        visit.others[z, HEAD] = _newest_of_others(index, visit.prefix[z], own)


@compiled
def _leave_out_event(index: SessionIndex, visit: Visit, event: int) -> None:
    events, others = index.events, visit.others
    for z in range(visit.counts[N_PREFIX]):
        if visit.prefix[z] == events[event, ITEM]:
            others[z, COUNT] -= 1
            faded = np.exp(-np.float32(age_of(index, event)) / np.float32(RECENT_EVENTS))
            visit.others_recent[z] = max(visit.others_recent[z] - faded, np.float32(0.0))
            after = events[event, AFTER]
            if after != NONE:
                others[z, STEPS] -= 1
                others[z, REPEATS] -= events[after, IS_REPEAT]
            return


@compiled
def _newest_of_others(index: SessionIndex, item: int, own: int) -> int:
    """Return the newest event of a product that is not of the own session, or NONE."""
    event, age = index.products[item, HEAD], 0
    while event != NONE:
        older = age_of(index, event)
        if older <= age or index.events[event, ITEM] != item:
            return NONE
        if index.events[event, SESSION] != own:
            return int(event)
        age = older
        event = index.events[event, SAME]
    return NONE
