"""What an owner does for its shards beside applying events: ticks, trimming, measuring lag."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import redis
import structlog

from config.durations import HOUR_MS
from config.events import ENTRY_FIELD, Tick, encode_entry
from config.keys import (
    DEAD_LETTER_AGE_MS,
    EXAMPLE_AGE_MS,
    N_MODEL_SHARDS,
    TRIGGER_AGE_MS,
    UNTOLD_TRIGGER_AGE_MS,
    Keys,
)
from config.log_ids import log_id
from stream.commits import START, BrokenCommit, decode_commit
from stream.model_shards import decode_model_commit

log = structlog.get_logger()

PRESSURE = 0.6  # share of Redis' memory from which what nobody needs any more goes early


@dataclass(frozen=True, slots=True)
class Ages:
    """How long entries are kept (ms) once everybody has read them; dead letters have no reader."""

    log: int
    examples: int = EXAMPLE_AGE_MS
    triggers: int = TRIGGER_AGE_MS
    dead: int = DEAD_LETTER_AGE_MS


SHORT = Ages(log=2_000, examples=2_000, triggers=HOUR_MS, dead=HOUR_MS)
NONE = Ages(log=0, examples=0, triggers=0, dead=0)


class Memory(NamedTuple):
    """Bytes that Redis uses, and may use (0: no limit)."""

    used: int
    limit: int

    def is_short(self) -> bool:
        """Tell whether applied entries should go before their age."""
        return self.limit > 0 and self.used >= PRESSURE * self.limit


def append_tick(client: redis.Redis, keys: Keys, shard: int, now_ms: int) -> bool:
    """Move a quiet shard's clock to wall time, unless an import with its own times is running.

    Raises:
        redis.RedisError: Redis did not answer; a later call does it.
    """
    if client.exists(keys.import_hold()):
        return False
    fields: dict[Any, Any] = {ENTRY_FIELD: encode_entry(Tick(now_ms))}
    client.xadd(keys.events(shard), fields)
    return True


def read_memory(client: redis.Redis) -> Memory:
    """Return how much memory Redis uses."""
    info: Any = client.info("memory")
    return Memory(int(info["used_memory"]), int(info["maxmemory"]))


def read_offsets(client: redis.Redis, keys: Keys, shards: list[int]) -> dict[int, str]:
    """Return by shard the log id that its stored state reaches to.

    A shard whose commit cannot be read is left out, and said: one must not stop the others.
    """
    if not shards:
        return {}
    values: Any = client.mget([keys.commit(shard) for shard in shards])
    offsets = {}
    for shard, value in zip(shards, values, strict=True):
        try:
            offsets[shard] = decode_commit(value).offset
        except BrokenCommit as error:
            log.warning("shard_left_out", shard=shard, error=str(error))
    return offsets


def read_learned(client: redis.Redis, keys: Keys) -> dict[int, str] | None:
    """Return by shard the example that all model shards have learned; None where nobody learns."""
    names = [keys.model_commit(number) for number in range(N_MODEL_SHARDS)]
    values: Any = client.mget(names)
    commits = [decode_model_commit(value) for value in values]
    if all(commit.seq == 0 for commit in commits):
        return None
    sources = {source for commit in commits for source in commit.positions}
    return {
        source: min((c.positions.get(source, START) for c in commits), key=log_id)
        for source in sources
    }


class _Told(msgspec.Struct):
    """Of what the deliverer commits, what this side reads."""

    positions: dict[int, str]


_read_told = msgspec.json.Decoder(_Told).decode


def read_told(client: redis.Redis, keys: Keys) -> dict[int, str] | None:
    """Return by shard the trigger up to which all were told of; None where nobody ever told."""
    data: Any = client.get(keys.told_commit())
    if data is None:
        return None
    try:
        return _read_told(data).positions
    except msgspec.MsgspecError as error:
        log.warning("told_commit_unreadable", error=str(error))
        return {}


def trim(client: redis.Redis, keys: Keys, offsets: dict[int, str], now_ms: int, ages: Ages) -> None:
    """Drop entries that are older than their age and behind every reader.

    By id, never by length: nothing goes that nobody has read. Where nobody learns, examples go by
    age alone, and so do triggers where nobody tells of them; where somebody once did, untold ones
    wait for ``UNTOLD_TRIGGER_AGE_MS``.
    """
    learned, told = read_learned(client, keys), read_told(client, keys)
    with client.pipeline(transaction=False) as pipe:
        for shard, offset in offsets.items():
            read = None if learned is None else learned.get(shard, START)
            _trim(pipe, keys.events(shard), now_ms - ages.log, offset)
            _trim(pipe, keys.examples(shard), now_ms - ages.examples, read)
            fetched = None if told is None else told.get(shard, START)
            _trim(pipe, keys.triggers(shard), now_ms - ages.triggers, fetched)
            _trim(pipe, keys.triggers(shard), now_ms - UNTOLD_TRIGGER_AGE_MS)
            _trim(pipe, keys.dead(shard), now_ms - ages.dead)
        pipe.execute()


def _trim(pipe: Any, stream: str, oldest_ms: int, read: str | None = None) -> None:
    oldest = (max(oldest_ms, 0), 0)
    if read is not None:
        oldest = min(oldest, log_id(read))
    pipe.xtrim(stream, minid=f"{oldest[0]}-{oldest[1]}", approximate=False)


def make_room(client: redis.Redis, keys: Keys, n_shards: int, now_ms: int) -> None:
    """Drop in all shards what nobody needs any more, whatever its age: Redis is full."""
    trim(client, keys, read_offsets(client, keys, list(range(n_shards))), now_ms, NONE)


class LogLook(NamedTuple):
    """How a shard's log stands: waits of the oldest unapplied entry and unlearned example.

    Both are 0 where nothing waits; ``example_lag_seconds`` is None where nobody learns.
    """

    lag_seconds: float
    n_entries: int
    example_lag_seconds: float | None


def look_at_logs(
    client: redis.Redis, keys: Keys, offsets: dict[int, str], now_ms: int
) -> dict[int, LogLook]:
    """Return how the logs of some shards stand, by shard."""
    learned = read_learned(client, keys)
    with client.pipeline(transaction=False) as pipe:
        for shard, offset in offsets.items():
            pipe.xrange(keys.events(shard), min=f"({offset}", count=1)
            pipe.xlen(keys.events(shard))
            unlearned = START if learned is None else learned.get(shard, START)
            pipe.xrange(keys.examples(shard), min=f"({unlearned}", count=1)
        found: Any = iter(pipe.execute())
    looks = {}
    for shard, entries, n_entries, examples in zip(offsets, found, found, found, strict=True):
        example_lag = None if learned is None else _waited(examples, now_ms)
        looks[shard] = LogLook(_waited(entries, now_ms), n_entries, example_lag)
    return looks


def _waited(oldest: list[tuple[bytes, object]], now_ms: int) -> float:
    return max(now_ms - log_id(oldest[0][0])[0], 0) / 1000 if oldest else 0.0
