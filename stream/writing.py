"""Writes what a batch changed into the open transaction: users, timers, outboxes."""

from typing import Any

from config.events import ENTRY_FIELD, SUBJECT_FIELD
from config.keys import Keys
from online_models.users import Suppressed, encode_user
from stream.batch import Batch

TARGET_FIELD = b"t"  # shard that an outgoing entry is for


def write_batch(pipe: Any, keys: Keys, shard: int, batch: Batch, offset: str) -> None:
    """Queue all changes of a batch; ``offset`` is the log id that they reach to."""
    _write_users(pipe, keys, shard, batch)
    _write_timers(pipe, keys.timers(shard), batch.timers.changed)
    for digest, example in batch.outbox.examples:
        pipe.xadd(keys.examples(shard), {ENTRY_FIELD: example, SUBJECT_FIELD: digest})
    for subject, entry in batch.outbox.outgoing:
        fields = {ENTRY_FIELD: entry, SUBJECT_FIELD: subject.digest, TARGET_FIELD: subject.shard}
        pipe.xadd(keys.outgoing(shard), fields)
    for letter in batch.outbox.dead:
        fields = {
            b"reason": letter.reason,
            b"detail": letter.detail,
            b"raw": letter.raw,
            SUBJECT_FIELD: letter.digest,
        }
        pipe.xadd(keys.dead(shard), fields)
    if batch.outbox.erased:
        pipe.hset(keys.erasures(shard), mapping=dict.fromkeys(batch.outbox.erased, offset))


def _write_users(pipe: Any, keys: Keys, shard: int, batch: Batch) -> None:
    """Set each changed user; the TTL only sweeps what the shard's clock forgot long before."""
    sweep_ms = 2 * batch.rules.retention_ms
    for digest in batch.changed:
        key, user = keys.user(shard, digest), batch.users[digest]
        if user is None:
            pipe.delete(key)
        elif isinstance(user, Suppressed):
            pipe.set(key, encode_user(user))
        else:
            pipe.set(key, encode_user(user), px=sweep_ms)


def _write_timers(pipe: Any, key: str, changed: dict[str, int | None]) -> None:
    due = {digest: at for digest, at in changed.items() if at is not None}
    gone = [digest for digest, at in changed.items() if at is None]
    if due:
        pipe.zadd(key, due)
    if gone:
        pipe.zrem(key, *gone)
