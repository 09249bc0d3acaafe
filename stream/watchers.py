"""A shard's index of who watches what, and the changes of products that it is asked for.

A change takes effect in a shard once: the shard's commit says up to which version changes are
taken in, and an announcement (``ProductsChanged``) in its log up to which they may be. Where that
is many, several commits take a portion each, also when 100,000 products change at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import redis
import structlog

from config.events import ProductsChanged
from config.keys import Keys
from config.log_ids import log_id
from config.product_changes import (
    CHANGES_AN_ENTRY,
    CHANGES_FIELD,
    InvalidChanges,
    ProductChange,
    decode_changes,
    product_mark,
)
from stream.commits import BrokenCommit, decode_commit
from stream.product_triggers import matters
from stream.told_shards import ToldShards
from stream.transactions import Transactions
from stream.trigger_rules import InForce
from stream.watching import Changed, digest_of_member, raw_digest, score_of

log = structlog.get_logger()

MAX_WATCHERS = 1_000  # of a product in a shard: with 64 shards, 64,000 in the shop
ENTRIES_A_PORTION = 1_000 // CHANGES_AN_ENTRY
WATCHERS_A_PORTION = 1_000  # beyond it only those of a single entry
ENTRIES_A_TURN = 5_000 // CHANGES_AN_ENTRY
FILTER_BITS = 1 << 20
_ENTRIES_KEPT = 2 * ENTRIES_A_TURN
_SCANNED_AT_ONCE = 1_000
_READ_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Portion:
    """Changes up to a version; ``is_last`` where no more of the announced ones are left.

    ``n_cut``: how many more watch a product than are told.
    """

    until: str
    changed: Sequence[Changed] = ()
    is_last: bool = True
    n_cut: int = 0


class Filter:
    """Which products may be watched in a shard: most are not, and need not be looked up.

    A product is a bit of a fixed number of them; those that nobody watches any more stay.
    """

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        self._bits = bytearray(FILTER_BITS // 8)
        self.add(members)

    def add(self, members: Iterable[bytes]) -> None:
        """Take in members that come into the index."""
        for member in members:
            bit = score_of(member) % FILTER_BITS
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def may_hold(self, score: int) -> bool:
        """Tell whether somebody may watch the product; no is certain."""
        bit = score % FILTER_BITS
        return bool(self._bits[bit >> 3] & 1 << (bit & 7))


def read_filter(transactions: Transactions, keys: Keys, shard: int) -> Filter:
    """Return the filter of all that a shard's users watch.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    key, found = keys.watchers(shard), Filter()
    # Members neither come nor go meanwhile, or the commit that needs them is refused.
    for start in count(step=_READ_AT_ONCE):
        members = transactions.read(("ZRANGE", key, start, start + _READ_AT_ONCE - 1))
        found.add(members)
        if len(members) < _READ_AT_ONCE:
            break
    return found


def read_portion(
    transactions: Transactions,
    keys: Keys,
    shard: int,
    after: str,
    announced: str,
    watched: Filter,
    in_force: InForce,
) -> Portion:
    """Return the next changes after a version that matter, with whom the shard's index names.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    if log_id(after) >= log_id(announced):
        return Portion(after)
    stream = keys.product_changes()
    (entries,) = transactions.read_all(
        [("XRANGE", stream, f"({after}", announced, "COUNT", ENTRIES_A_PORTION)]
    )
    told = [
        (
            entry_id.decode(),
            [
                (score, one)
                for score, one in _changes(*flat)
                if watched.may_hold(score) and matters(in_force, one)
            ],
        )
        for entry_id, flat in entries
    ]
    key = keys.watchers(shard)
    scores = [score for _, some in told for score, _ in some]
    counts = iter(transactions.read_all([("ZCOUNT", key, score, score) for score in scores]))
    taken: list[tuple[str, int, ProductChange]] = []
    n_watchers, n_cut, until = 0, 0, after
    is_last = len(entries) < ENTRIES_A_PORTION
    for version, some in told:
        counted = [(score, change, next(counts)) for score, change in some]
        n_watchers += sum(min(n, MAX_WATCHERS) for _, _, n in counted)
        if taken and n_watchers > WATCHERS_A_PORTION:
            is_last = False
            break
        until = version
        n_cut += sum(max(n - MAX_WATCHERS, 0) for _, _, n in counted)
        taken += [(version, score, change) for score, change, n in counted if n]
    found = _watchers(transactions, key, [score for _, score, _ in taken])
    changed = [
        Changed(version, change, digests)
        for (version, _, change), digests in zip(taken, found, strict=True)
    ]
    return Portion(announced if is_last else until, changed, is_last, n_cut)


def members_of(client: redis.Redis, keys: Keys, shard: int, digests: Iterable[str]) -> list[bytes]:
    """Return all members of users whose states cannot be read any more: they say of whom they are.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    wanted = {raw_digest(digest) for digest in digests}
    found: Any = client.zscan_iter(keys.watchers(shard), count=_SCANNED_AT_ONCE)
    return [member for member, _ in found if member[:16] in wanted]


class Announcing:
    """Tells the logs of owned shards of new changes, so many a turn, and of each once or more."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._told = ToldShards(client, keys, self._committed)  # up to which version

    def forget(self) -> None:
        """Ask the shards' commits again: Redis may have come back with older data."""
        self._told.forget()

    def step(self, owned: set[int], now_ms: int) -> int:
        """Announce to each owned shard what follows; return how many entries were appended.

        Nothing is announced while an import brings times of its own.

        Raises:
            redis.RedisError: Redis did not answer; a later call does it.
        """
        newest: Any = self._client.xrevrange(self._keys.product_changes(), count=1)
        if not newest:
            return 0
        end = log_id(newest[0][0])
        behind = {shard: told for shard, told in self._told.of(owned).items() if log_id(told) < end}
        if not behind or self._client.exists(self._keys.import_hold()):
            return 0
        ends = {told: self._next(told) for told in set(behind.values())}
        return self._told.tell(
            {
                shard: (ProductsChanged(ends[told], now_ms), ends[told])
                for shard, told in behind.items()
            }
        )

    def _committed(self, shards: list[int]) -> dict[int, str]:
        values: Any = self._client.mget([self._keys.commit(shard) for shard in shards])
        known = {}
        for shard, value in zip(shards, values, strict=True):
            try:
                known[shard] = decode_commit(value).products
            except BrokenCommit:
                continue  # upkeep says so
        return known

    def _next(self, told: str) -> str:
        stream = self._keys.product_changes()
        entries: Any = self._client.xrange(stream, f"({told}", count=ENTRIES_A_TURN)
        return entries[-1][0].decode() if entries else told


@lru_cache(_ENTRIES_KEPT)
def _changes(*flat: bytes) -> list[tuple[int, ProductChange]]:
    """Return the changes of an entry by score; all shards of a worker ask for the same ones."""
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    try:
        changes = decode_changes(fields.get(CHANGES_FIELD, b""))
    except InvalidChanges as error:
        log.warning("product_changes_left_out", error=str(error))
        return []
    return [(score_of(product_mark(change.product_id)), change) for change in changes]


def _watchers(transactions: Transactions, key: str, scores: list[int]) -> list[list[str]]:
    replies = transactions.read_all(
        [("ZRANGEBYSCORE", key, score, score, "LIMIT", 0, MAX_WATCHERS) for score in scores]
    )
    return [[digest_of_member(member) for member in reply] for reply in replies]
