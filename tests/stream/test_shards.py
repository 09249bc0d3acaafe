from typing import Any

import pytest
import redis

from config.events import ENTRY_FIELD, SUBJECT_FIELD
from online_models.users import UnknownStateVersion, UserState, encode_user
from stream.commits import START, Commit, decode_commit, encode_commit
from stream.forwarding import forward
from tests.builders import IDS, NOON, an_event, an_identify
from tests.stream.owners import ANN, KEYS, SHARD, Owner, append, fields_of


def test_a_commit_holds_the_offset_the_clock_and_the_owner(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event(at=NOON))
    last = append(redis_client, an_event(at=NOON - 5, received_at=NOON + 1))

    owner.go()

    commit = owner.commit()
    assert (commit.offset, commit.seq, commit.clock) == (last, 1, NOON + 1)


def test_a_shard_without_a_commit_stands_at_the_start_of_its_log() -> None:
    assert decode_commit(None).offset == START
    assert decode_commit(encode_commit(Commit(offset="5-1", sources={3: "7-0"}))).sources == {
        3: "7-0"
    }


def test_a_batch_read_twice_is_applied_once(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    batch = owner.read()

    owner.shard.handle(batch)
    again = owner.shard.handle(batch)

    assert (owner.n_events(), again.is_committed) == (1, False)


def test_a_resent_event_takes_effect_once(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    for _ in range(2):
        append(redis_client, an_event(message_id="once"))

    report = owner.go()

    assert owner.n_events() == 1
    assert report.results["track", "duplicate"] == 1


def test_what_cannot_be_decoded_becomes_a_dead_letter_and_its_neighbours_pass(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    redis_client.xadd(KEYS.events(SHARD), {ENTRY_FIELD: b"\xc1", SUBJECT_FIELD: ANN.digest})
    redis_client.xadd(KEYS.events(SHARD), {b"other": b"1"})
    append(redis_client, an_event())

    report = owner.go()

    assert owner.n_events() == 2
    assert report.dead == ["undecodable", "undecodable"]
    letters = fields_of(redis_client, KEYS.dead(SHARD))
    assert [letter[b"raw"] for letter in letters] == [b"\xc1", b""]


def test_a_poison_event_is_set_aside_after_two_tries(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    bob = IDS.known("bob").digest  # his stored state is broken, so applying to it raises
    redis_client.set(KEYS.user(SHARD, bob), b"\x01broken")
    append(redis_client, an_event())
    poison = an_event(user="bob")
    append(redis_client, poison, bob)
    append(redis_client, an_event())

    report = owner.go()

    assert (owner.n_events(), report.dead) == (2, ["apply_failed"])
    (letter,) = fields_of(redis_client, KEYS.dead(SHARD))
    assert letter[b"detail"] == b"BrokenState"
    assert redis_client.get(KEYS.user(SHARD, bob)) == b"\x01broken"


def test_a_state_of_an_unknown_version_stops_the_worker_and_nothing_is_lost(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    state = encode_user(UserState(latest_at=NOON, first_at=NOON, received_at=NOON))
    redis_client.set(KEYS.user(SHARD, ANN.digest), b"\x63" + state[1:])
    append(redis_client, an_event())

    with pytest.raises(UnknownStateVersion, match="version 99"):
        owner.go()
    assert owner.commit().offset == START
    assert redis_client.xlen(KEYS.dead(SHARD)) == 0


def test_many_poison_events_cost_their_neighbours_nothing(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    bob = IDS.known("bob").digest
    redis_client.set(KEYS.user(SHARD, bob), b"\x01broken")
    for number in range(300):
        append(redis_client, an_event())
        if number % 3 == 0:
            append(redis_client, an_event(user="bob"), bob)

    while owner.go().n_entries:
        pass

    assert owner.n_events() == 300
    assert redis_client.xlen(KEYS.dead(SHARD)) == 100


def test_a_timer_that_raises_is_dropped_and_the_entry_that_moved_the_clock_counts(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    bob = IDS.known("bob").digest
    redis_client.set(KEYS.user(SHARD, bob), b"\x01broken")
    redis_client.zadd(KEYS.timers(SHARD), {bob: NOON - 1})
    append(redis_client, an_event(at=NOON))

    report = owner.go()

    assert (owner.n_events(), report.dead) == (1, [])
    assert redis_client.zscore(KEYS.timers(SHARD), bob) is None


def test_a_commit_waits_for_room_in_a_full_redis(redis_client: redis.Redis) -> None:
    before: Any = redis_client.config_get("maxmemory")
    owner = Owner(
        redis_client, wait=lambda _: redis_client.config_set("maxmemory", before["maxmemory"])
    )
    append(redis_client, an_event())
    redis_client.config_set("maxmemory", 1)
    try:
        report = owner.go()
    finally:
        redis_client.config_set("maxmemory", before["maxmemory"])

    assert (owner.n_events(), report.n_reconnects) == (1, 1)


def test_entries_are_forwarded_all_or_none(redis_client: redis.Redis) -> None:
    visitor = IDS.anonymous("phone")
    here, there = Owner(redis_client), Owner(redis_client, visitor.shard)
    append(redis_client, an_event(user=None, anonymous="phone"), shard=visitor.shard)
    there.go()
    append(redis_client, an_identify("ann", "phone"))
    here.go()
    forward(redis_client, KEYS, SHARD)
    there.go()
    before: Any = redis_client.config_get("maxmemory")
    redis_client.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.RedisError):
            forward(redis_client, KEYS, visitor.shard)
    finally:
        redis_client.config_set("maxmemory", before["maxmemory"])
    forward(redis_client, KEYS, visitor.shard)

    here.go()

    assert here.n_events() == 2


@pytest.mark.parametrize("n_times", [1, 2, 3])
def test_a_forwarded_history_arrives_once_however_often_it_is_carried(
    redis_client: redis.Redis, n_times: int
) -> None:
    visitor = IDS.anonymous("phone")
    there, here = Owner(redis_client, visitor.shard), Owner(redis_client)
    append(redis_client, an_event(user=None, anonymous="phone"), shard=visitor.shard)
    there.go()
    append(redis_client, an_identify("ann", "phone"))
    here.go()
    forward(redis_client, KEYS, SHARD)
    there.go()
    left = redis_client.dump(KEYS.outgoing(visitor.shard))
    for _ in range(n_times):
        forward(redis_client, KEYS, visitor.shard)
        assert isinstance(left, bytes)
        redis_client.restore(KEYS.outgoing(visitor.shard), 0, left, replace=True)

    here.go()

    assert here.n_events() == 2
    assert list(here.commit().sources) == [visitor.shard]


def test_users_not_touched_for_longest_leave_the_cache_and_are_loaded_again(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client, cached_users=3)
    names = [f"user-{n}" for n in range(8)]
    for _ in range(2):
        for name in names:
            append(redis_client, an_event(user=name), IDS.known(name).digest)
            owner.go()

    assert owner.shard.n_cached_users() <= 3
    assert [owner.n_events(IDS.known(name).digest) for name in names] == [2] * 8
