"""Applies the entries of a shard's log, one after the other. Pure: nothing here knows Redis.

The clock of the shard is the largest ``received_at`` seen in its own log; entries that another
shard forwarded do not move it. Timers due by the clock fire before the entry that moved it. An
entry that raises leaves the batch unusable: the caller drops it and all that was in memory.
"""

from config.commerce import Name
from config.events import (
    ConsentRefused,
    Decided,
    Erase,
    Event,
    Forwarded,
    InvalidEvent,
    Link,
    Merge,
    ProductsChanged,
    RhythmLearned,
)
from config.log_ids import log_id
from online_models.curves import decode_curves
from online_models.rhythm import pass_time
from online_models.users import (
    BrokenState,
    Linked,
    Session,
    Suppressed,
    UnknownStateVersion,
    UserState,
)
from stream import identity, triggering
from stream.attribution import take_decided
from stream.batch import Batch, DeadLetter, Logged
from stream.dedupe import remember_id
from stream.exposures import Told, figures_of
from stream.forecast_triggers import follow_forecasts
from stream.joined_waits import counted_by
from stream.moments import note_moment, visits_of
from stream.product_triggers import take_change
from stream.profiles import apply_event, count_session, new_state
from stream.rewards import SETTLING, close_due, settle
from stream.rhythms import follow_orders
from stream.sessions import take_finished, take_surplus
from stream.teaching import examples_of
from stream.watching import concerned


class TimerFailed(Exception):
    """A user's timer raised; carries whose, and what it raised."""

    def __init__(self, digest: str, cause: Exception) -> None:
        super().__init__(f"timer: {type(cause).__name__}")
        self.digest = digest
        self.cause = cause


def apply(batch: Batch, logged: Logged) -> None:
    """Apply one entry to the batch."""
    if logged.source is not None and not _is_new(batch, logged.source, logged.source_id):
        batch.count("forwarded", "duplicate")
        return
    entry = logged.entry
    if isinstance(entry, InvalidEvent):
        set_aside(batch, logged, entry.reason, entry.detail)
        return
    _pass_time(batch, logged.received_at())
    if isinstance(entry, Event):
        _take_event(batch, logged.digest, entry)
    elif isinstance(entry, Forwarded):
        _take_forwarded(batch, logged.digest, entry.event)
    elif isinstance(entry, Link):
        identity.link(batch, logged.digest, entry)
    elif isinstance(entry, Merge):
        before = counted_by(batch.user(logged.digest))
        state = identity.merge(batch, logged.digest, entry)
        if state is not None:
            triggering.note_joined(batch, logged.digest, state, before)
            _follow_orders(batch, state)
            _keep(batch, logged.digest, state, figures_of(state.exposures))
    elif isinstance(entry, Decided):
        _take_decided(batch, logged, entry)
    elif isinstance(entry, ConsentRefused):
        identity.refuse(batch, logged.digest, entry)
    elif isinstance(entry, Erase):
        identity.erase(batch, logged.digest, entry)
    elif isinstance(entry, ProductsChanged):
        _take_changes(batch)
    elif isinstance(entry, RhythmLearned):
        batch.curves, batch.told_curves = decode_curves(entry.curves), entry.curves


def set_aside(batch: Batch, logged: Logged, reason: str, detail: str) -> None:
    """Make an entry a dead letter."""
    batch.outbox.dead.append(DeadLetter(reason, detail, logged.digest, logged.raw))
    batch.count("entry", "dead")


def _is_new(batch: Batch, source: int, source_id: str) -> bool:
    """Forwarded entries come in the order of the other shard's outgoing, maybe repeated."""
    last = batch.sources.get(source)
    if last is not None and log_id(source_id) <= log_id(last):
        return False
    batch.sources[source] = source_id
    return True


def _pass_time(batch: Batch, received_at: int) -> None:
    if received_at <= batch.clock:
        return
    for due_at, digest in batch.timers.take_due(received_at):
        batch.clock = max(batch.clock, due_at)
        _fire(batch, digest, received_at)
    batch.clock = received_at


def _fire(batch: Batch, digest: str, now: int) -> None:
    """Do what is due for a user by the clock, which is on its way to ``now``."""
    if digest in batch.broken_timers:
        batch.count("timer", "dropped")
        return
    try:
        user = batch.user(digest)
        if isinstance(user, UserState):
            if user.open_sessions:
                finished = take_finished(user, batch.clock, batch.rules.session_gap_ms)
                _finish(batch, digest, user, finished)
            if user.open_decisions:
                identity.teach(batch, user, close_due(user, batch.clock))
            if user.rhythm is not None:
                passed = pass_time(user.rhythm, batch.clock)
                identity.teach(batch, user, passed)
                is_anew = bool(passed) or 0 <= user.waits_due_at <= batch.clock
                follow_forecasts(user, batch.curves, batch.rules.triggers, is_anew=is_anew)
            triggering.pass_time(batch, digest, user, batch.clock, now)
            batch.keep(digest, user)
        elif user is None:
            batch.store(digest, None)  # away for longer than the retention: nothing is kept
    except UnknownStateVersion:
        raise
    except Exception as error:
        # Not the fault of the entry that moved the clock.
        raise TimerFailed(digest, error) from error


def _finish(batch: Batch, digest: str, state: UserState, sessions: list[Session]) -> None:
    for session in sessions:
        count_session(state, session)
        if session.moments:
            identity.teach(batch, state, visits_of(state, session))
        batch.count("session", "finished")


def _take_changes(batch: Batch) -> None:
    """Take changes of products in, for whom they concern."""
    for changed in batch.product_changes:
        for digest in changed.digests:
            try:
                user = batch.user(digest)
            except BrokenState:
                batch.count("product", "unreadable")
                continue
            one = concerned(digest, user, changed)
            batch.count("product", "unconcerned" if one is None else "concerned")
            if one is not None and take_change(batch, one):
                batch.keep(digest, one.state)


def _take_event(batch: Batch, digest: str, event: Event) -> None:
    user = batch.user(digest)
    if isinstance(user, Suppressed):
        batch.count(event.type, "suppressed")
        return
    if user is None:
        user = new_state(event.occurred_at, batch.clock)
    elif isinstance(user, UserState) and identity.refuses(user, event):
        batch.count(event.type, "refused")
        return
    ring = remember_id(user.recent_ids, event.message_id, batch.clock)
    if ring is None:
        batch.count(event.type, "duplicate")
        return
    user.recent_ids = ring
    if isinstance(user, Linked):
        user.received_at = batch.clock
        batch.store(digest, user)
        batch.send(user.known, Forwarded(event))
        batch.count(event.type, "forwarded")
        return
    _apply_event(batch, digest, user, event, batch.clock)
    if event.type in ("identify", "alias"):
        identity.send_links(batch, digest, event)


def _take_forwarded(batch: Batch, digest: str, event: Event) -> None:
    """Take an event of a linked visitor; what it repeats was dropped where it came in."""
    user = batch.user(digest)
    if isinstance(user, Suppressed):
        batch.count(event.type, "suppressed")
        return
    if not isinstance(user, UserState):
        user = new_state(event.occurred_at, event.received_at)
    elif identity.refuses(user, event):
        batch.count(event.type, "refused")
        return
    _apply_event(batch, digest, user, event, event.received_at)


def _apply_event(
    batch: Batch, digest: str, state: UserState, event: Event, received_at: int
) -> None:
    gap_ms = batch.rules.session_gap_ms
    is_late = event.occurred_at < state.latest_at - gap_ms
    before = figures_of(state.exposures) if event.name in SETTLING else None
    session, products = apply_event(state, event, received_at, gap_ms)
    if products:
        key = batch.ids.session_key(digest, session.start_at)
        for example in examples_of(event, state, session, products, key):
            batch.teach(example)
    note_moment(state, session, event)
    triggering.note_event(batch, digest, state, session, event, received_at)
    if event.name == Name.ORDER_COMPLETED:
        _follow_orders(batch, state)
    batch.count(event.type, "applied_late" if is_late else "applied")
    _keep(batch, digest, state, before)


def _follow_orders(batch: Batch, state: UserState) -> None:
    identity.teach(batch, state, follow_orders(state, batch.curves))
    follow_forecasts(state, batch.curves, batch.rules.triggers, is_anew=True)


def _take_decided(batch: Batch, logged: Logged, decided: Decided) -> None:
    """Take a decision's choices; it is no event of a session, and says nothing of the visitor."""
    user = batch.user(logged.digest)
    if isinstance(user, Suppressed) or (isinstance(user, UserState) and identity.has_refused(user)):
        batch.count("decided", "suppressed" if isinstance(user, Suppressed) else "refused")
        return
    is_forwarded = logged.source is not None
    received_at = decided.received_at if is_forwarded else batch.clock
    if user is None:
        user = new_state(decided.received_at, received_at)
    if not is_forwarded:  # what it repeats was dropped where it came in
        ring = remember_id(user.recent_ids, f"decided:{decided.decision_id}", batch.clock)
        if ring is None:
            batch.count("decided", "duplicate")
            return
        user.recent_ids = ring
    user.received_at = max(user.received_at, received_at)
    if isinstance(user, Linked):
        batch.store(logged.digest, user)
        batch.send(user.known, decided)
        batch.count("decided", "forwarded")
        return
    before = figures_of(user.exposures)
    take_decided(user, decided, received_at)
    batch.count("decided", "applied")
    _keep(batch, logged.digest, user, before)


def _keep(batch: Batch, digest: str, state: UserState, before: Told | None) -> None:
    """Store a changed state.

    ``before`` is what was told of its exposures so far, None where nothing happened to them.
    """
    if before is not None and (state.open_decisions or state.exposures):
        identity.teach(batch, state, settle(state, before, batch.clock))
    surplus = take_surplus(state)
    if surplus:
        _finish(batch, digest, state, surplus)
    batch.keep(digest, state)
