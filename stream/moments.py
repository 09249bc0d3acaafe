"""Moments of sessions that models are taught of: what was known then, and how it went on. Pure.

A hash of the message id chooses them, so that a replay chooses the same. They are a sample because
each takes room in the user's state until the session is over; of what is late none is taken, since
no server ever saw the visitor like that.
"""

from collections.abc import Iterable
from heapq import nsmallest
from zlib import crc32

from config.events import Event
from config.examples import Visited
from online_models.features import feature_vector
from online_models.packing import pack, unpack
from online_models.users import MAX_MOMENTS, Moment, Session, UserState

ONE_OF = 32  # events
_BELOW = (1 << 32) // ONE_OF


def note_moment(state: UserState, session: Session, event: Event) -> None:
    """Keep the moment after an event, in place, where its hash is among the session's lowest."""
    mark = crc32(event.message_id.encode())
    if mark >= _BELOW or event.occurred_at < session.end_at:
        return
    kept = session.moments
    if len(kept) >= MAX_MOMENTS and mark >= kept[-1].mark:
        return
    at = event.occurred_at
    moment = Moment(mark, at, pack(feature_vector(state, at)))
    session.moments = join_moments(kept, [moment])


def join_moments(first: Iterable[Moment], second: Iterable[Moment]) -> list[Moment]:
    """Return the moments with the lowest hashes of both."""
    return nsmallest(MAX_MOMENTS, (*first, *second), key=_order)


def visits_of(state: UserState, session: Session) -> list[Visited]:
    """Return the moments of a session that is over, with how it went on."""
    return [
        Visited(
            features=unpack(moment.features),
            occurred_at=moment.at,
            is_last=session.end_at <= moment.at,
            is_ordered=any(moment.at < order.at <= session.end_at for order in state.order_history),
        )
        for moment in session.moments
    ]


def _order(moment: Moment) -> tuple[int, int]:
    return (moment.mark, moment.at)
