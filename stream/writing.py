"""The commands that write what a batch changed: users, timers, who watches what, outboxes."""

from collections.abc import Iterator, Sequence

from config.events import ENTRY_FIELD, SUBJECT_FIELD
from config.examples import encode_examples
from config.fired import FIRED_FIELD, encode_fired
from config.keys import MAX_DEAD_LETTERS, Keys
from online_models.users import Suppressed, encode_user
from stream.batch import Batch
from stream.commands import Command
from stream.watching import NOTHING, members, score_of, watched_by

TARGET_FIELD = b"t"  # shard that an outgoing entry is for


def commands_for(keys: Keys, shard: int, batch: Batch, offset: str) -> list[Command]:
    """Return the commands for all changes of a batch; ``offset`` is the log id they reach to."""
    return [
        *_users(keys, shard, batch),
        *_timers(keys.timers(shard), batch.timers.changed),
        *_watchers(keys.watchers(shard), batch),
        *_curves(keys.rhythm(shard), batch.told_curves),
        *_outboxes(keys, shard, batch, offset),
    ]


def new_members(commands: Sequence[Command], key: str) -> list[bytes]:
    """Return the members that commands put into the index of who watches what."""
    added = [command[3::2] for command in commands if command[:2] == ("ZADD", key)]
    return [member for members in added for member in members if isinstance(member, bytes)]


def _users(keys: Keys, shard: int, batch: Batch) -> Iterator[Command]:
    """Set each changed user; the TTL only sweeps what the shard's clock forgot long before."""
    sweep_ms = 2 * batch.rules.retention_ms
    for digest in batch.changed:
        key, user = keys.user(shard, digest), batch.users[digest]
        if user is None:
            yield ("DEL", key)
        elif isinstance(user, Suppressed):
            yield ("SET", key, encode_user(user))
        else:
            yield ("SET", key, encode_user(user), "PX", sweep_ms)


def _timers(key: str, changed: dict[str, int | None]) -> Iterator[Command]:
    due: list[str | int] = []
    gone: list[str] = []
    for digest, at in changed.items():
        if at is None:
            gone.append(digest)
        else:
            due += (at, digest)
    if due:
        yield ("ZADD", key, *due)
    if gone:
        yield ("ZREM", key, *gone)


def _watchers(key: str, batch: Batch) -> Iterator[Command]:
    """Change the index by what users watch now and did not before, or the other way round."""
    come: list[int | bytes] = []
    gone: list[bytes] = []
    for digest in batch.changed:
        before = batch.watched_before.get(digest, NOTHING)
        new, old = members(digest, before, watched_by(batch.users[digest]))
        for member in new:
            come += (score_of(member), member)
        gone += old
    if gone:
        yield ("ZREM", key, *gone)
    if come:
        yield ("ZADD", key, *come)


def _curves(key: str, told: bytes | None) -> Iterator[Command]:
    if told is not None:
        yield ("SET", key, told)


def _outboxes(keys: Keys, shard: int, batch: Batch, offset: str) -> Iterator[Command]:
    if batch.outbox.examples:
        examples = encode_examples(batch.outbox.examples)
        yield ("XADD", keys.examples(shard), "*", ENTRY_FIELD, examples)
    if batch.outbox.fired:
        told = keys.triggers(shard)
        for fired in batch.outbox.fired:
            data = encode_fired(fired)
            yield ("XADD", told, "*", FIRED_FIELD, data, SUBJECT_FIELD, fired.digest)
    for subject, entry in batch.outbox.outgoing:
        yield (
            *("XADD", keys.outgoing(shard), "*", ENTRY_FIELD, entry),
            *(SUBJECT_FIELD, subject.digest, TARGET_FIELD, subject.shard),
        )
    for letter in batch.outbox.dead:
        yield (
            *("XADD", keys.dead(shard), "MAXLEN", "~", MAX_DEAD_LETTERS, "*"),
            *("reason", letter.reason, "detail", letter.detail),
            *("raw", letter.raw, SUBJECT_FIELD, letter.digest),
        )
    for digest in batch.outbox.erased:
        yield ("HSET", keys.erasures(shard), digest, offset)
