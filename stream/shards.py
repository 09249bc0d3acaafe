"""Load, apply, commit: the one place where a shard's state meets its log.

The rule, each piece of which is needed:

1. ``WATCH`` and read the shard's commit. If it is not what this owner wrote last, the cache is
   stale: drop it. If its offset lies before the entry in front of this batch, entries are missing
   in between: send the source back and apply nothing. Skip entries at or before the offset.
2. Load the users that are not cached; apply entries in order.
3. One ``MULTI``: changed users, timers, outboxes, the new commit; ``EXEC``. A ``WatchError``:
   forget, redo in place. A lost reply or connection: forget, reconnect, go through 1 again, never
   send the ``EXEC`` again. Anything else raises, and the process is started again. An entry whose
   apply raises twice becomes a dead letter.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.exceptions import WatchError

from config.events import Reason
from config.keys import Ids, Keys
from online_models.users import BrokenState, UnknownStateVersion, User, decode_user
from stream.batch import Batch, Logged, Rules
from stream.commits import Commit, decode_commit, encode_commit, log_id
from stream.journal import apply, set_aside
from stream.timers import Timers
from stream.transactions import Transactions
from stream.writing import commands_for


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was read of one shard's log: the entries after ``after``."""

    shard: int
    after: str
    entries: list[Logged]


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
    results: dict[tuple[str, str], int] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
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

    ``send_back(shard, offset)`` moves the source; ``wait_for_redis`` is called between tries while
    Redis is away, and raises when the worker is to end.
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
        wait_for_redis: Callable[[], None],
    ) -> None:
        self.shard = shard
        self._client = client
        self._transactions = transactions
        self._keys = keys
        self._ids = ids
        self._rules = rules
        self._worker_id = worker_id
        self._cached_users = cached_users
        self._send_back = send_back
        self._wait_for_redis = wait_for_redis
        self._written: bytes | None = None
        self._users: dict[str, User | None] = {}
        self._timers: Timers | None = None
        self._failures: dict[str, ApplyFailed] = {}
        self._poison: set[str] = set()

    def handle(self, decoded: Decoded) -> Report:
        """Apply a batch and commit it, whatever happens to Redis meanwhile."""
        report = Report(self.shard)
        while True:
            try:
                self._handle_once(decoded, report)
            except WatchError:
                report.n_conflicts += 1
                self._forget()
            except (RedisConnectionError, RedisTimeoutError):
                report.n_reconnects += 1
                self._forget()
                self._wait_for_redis()
            except ApplyFailed as failure:
                self._forget()
                if failure.entry_id in self._failures:
                    self._poison.add(failure.entry_id)
                self._failures[failure.entry_id] = failure
            else:
                self._failures.clear()
                self._poison.clear()
                # After a lost reply nobody knows whether an outbox was filled: look.
                report.has_outgoing |= bool(report.n_conflicts or report.n_reconnects)
                report.has_erasures |= bool(report.n_conflicts or report.n_reconnects)
                return report

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

    def _handle_once(self, decoded: Decoded, report: Report) -> None:
        key = self._keys.commit(self.shard)
        (stored,) = self._transactions.watch(key, ("GET", key))
        if stored != self._written or self._timers is None:
            self._forget()
            self._timers = self._load_timers()
        self._written = stored
        commit = decode_commit(stored)
        if log_id(commit.offset) < log_id(decoded.after):
            report.n_gaps += 1
            self._send_back(self.shard, commit.offset)
            return
        entries = entries_after(commit.offset, decoded.entries)
        if not entries:
            return
        batch = self._apply(self._timers, commit, entries)
        committed = Commit(
            offset=entries[-1].entry_id,
            seq=commit.seq + 1,
            worker=self._worker_id,
            clock=batch.clock,
            sources=batch.sources,
        )
        written = encode_commit(committed)
        changes = commands_for(self._keys, self.shard, batch, committed.offset)
        self._transactions.execute([*changes, ("SET", key, written)])
        self._written = written
        self._settle(batch, entries, report)

    def _apply(self, timers: Timers, commit: Commit, entries: list[Logged]) -> Batch:
        self._load_users({logged.digest for logged in entries if logged.digest})
        batch = Batch(
            self._ids,
            self._rules,
            self._users,
            timers,
            commit.clock,
            dict(commit.sources),
            load=self._load_user,
        )
        for logged in entries:
            if logged.entry_id in self._poison:
                cause = self._failures[logged.entry_id].cause
                set_aside(batch, logged, Reason.APPLY_FAILED, type(cause).__name__)
                continue
            try:
                apply(batch, logged)
            except (RedisConnectionError, RedisTimeoutError):
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
            with suppress(BrokenState, UnknownStateVersion):
                self._users[digest] = _decode(value)

    def _load_user(self, digest: str) -> User | None:
        return _decode(self._transactions.read(("GET", self._keys.user(self.shard, digest))))

    def _load_timers(self) -> Timers:
        """Load all timers, on another connection: had they changed since, the commit would fail."""
        items: Any = self._client.zrange(self._keys.timers(self.shard), 0, -1, withscores=True)
        return Timers((name.decode(), int(score)) for name, score in items)

    def _settle(self, batch: Batch, entries: list[Logged], report: Report) -> None:
        """Take note of what is now committed; let go of the users not touched for longest."""
        batch.timers.changed.clear()
        for digest in batch.changed:
            self._users[digest] = self._users.pop(digest)
        for digest in list(self._users)[: max(len(self._users) - self._cached_users, 0)]:
            del self._users[digest]
        report.n_entries = len(entries)
        report.is_committed = True
        report.oldest_id = entries[0].entry_id
        report.results = dict(batch.results)
        report.dead = [letter.reason for letter in batch.outbox.dead]
        report.has_outgoing = bool(batch.outbox.outgoing)
        report.has_erasures = bool(batch.outbox.erased)


def entries_after(offset: str, entries: list[Logged]) -> list[Logged]:
    """Return the entries past an offset; mostly that is all of them."""
    if not entries or log_id(entries[0].entry_id) > log_id(offset):
        return entries
    return [logged for logged in entries if log_id(logged.entry_id) > log_id(offset)]


def _decode(value: bytes | None) -> User | None:
    return None if value is None else decode_user(value)
