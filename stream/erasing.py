"""Takes an erased user's entries out of a shard's log and outboxes, a portion at a time.

The commit that erased the state also noted the erasure, so that this is done even where the worker
is killed in between; doing it twice does no harm. Positions are ids, and stay valid.
"""

from typing import Any

import redis

from config.events import SUBJECT_FIELD
from config.keys import ERASED_AGE_MS, Keys
from config.log_ids import log_id

PORTION = 1_000


class Erasing:
    """The erasures a shard had noted when this began.

    Begun before the next batch is applied, it leaves alone what comes after: a visitor may start
    anew, and what is written of a suppressed user is nothing.
    """

    def __init__(self, client: redis.Redis, keys: Keys, shard: int) -> None:
        self._client = client
        self._noted_in = keys.erasures(shard)
        self._erased = keys.erased()
        self._pending: dict[bytes, bytes] = _read_hash(client, self._noted_in)
        log = keys.events(shard)
        outboxes = (keys.triggers(shard), keys.decisions(shard), keys.dead(shard))
        self._left: list[tuple[str, str, bytes]] = []  # stream, after, until
        if self._pending:
            self._tell_deliverer()
            self._left.append((log, "-", max(self._pending.values(), key=log_id)))
            self._left += [(stream, "-", _end(client, stream)) for stream in outboxes]
        self._log = log

    def step(self) -> int:
        """Go through one more portion; return how many entries were taken out.

        Raises:
            redis.RedisError: Redis did not answer; the erasures stay noted.
        """
        if not self._left:
            return 0
        stream, after, until = self._left[0]
        entries: Any = self._client.xrange(stream, after, until, count=PORTION)
        found = [
            entry_id for entry_id, fields in entries if self._is_erased(entry_id, fields, stream)
        ]
        n_erased = int(self._client.xdel(stream, *found)) if found else 0
        if len(entries) < PORTION:
            self._left.pop(0)
        else:
            self._left[0] = (stream, f"({entries[-1][0].decode()}", until)
        if not self._left:
            self._client.hdel(self._noted_in, *self._pending)
        return n_erased

    def _tell_deliverer(self) -> None:
        """Let the deliverer take out what of theirs it has fetched already."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.sadd(self._erased, *self._pending)
            pipe.pexpire(self._erased, ERASED_AGE_MS)
            pipe.execute()

    def is_done(self) -> bool:
        """Tell whether nothing is left to go through."""
        return not self._left

    def _is_erased(self, entry_id: bytes, fields: dict[bytes, bytes], stream: str) -> bool:
        until = self._pending.get(fields.get(SUBJECT_FIELD, b""))
        if until is None:
            return False
        return stream != self._log or log_id(entry_id) <= log_id(until)


def _read_hash(client: redis.Redis, name: str) -> dict[bytes, bytes]:
    found: Any = client.hgetall(name)
    return dict(found)


def _end(client: redis.Redis, stream: str) -> bytes:
    newest: Any = client.xrevrange(stream, count=1)
    return newest[0][0] if newest else b"0-0"
