import redis

from config.events import SUBJECT_FIELD, Erase
from online_models.users import Linked, Suppressed
from stream.erasing import erase_pending
from stream.forwarding import forward
from tests.builders import IDS, MINUTE, NOON, an_event, an_identify
from tests.stream.owners import ANN, KEYS, SHARD, Owner, append, fields_of

PHONE = IDS.anonymous("phone")


def subjects(client: redis.Redis, key: str) -> list[bytes]:
    return [fields[SUBJECT_FIELD] for fields in fields_of(client, key)]


def test_an_erased_users_events_leave_the_log_and_neighbours_stay(
    redis_client: redis.Redis,
) -> None:
    owner, bob = Owner(redis_client), IDS.known("bob").digest
    append(redis_client, an_event())
    append(redis_client, an_event(user="bob"), bob)
    append(redis_client, Erase(NOON + 1), ANN.digest)
    owner.go()

    erase_pending(redis_client, KEYS, SHARD)

    assert subjects(redis_client, KEYS.events(SHARD)) == [bob.encode()]
    assert redis_client.zscore(KEYS.timers(SHARD), ANN.digest) is None


def test_an_erasure_that_was_cut_short_is_carried_out_later(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    append(redis_client, Erase(NOON + 1), ANN.digest)
    report = owner.go()

    assert report.has_erasures
    assert erase_pending(redis_client, KEYS, SHARD) == 3  # the event, its example, the erasure
    assert erase_pending(redis_client, KEYS, SHARD) == 0


def test_examples_of_an_erased_user_go_too(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event(at=NOON))
    append(redis_client, Erase(NOON + 31 * MINUTE), ANN.digest)
    owner.go()
    assert set(subjects(redis_client, KEYS.examples(SHARD))) == {ANN.digest.encode()}

    erase_pending(redis_client, KEYS, SHARD)

    assert subjects(redis_client, KEYS.examples(SHARD)) == []


def test_events_after_the_erasure_of_a_visitor_are_not_lost(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client, PHONE.shard)
    append(redis_client, an_event(user=None, anonymous="phone"), shard=PHONE.shard)
    append(redis_client, Erase(NOON + 1, suppress=False), PHONE.digest, PHONE.shard)
    owner.go()
    append(redis_client, an_event(user=None, anonymous="phone"), shard=PHONE.shard)

    erase_pending(redis_client, KEYS, PHONE.shard)
    owner.go()

    assert owner.n_events(PHONE.digest) == 1


def test_erasing_a_known_user_erases_the_visitors_that_led_there(
    redis_client: redis.Redis,
) -> None:
    here, there = Owner(redis_client), Owner(redis_client, PHONE.shard)
    append(redis_client, an_identify("ann", "phone"))
    here.go()
    forward(redis_client, KEYS, SHARD)
    there.go()
    assert isinstance(there.user(PHONE.digest), Linked)
    append(redis_client, Erase(NOON + 1), ANN.digest)
    here.go()
    forward(redis_client, KEYS, SHARD)

    there.go()

    assert there.user(PHONE.digest) is None
    assert isinstance(here.user(), Suppressed)
