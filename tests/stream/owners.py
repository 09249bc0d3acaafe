"""Owners of shards over a real Redis, step by step: what a worker does, without its loop."""

from collections.abc import Callable
from itertools import count
from typing import Any

import redis

from config.events import ENTRY_FIELD, SUBJECT_FIELD, Entry, Event, encode_entry
from config.keys import Keys
from online_models.users import User, UserState, decode_user
from stream.batch import Rules
from stream.commits import Commit, decode_commit
from stream.pieces import Decoded
from stream.shards import Report, Shard
from stream.sources import LogReader, decode
from stream.transactions import Transactions
from tests.builders import IDS, digest_of

KEYS = Keys("test")
ANN = IDS.known("ann")
SHARD = ANN.shard

_numbers = count(1)


def append(client: redis.Redis, entry: Entry, digest: str | None = None, shard: int = SHARD) -> str:
    """Append an entry to a shard's log; return its id."""
    if digest is None:
        digest = digest_of(entry) if isinstance(entry, Event) else ""
    fields: dict[Any, Any] = {ENTRY_FIELD: encode_entry(entry), SUBJECT_FIELD: digest.encode()}
    entry_id: Any = client.xadd(KEYS.events(shard), fields)
    return str(entry_id.decode())


def fields_of(client: redis.Redis, key: str) -> list[dict[bytes, bytes]]:
    """Return the fields of each entry of a stream."""
    entries: Any = client.xrange(key)
    return [fields for _, fields in entries]


class Owner:
    """A worker that believes to own one shard."""

    def __init__(
        self,
        client: redis.Redis,
        shard: int = SHARD,
        cached_users: int = 1_000,
        transactions: Transactions | None = None,
        wait: Callable[[Exception], object] = lambda _: None,
        rules: Rules | None = None,
    ) -> None:
        self.client = client
        self.number = shard
        self.reader = LogReader(client, KEYS)
        self.shard = Shard(
            shard,
            client,
            transactions or Transactions(client),
            KEYS,
            IDS,
            rules or Rules(),
            f"w-{next(_numbers)}",
            cached_users,
            self.reader.start,
            wait,
        )
        self.reader.start(shard, self.commit().offset)

    def read(self) -> Decoded:
        """Return what is new in the log."""
        reads = self.reader.read()
        if not reads:
            return Decoded(self.number, self.reader.positions[self.number], [])
        return decode(reads[0])

    def go(self) -> Report:
        """Read once and apply what came."""
        reads = self.reader.read()
        if not reads:
            return self.shard.handle(Decoded(self.number, self.reader.positions[self.number], []))
        first, *_ = [self.shard.handle(decode(read)) for read in reads]
        return first

    def commit(self) -> Commit:
        """Return the shard's commit as Redis holds it."""
        value: Any = self.client.get(KEYS.commit(self.number))
        return decode_commit(value)

    def user(self, digest: str = ANN.digest) -> User | None:
        """Return a user as Redis holds it."""
        value: Any = self.client.get(KEYS.user(self.number, digest))
        return None if value is None else decode_user(value)

    def n_events(self, digest: str = ANN.digest) -> int:
        """Return how many events a user's stored state has taken."""
        state = self.user(digest)
        return state.n_events if isinstance(state, UserState) else 0
