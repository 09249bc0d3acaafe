"""What a batch of a shard's log works on, in memory: users, timers, clock, and what comes of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from config.durations import DAY_MS, MINUTE_MS
from config.events import (
    ConsentRefused,
    Decided,
    Entry,
    Erase,
    Event,
    InvalidEvent,
    ProductsChanged,
    RhythmLearned,
    Tick,
    encode_entry,
)
from config.examples import Example
from config.fired import Fired
from config.keys import Ids, Subject
from online_models.curves import Curves
from online_models.users import User, UserState, is_forgotten
from stream.rewards import due_at as decisions_due_at
from stream.rhythms import NOTHING_LEARNED
from stream.rhythms import due_at as rhythm_due_at
from stream.sessions import due_at as sessions_due_at
from stream.timers import Timers
from stream.trigger_rules import NO_TRIGGERS, InForce
from stream.watching import Changed, Watched, watched_by

LoadUser = Callable[[str], User | None]


class Logged(msgspec.Struct, frozen=True, gc=False):
    """An entry as the log holds it: its id, whom it is about, and who forwarded it, if anyone."""

    entry_id: str
    digest: str
    entry: Entry | InvalidEvent
    raw: bytes
    source: int | None = None
    source_id: str = ""

    def received_at(self) -> int:
        """Return the time to which this entry moves the clock (ms), 0 where it does not."""
        dated = Event | Decided | Tick | ConsentRefused | Erase | ProductsChanged | RhythmLearned
        if self.source is None and isinstance(self.entry, dated):
            return self.entry.received_at
        return 0


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things are remembered (ms), and which triggers are in force."""

    session_gap_ms: int = 30 * MINUTE_MS
    retention_ms: int = 180 * DAY_MS
    triggers: InForce = NO_TRIGGERS


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that could not be applied."""

    reason: str
    detail: str
    digest: str
    raw: bytes


@dataclass(slots=True)
class Outbox:
    """What a batch gives rise to beside new states, to be written in the same transaction."""

    examples: list[Example] = field(default_factory=list)
    outgoing: list[tuple[Subject, bytes]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """A shard's memory while a batch is applied.

    ``users`` is the shard's cache (None: known not to exist), ``load`` fetches one that is not in
    it. ``broken_timers`` are not to be fired again. ``product_changes`` are those that the entry
    tells of, with whom the index names; ``watched_before`` is what users watched when the batch
    began, ``unreadable`` are those of whom nobody knows. ``curves`` are those of all customers'
    orders, ``told_curves`` their bytes where they are new. ``sources`` holds the last id applied of
    each shard that forwards. ``changed`` names the users to write, ``results`` counts entries by
    type and what became of them.
    """

    ids: Ids
    rules: Rules
    users: dict[str, User | None]
    timers: Timers
    clock: int
    sources: dict[int, str]
    load: LoadUser
    broken_timers: frozenset[str] = frozenset()
    product_changes: Sequence[Changed] = ()
    watched_before: dict[str, Watched] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    curves: Curves = NOTHING_LEARNED
    told_curves: bytes | None = None
    outbox: Outbox = field(default_factory=Outbox)
    changed: set[str] = field(default_factory=set)
    results: Counter[tuple[str, str]] = field(default_factory=Counter)

    def user(self, digest: str) -> User | None:
        """Return a user; one who was away for longer than the retention is not known any more."""
        if digest not in self.users:
            self.users[digest] = self.load(digest)
        user = self.users[digest]
        if digest not in self.watched_before:
            self.watched_before[digest] = watched_by(user)
        return None if user is None or self._is_forgotten(user) else user

    def keep(self, digest: str, state: UserState) -> None:
        """Store a changed state and set its timer."""
        self.timers.set(digest, _due_at(state, self.rules))
        self.store(digest, state)

    def store(self, digest: str, user: User | None) -> None:
        """Store a changed user, None for no user any more."""
        self.users[digest] = user
        self.changed.add(digest)

    def _is_forgotten(self, user: User) -> bool:
        # Of whom quiet hours hold something is known until they are over.
        is_held = isinstance(user, UserState) and user.held_until >= self.clock
        return not is_held and is_forgotten(user, self.clock, self.rules.retention_ms)

    def send(self, digest: str, entry: Entry) -> None:
        """Send an entry to the shard of another user."""
        subject = Subject(self.ids.shard_of(digest), digest)
        self.outbox.outgoing.append((subject, encode_entry(entry)))

    def teach(self, example: Example) -> None:
        """Hand a training example to the learning flow."""
        self.outbox.examples.append(example)

    def count(self, kind: str, result: str) -> None:
        """Count an entry by type and what became of it."""
        self.results[kind, result] += 1


def _due_at(state: UserState, rules: Rules) -> int | None:
    """Return when (ms) something is to be done for a user though nothing happens."""
    due_at = sessions_due_at(state, rules.session_gap_ms)
    if due_at is None and (state.viewed or state.carted):
        due_at = state.received_at + rules.retention_ms + 1  # then nothing is kept
    if state.open_decisions:
        due_at = _earlier(due_at, decisions_due_at(state.open_decisions))
    if state.waits_due_at >= 0:
        due_at = _earlier(due_at, state.waits_due_at)
    return _earlier(due_at, rhythm_due_at(state))


def _earlier(first: int | None, second: int | None) -> int | None:
    if first is None or second is None:
        return first if second is None else second
    return min(first, second)
