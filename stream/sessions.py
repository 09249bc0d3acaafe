"""Session boundaries: which events of a visitor belong together, and when a session is over.

Two events belong together when their event times lie no further apart than the session gap. A
late event may join two sessions into one. A session is over when nothing of it has come in for
longer than a gap by the shard's clock; it then counts, once.
"""

from online_models.bounded import earliest, latest
from online_models.users import MAX_OPEN_SESSIONS, Session, UserState
from stream.moments import join_moments


def session_of(state: UserState, occurred_at: int, received_at: int, gap_ms: int) -> Session:
    """Return the open session that an event falls into, opened or joined as needed, in place."""
    sessions = state.open_sessions
    if sessions:
        last = sessions[-1]
        if last.start_at <= occurred_at <= last.end_at + gap_ms:
            last.end_at = max(last.end_at, occurred_at)
            last.received_at = max(last.received_at, received_at)
            return last
    session = Session(start_at=occurred_at, end_at=occurred_at, received_at=received_at)
    return add_session(sessions, session, gap_ms)


def add_session(sessions: list[Session], session: Session, gap_ms: int) -> Session:
    """Put a session among others, in place, joining all that it touches; return the joint one."""
    apart = []
    for other in sessions:
        if other.start_at - gap_ms <= session.end_at and session.start_at - gap_ms <= other.end_at:
            session = _join(other, session)
        else:
            apart.append(other)
    sessions[:] = sorted((*apart, session), key=_by_start)
    return session


def due_at(state: UserState, gap_ms: int) -> int | None:
    """Return when (ms, by the shard's clock) the next session of this user is over."""
    if not state.open_sessions:
        return None
    return min(session.received_at for session in state.open_sessions) + gap_ms + 1


def take_finished(state: UserState, clock: int, gap_ms: int) -> list[Session]:
    """Take out, in place, the sessions that are over, oldest first."""
    finished = [s for s in state.open_sessions if s.received_at + gap_ms < clock]
    return _take(state, finished)


def take_surplus(state: UserState) -> list[Session]:
    """Take out, in place, the oldest sessions beyond the number that may be open."""
    return _take(state, state.open_sessions[: max(len(state.open_sessions) - MAX_OPEN_SESSIONS, 0)])


def _take(state: UserState, sessions: list[Session]) -> list[Session]:
    for session in sessions:
        state.open_sessions.remove(session)
    return sessions


def _by_start(session: Session) -> tuple[int, int]:
    return (session.start_at, session.end_at)


def _join(first: Session, second: Session) -> Session:
    return Session(
        start_at=min(first.start_at, second.start_at),
        end_at=max(first.end_at, second.end_at),
        received_at=max(first.received_at, second.received_at),
        n_events=first.n_events + second.n_events,
        n_pages=first.n_pages + second.n_pages,
        n_views=first.n_views + second.n_views,
        n_carts=first.n_carts + second.n_carts,
        n_orders=first.n_orders + second.n_orders,
        revenue=first.revenue + second.revenue,
        referrer=earliest(first.referrer, second.referrer),
        campaign=earliest(first.campaign, second.campaign),
        landing_page=earliest(first.landing_page, second.landing_page),
        device=latest(first.device, second.device),
        stage=latest(first.stage, second.stage),
        moments=join_moments(first.moments, second.moments),
    )
