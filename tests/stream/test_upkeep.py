import msgspec
import redis

from config.keys import (
    DEAD_LETTER_AGE_MS,
    N_MODEL_SHARDS,
    TRIGGER_AGE_MS,
    UNTOLD_TRIGGER_AGE_MS,
)
from stream.batch import Rules
from stream.model_shards import ModelCommit
from stream.upkeep import (
    NONE,
    SHORT,
    Ages,
    LogLook,
    Memory,
    append_tick,
    look_at_logs,
    read_memory,
    read_offsets,
    trim,
)
from tests.builders import DAY, HOUR, MINUTE, NOON, an_event
from tests.stream.owners import ANN, KEYS, SHARD, Owner, append

LOG_AGE = 6 * HOUR
USUAL = Ages(log=LOG_AGE)


def test_an_entry_goes_when_it_is_old_and_applied(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    old = append(redis_client, an_event())
    append(redis_client, an_event())
    owner.go()

    trim_at(redis_client, ms_of(old) + LOG_AGE + MINUTE)

    assert redis_client.xlen(KEYS.events(SHARD)) == 1  # the one that the commit names stays


def test_an_old_entry_that_nobody_applied_stays(redis_client: redis.Redis) -> None:
    old = append(redis_client, an_event())

    trim_at(redis_client, ms_of(old) + 10 * LOG_AGE)

    assert redis_client.xlen(KEYS.events(SHARD)) == 1


def test_a_young_entry_that_was_applied_stays(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    last = append(redis_client, an_event())
    owner.go()

    trim_at(redis_client, ms_of(last) + LOG_AGE - MINUTE)

    assert redis_client.xlen(KEYS.events(SHARD)) == 2


def test_dead_letters_go_after_seven_days(redis_client: redis.Redis) -> None:
    redis_client.xadd(KEYS.dead(SHARD), {"reason": "x"}, id=f"{NOON}-0")
    redis_client.xadd(KEYS.dead(SHARD), {"reason": "y"}, id=f"{NOON + HOUR}-0")

    trim_at(redis_client, NOON + MINUTE + DEAD_LETTER_AGE_MS)

    assert redis_client.xlen(KEYS.dead(SHARD)) == 1


def test_examples_go_once_old_and_learned_by_all_model_shards(redis_client: redis.Redis) -> None:
    for number in range(3):
        redis_client.xadd(KEYS.examples(SHARD), {"e": b""}, id=f"{NOON + number}-0")
    for number in range(N_MODEL_SHARDS):
        position = f"{NOON + 2 - number % 2}-0"
        learned = ModelCommit(seq=1, positions={SHARD: position})
        redis_client.set(KEYS.model_commit(number), msgspec.json.encode(learned))

    trim_at(redis_client, NOON + 10 * DAY)

    assert redis_client.xlen(KEYS.examples(SHARD)) == 2


def test_examples_that_nobody_learns_go_by_age(redis_client: redis.Redis) -> None:
    redis_client.xadd(KEYS.examples(SHARD), {"e": b""}, id=f"{NOON}-0")

    trim_at(redis_client, NOON + HOUR)
    assert redis_client.xlen(KEYS.examples(SHARD)) == 1
    trim_at(redis_client, NOON + HOUR, SHORT)

    assert redis_client.xlen(KEYS.examples(SHARD)) == 0


def test_under_pressure_only_what_was_applied_goes_early(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    append(redis_client, an_event())
    owner.go()
    last = append(redis_client, an_event())

    trim_at(redis_client, ms_of(last) + MINUTE, NONE)

    assert redis_client.xlen(KEYS.events(SHARD)) == 2  # the one the commit names, and the new one


def test_a_shard_whose_commit_cannot_be_read_does_not_stop_the_others(
    redis_client: redis.Redis,
) -> None:
    redis_client.set(KEYS.commit(0), b"{")

    assert read_offsets(redis_client, KEYS, [0, 1]) == {1: "0-0"}


def test_lag_is_how_long_the_oldest_unapplied_entry_has_waited(
    redis_client: redis.Redis,
) -> None:
    redis_client.xadd(KEYS.events(SHARD), {"e": b"\xc1"}, id=f"{NOON}-0")
    owner = Owner(redis_client)
    assert lag_at(redis_client, NOON + 500) == 0.5
    owner.go()
    assert lag_at(redis_client, NOON + 500) == 0
    redis_client.xadd(KEYS.events(SHARD), {"e": b"\xc1"}, id=f"{NOON + 1_000}-0")
    redis_client.xadd(KEYS.events(SHARD), {"e": b"\xc1"}, id=f"{NOON + 2_000}-0")

    assert lag_at(redis_client, NOON + 3_500) == 2.5


def test_a_log_counts_applied_entries_too_and_examples_wait_for_the_slowest_model(
    redis_client: redis.Redis,
) -> None:
    redis_client.xadd(KEYS.events(SHARD), {"e": b"\xc1"}, id=f"{NOON}-0")
    redis_client.xadd(KEYS.examples(SHARD), {"e": b""}, id=f"{NOON}-0")
    redis_client.xadd(KEYS.examples(SHARD), {"e": b""}, id=f"{NOON + 400}-0")
    Owner(redis_client).go()
    alone = look_at(redis_client, NOON + 500)
    assert (alone.n_entries, alone.example_lag_seconds) == (1, None)
    for number in range(N_MODEL_SHARDS):
        reached = f"{NOON + 400 * (number > 0)}-0"
        learned = ModelCommit(seq=1, positions={SHARD: reached})
        redis_client.set(KEYS.model_commit(number), msgspec.json.encode(learned))
    assert look_at(redis_client, NOON + 500).example_lag_seconds == 0.1


def test_a_tick_moves_the_clock_and_finishes_the_session(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event(at=NOON))
    owner.go()

    assert append_tick(redis_client, KEYS, SHARD, NOON + 31 * MINUTE)
    report = owner.go()

    assert report.results["session", "finished"] == 1
    assert owner.commit().clock == NOON + 31 * MINUTE
    retention_ms = Rules().retention_ms
    due_at = redis_client.zscore(KEYS.timers(SHARD), ANN.digest)
    assert due_at == NOON + retention_ms + 1  # then the user is forgotten


def test_no_tick_by_wall_time_while_an_import_brings_its_own(redis_client: redis.Redis) -> None:
    redis_client.set(KEYS.import_hold(), 1)

    assert not append_tick(redis_client, KEYS, SHARD, NOON)
    assert redis_client.xlen(KEYS.events(SHARD)) == 0


def test_memory_is_short_well_before_it_is_full(redis_client: redis.Redis) -> None:
    memory = read_memory(redis_client)

    assert 0 < memory.used < memory.limit
    assert Memory(61, 100).is_short()
    assert not Memory(59, 100).is_short()
    assert not Memory(59, 0).is_short()


def lag_at(client: redis.Redis, now_ms: int) -> float:
    return look_at(client, now_ms).lag_seconds


def look_at(client: redis.Redis, now_ms: int) -> LogLook:
    return look_at_logs(client, KEYS, read_offsets(client, KEYS, [SHARD]), now_ms)[SHARD]


def trim_at(client: redis.Redis, now_ms: int, ages: Ages = USUAL) -> None:
    trim(client, KEYS, read_offsets(client, KEYS, [SHARD]), now_ms, ages)


def ms_of(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])


def fire(client: redis.Redis, *times: int) -> None:
    for at in times:
        client.xadd(KEYS.triggers(SHARD), {"f": "x"}, id=f"{at}-0")


def told_up_to(client: redis.Redis, at: int) -> None:
    client.set(KEYS.told_commit(), msgspec.json.encode({"seq": 1, "positions": {SHARD: f"{at}-0"}}))


def test_triggers_that_nobody_tells_of_go_by_age(redis_client: redis.Redis) -> None:
    fire(redis_client, NOON, NOON + HOUR)
    trim_at(redis_client, NOON + MINUTE + TRIGGER_AGE_MS)
    assert redis_client.xlen(KEYS.triggers(SHARD)) == 1


def test_a_trigger_waits_until_it_was_told_of(redis_client: redis.Redis) -> None:
    fire(redis_client, NOON, NOON + HOUR, NOON + 2 * HOUR)
    told_up_to(redis_client, NOON + HOUR)
    trim_at(redis_client, NOON + 2 * TRIGGER_AGE_MS)
    assert redis_client.xlen(KEYS.triggers(SHARD)) == 2  # the one that the commit names stays


def test_a_trigger_that_is_never_told_of_does_not_wait_for_ever(redis_client: redis.Redis) -> None:
    fire(redis_client, NOON, NOON + HOUR)
    told_up_to(redis_client, NOON - HOUR)
    trim_at(redis_client, NOON + MINUTE + UNTOLD_TRIGGER_AGE_MS)
    assert redis_client.xlen(KEYS.triggers(SHARD)) == 1


def test_a_full_redis_keeps_triggers_that_were_not_told_of(redis_client: redis.Redis) -> None:
    fire(redis_client, NOON, NOON + HOUR)
    told_up_to(redis_client, NOON)
    trim(redis_client, KEYS, {SHARD: "0-0"}, NOON + 2 * HOUR, NONE)
    assert redis_client.xlen(KEYS.triggers(SHARD)) == 2
