import pytest
import redis

from stream.leases import LeaseKeys, Leases
from tests.stream.owners import KEYS

N_SHARDS = 8


def some_leases(client: redis.Redis, name: str) -> Leases:
    return Leases(client, LeaseKeys.of_users(KEYS), name, N_SHARDS)


@pytest.fixture
def leases(redis_client: redis.Redis) -> Leases:
    return some_leases(redis_client, "first")


def test_a_lone_worker_owns_all_shards(leases: Leases) -> None:
    moves = leases.renew()

    assert leases.owned == set(range(N_SHARDS))
    assert moves.gained == list(range(N_SHARDS))


def test_a_second_worker_gets_its_share_once_the_first_gave_back_its_surplus(
    leases: Leases, redis_client: redis.Redis
) -> None:
    second = some_leases(redis_client, "second")
    leases.renew()
    second.renew()
    moves = leases.renew()
    second.renew()

    assert len(moves.lost) == N_SHARDS // 2
    assert leases.owned | second.owned == set(range(N_SHARDS))
    assert not leases.owned & second.owned


def test_shards_of_a_worker_that_said_good_bye_are_free_at_once(
    leases: Leases, redis_client: redis.Redis
) -> None:
    second = some_leases(redis_client, "second")
    leases.renew()
    leases.give_back()

    second.renew()

    assert len(second.owned) == N_SHARDS


def test_shards_of_a_killed_worker_are_free_when_its_leases_ran_out(
    leases: Leases, redis_client: redis.Redis
) -> None:
    second = some_leases(redis_client, "second")
    leases.renew()
    for shard in range(N_SHARDS):  # as if two seconds had passed
        redis_client.pexpire(KEYS.owner(shard), 0)
    redis_client.pexpire(KEYS.worker("first"), 0)

    second.renew()

    assert len(second.owned) == N_SHARDS


def test_leases_and_heartbeat_run_out_within_two_seconds(
    leases: Leases, redis_client: redis.Redis
) -> None:
    leases.renew(b"here")

    assert redis_client.get(KEYS.worker("first")) == b"here"
    for key in (KEYS.owner(0), KEYS.worker("first")):
        left = redis_client.pttl(key)
        assert isinstance(left, int)
        assert 0 < left <= 2_000


def test_a_worker_does_not_touch_a_lease_that_another_took_over(
    leases: Leases, redis_client: redis.Redis
) -> None:
    leases.renew()
    redis_client.set(KEYS.owner(3), "other", px=500)

    moves = leases.renew()

    assert moves.lost == [3]
    assert redis_client.get(KEYS.owner(3)) == b"other"
