"""Load, apply, commit: the one place where a shard's state meets its log.

The rule, each piece of which is needed:

1. ``WATCH`` and read the shard's commit. If it is not what this owner wrote last, the cache is
   stale: drop it. If its offset lies before the entry in front of this batch, entries are missing
   in between: send the source back and apply nothing. Skip entries at or before the offset.
2. Load the users that are not cached; apply entries in order.
3. One ``MULTI``: changed users, timers, outboxes, the new commit; ``EXEC``. A ``WatchError``:
   forget, redo in place. A lost reply or connection: forget, reconnect, go through 1 again, never
   send the ``EXEC`` again. The same where Redis is full. Anything else raises, and the process is
   started again. An entry whose apply raises twice becomes a dead letter; what came before it is
   committed first, so that one bad entry costs no more than itself.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.exceptions import WatchError

from config.events import ProductsChanged, Reason
from config.keys import Ids, Keys
from config.log_ids import log_id
from online_models.curves import Curves
from online_models.users import BrokenState, UnknownStateVersion, User, decode_user
from stream.batch import Batch, Logged, Rules
from stream.commits import Commit, decode_commit, encode_commit
from stream.journal import TimerFailed, apply, set_aside
from stream.pieces import Decoded, apart, cut, entries_after
from stream.rhythms import NOTHING_LEARNED, read_curves
from stream.timers import Timers
from stream.transactions import AWAY, Transactions
from stream.watchers import Filter, Portion, members_of, read_filter, read_portion
from stream.watching import Changed
from stream.writing import commands_for, new_members


@dataclass(slots=True)
class Report:
    """What became of one batch."""

    shard: int
    n_entries: int = 0
    is_committed: bool = False
    n_gaps: int = 0
    n_conflicts: int = 0
    n_reconnects: int = 0
    oldest_id: str = ""
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    dead: list[str] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)  # by trigger
    has_outgoing: bool = False
    has_erasures: bool = False


class ApplyFailed(Exception):
    """An entry raised; carries which, and what it raised."""

    def __init__(self, entry_id: str, cause: Exception) -> None:
        super().__init__(f"entry {entry_id}: {type(cause).__name__}")
        self.entry_id = entry_id
        self.cause = cause


class Shard:
    """The owner's view of one shard: its cached users and timers, and the commit they belong to.

    ``rules`` may be set anew between two batches. ``send_back(shard, offset)`` moves the source;
    ``wait_for_redis(error)`` is called between tries while Redis is away or full, and raises when
    the worker is to end.
    """

    def __init__(
        self,
        shard: int,
        client: redis.Redis,
        transactions: Transactions,
        keys: Keys,
        ids: Ids,
        rules: Rules,
        worker_id: str,
        cached_users: int,
        send_back: Callable[[int, str], None],
        wait_for_redis: Callable[[Exception], object],
    ) -> None:
        self.shard = shard
        self._client = client
        self._transactions = transactions
        self._keys = keys
        self._ids = ids
        self.rules = rules
        self._worker_id = worker_id
        self._cached_users = cached_users
        self._send_back = send_back
        self._wait_for_redis = wait_for_redis
        self._written: bytes | None = None
        self._users: dict[str, User | None] = {}
        self._timers: Timers | None = None
        self._curves = NOTHING_LEARNED
        self._watched: Filter | None = None  # until products change
        self._failed: set[str] = set()
        self._poison: dict[str, Exception] = {}
        self._broken_timers: frozenset[str] = frozenset()

    def handle(self, decoded: Decoded) -> Report:
        """Apply a batch and commit it, whatever happens to Redis meanwhile.

        Raises:
            UnknownStateVersion: a newer Shopkeeper wrote a state; nothing is lost, run that one.
        """
        report = Report(self.shard)
        pieces = deque(apart(decoded))
        while pieces:
            try:
                is_done = self._handle_once(pieces[0], report)
            except WatchError:
                report.n_conflicts += 1
                self._forget()
            except AWAY as error:
                report.n_reconnects += 1
                self._forget()
                self._wait_for_redis(error)
            except ApplyFailed as failure:
                self._forget()
                pieces.extendleft(reversed(self._single_out(pieces.popleft(), failure)))
            except TimerFailed as failed:
                self._forget()
                self._note_timer(failed)
            else:
                if is_done:
                    pieces.popleft()
                else:
                    pieces.clear()  # read again, so that leases are renewed meanwhile
        self._failed.clear()
        self._poison.clear()
        # After a lost reply nobody knows whether an outbox was filled: look.
        is_unsure = bool(report.n_conflicts or report.n_reconnects)
        report.has_outgoing |= is_unsure
        report.has_erasures |= is_unsure
        return report

    def _single_out(self, piece: Decoded, failure: ApplyFailed) -> list[Decoded]:
        """Return the piece in three: before the entry that failed, that one alone, and after it."""
        if len(piece.entries) == 1:
            if failure.entry_id in self._failed:
                self._poison[failure.entry_id] = failure.cause
            self._failed.add(failure.entry_id)
            return [piece]
        ids = [logged.entry_id for logged in piece.entries]
        place = ids.index(failure.entry_id)
        return cut(piece, [place, place + 1])

    def _note_timer(self, failed: TimerFailed) -> None:
        if failed.digest in self._failed:
            self._broken_timers |= {failed.digest}
        self._failed.add(failed.digest)

    def earliest_timer(self) -> int | None:
        """Return when the next timer is due (ms, by the shard's clock), as far as is known."""
        return None if self._timers is None else self._timers.earliest()

    def n_cached_users(self) -> int:
        """Return how many users are held in memory."""
        return len(self._users)

    def _forget(self) -> None:
        self._written = None
        self._users = {}
        self._timers = None
        self._watched = None

    def _handle_once(self, decoded: Decoded, report: Report) -> bool:
        """Apply a piece and commit it; tell whether that was all of it, else it was sent back."""
        key = self._keys.commit(self.shard)
        (stored,) = self._transactions.watch(key, ("GET", key))
        if stored != self._written or self._timers is None:
            self._forget()
            self._timers = self._load_timers()
            self._curves = self._load_curves()
        self._written = stored
        commit = decode_commit(stored)
        if log_id(commit.offset) < log_id(decoded.after):
            report.n_gaps += 1
            self._send_back(self.shard, commit.offset)
            return True
        entries = entries_after(commit.offset, decoded.entries)
        if not entries:
            return True
        portion = self._changes_for(commit, entries[0])
        batch = self._apply(self._timers, commit, entries, portion.changed)
        committed = Commit(
            offset=entries[-1].entry_id if portion.is_last else commit.offset,
            seq=commit.seq + 1,
            worker=self._worker_id,
            clock=batch.clock,
            sources=batch.sources,
            products=portion.until,
        )
        written = encode_commit(committed)
        changes = commands_for(self._keys, self.shard, batch, committed.offset)
        if self._watched is not None:
            self._watched.add(new_members(changes, self._keys.watchers(self.shard)))
        if batch.unreadable:
            gone = members_of(self._client, self._keys, self.shard, batch.unreadable)
            changes += [("ZREM", self._keys.watchers(self.shard), *gone)] if gone else []
        self._transactions.execute([*changes, ("SET", key, written)])
        self._written = written
        if portion.n_cut:
            batch.results["product", "cut"] = portion.n_cut
        self._settle(batch, entries, portion.is_last, report)
        if not portion.is_last:
            self._send_back(self.shard, commit.offset)
        return portion.is_last

    def _changes_for(self, commit: Commit, logged: Logged) -> Portion:
        """Return the changes of products that an entry, alone in its piece, announces."""
        if not isinstance(logged.entry, ProductsChanged):
            return Portion(commit.products)
        until = logged.entry.until
        if logged.entry_id in self._poison or not self.rules.triggers.products:
            return Portion(max(commit.products, until, key=log_id))
        read = (self._transactions, self._keys, self.shard)
        if self._watched is None:
            self._watched = read_filter(*read)
        return read_portion(*read, commit.products, until, self._watched, self.rules.triggers)

    def _apply(
        self, timers: Timers, commit: Commit, entries: list[Logged], changed: Sequence[Changed]
    ) -> Batch:
        digests = {logged.digest for logged in entries if logged.digest}
        digests |= {digest for one in changed for digest in one.digests}
        clock = max((logged.received_at() for logged in entries), default=0)
        self._load_users(digests.union(timers.due_by(clock)))
        batch = Batch(
            self._ids,
            self.rules,
            self._users,
            timers,
            commit.clock,
            dict(commit.sources),
            load=self._load_user,
            broken_timers=self._broken_timers,
            product_changes=changed,
            curves=self._curves,
        )
        for logged in entries:
            cause = self._poison.get(logged.entry_id)
            if cause is not None:
                set_aside(batch, logged, Reason.APPLY_FAILED, type(cause).__name__)
                continue
            try:
                apply(batch, logged)
            except (*AWAY, UnknownStateVersion, TimerFailed):
                raise
            except Exception as error:
                raise ApplyFailed(logged.entry_id, error) from error
        return batch

    def _load_users(self, digests: set[str]) -> None:
        """Load what is not cached; what cannot be decoded raises when an entry asks for it."""
        missing = [digest for digest in digests if digest not in self._users]
        if not missing:
            return
        names = (self._keys.user(self.shard, digest) for digest in missing)
        values = self._transactions.read(("MGET", *names))
        for digest, value in zip(missing, values, strict=True):
            with suppress(BrokenState):
                self._users[digest] = _decode(value)

    def _load_user(self, digest: str) -> User | None:
        return _decode(self._transactions.read(("GET", self._keys.user(self.shard, digest))))

    def _load_timers(self) -> Timers:
        """Load all timers, on another connection: had they changed since, the commit would fail."""
        items: Any = self._client.zrange(self._keys.timers(self.shard), 0, -1, withscores=True)
        return Timers((name.decode(), int(score)) for name, score in items)

    def _load_curves(self) -> Curves:
        value: Any = self._client.get(self._keys.rhythm(self.shard))
        return read_curves(value)

    def _settle(self, batch: Batch, entries: list[Logged], is_last: bool, report: Report) -> None:
        """Take note of what is now committed; let go of the users not touched for longest."""
        batch.timers.changed.clear()
        self._curves = batch.curves
        for digest in batch.changed:
            self._users[digest] = self._users.pop(digest)
        for digest in list(self._users)[: max(len(self._users) - self._cached_users, 0)]:
            del self._users[digest]
        report.n_entries += len(entries) if is_last else 0
        report.is_committed = True
        report.oldest_id = report.oldest_id or entries[0].entry_id
        report.results.update(batch.results)
        report.fired.update(one.trigger for one in batch.outbox.fired)
        report.dead += [letter.reason for letter in batch.outbox.dead]
        report.has_outgoing |= bool(batch.outbox.outgoing)
        report.has_erasures |= bool(batch.outbox.erased)


def _decode(value: bytes | None) -> User | None:
    return None if value is None else decode_user(value)
