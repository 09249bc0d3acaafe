"""Takes an erased user's entries out of a shard's log and outboxes.

The commit that erased the state also noted the erasure, so that this is done even where the worker
is killed in between; doing it twice does no harm. Positions are ids, and stay valid.
"""

from typing import Any

import redis

from config.events import SUBJECT_FIELD
from config.keys import Keys
from stream.commits import log_id

PORTION = 1_000
_ALL = b"18446744073709551615-18446744073709551615"  # the outboxes: this runs before the next batch


def erase_pending(client: redis.Redis, keys: Keys, shard: int) -> int:
    """Carry out the erasures a shard has noted; return how many entries were taken out.

    Raises:
        redis.RedisError: Redis did not answer; the erasures stay noted.
    """
    pending: Any = client.hgetall(keys.erasures(shard))
    if not pending:
        return 0
    n_erased = 0
    for key in (keys.examples, keys.triggers, keys.dead):
        n_erased += _erase(client, key(shard), dict.fromkeys(pending, _ALL))
    n_erased += _erase(client, keys.events(shard), pending)
    client.hdel(keys.erasures(shard), *pending)
    return n_erased


def _erase(client: redis.Redis, stream: str, pending: dict[bytes, bytes]) -> int:
    """Delete entries about erased users, none that came after the erasure, portion by portion."""
    n_erased, after = 0, "-"
    while True:
        entries: Any = client.xrange(stream, min=after, count=PORTION)
        if not entries:
            return n_erased
        found = [
            entry_id
            for entry_id, fields in entries
            if (until := pending.get(fields.get(SUBJECT_FIELD))) is not None
            and log_id(entry_id) <= log_id(until)
        ]
        if found:
            n_erased += int(client.xdel(stream, *found))
        after = "(" + entries[-1][0].decode()
