import redis

from config.events import ENTRY_FIELD, SUBJECT_FIELD, Erase
from config.keys import ERASED_AGE_MS
from online_models.users import Linked, Suppressed
from stream.erasing import Erasing
from stream.forwarding import forward
from tests.builders import IDS, MINUTE, NOON, an_event, an_identify
from tests.stream.owners import ANN, KEYS, SHARD, Owner, append, fields_of
from tests.stream.simulation import Network

PHONE = IDS.anonymous("phone")


def subjects(client: redis.Redis, key: str) -> list[bytes]:
    return [fields[SUBJECT_FIELD] for fields in fields_of(client, key)]


def erase_all(client: redis.Redis, shard: int = SHARD) -> int:
    erasing, n_erased = Erasing(client, KEYS, shard), 0
    while not erasing.is_done():
        n_erased += erasing.step()
    return n_erased


def test_an_erased_users_events_leave_the_log_and_neighbours_stay(
    redis_client: redis.Redis,
) -> None:
    owner, bob = Owner(redis_client), IDS.known("bob").digest
    append(redis_client, an_event())
    append(redis_client, an_event(user="bob"), bob)
    append(redis_client, Erase(NOON + 1), ANN.digest)
    owner.go()

    erase_all(redis_client)

    assert subjects(redis_client, KEYS.events(SHARD)) == [bob.encode()]
    assert redis_client.zscore(KEYS.timers(SHARD), ANN.digest) is None


def test_an_erasure_that_was_cut_short_is_carried_out_later(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    append(redis_client, Erase(NOON + 1), ANN.digest)
    report = owner.go()

    assert report.has_erasures
    assert erase_all(redis_client) == 2  # the event and the erasure
    assert erase_all(redis_client) == 0


def test_examples_name_nobody_and_decisions_of_an_erased_user_go(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    redis_client.xadd(KEYS.decisions(SHARD), {SUBJECT_FIELD: ANN.digest})
    append(redis_client, an_event(at=NOON))
    append(redis_client, Erase(NOON + 31 * MINUTE), ANN.digest)
    owner.go()

    erase_all(redis_client)

    assert redis_client.xlen(KEYS.decisions(SHARD)) == 0
    for fields in fields_of(redis_client, KEYS.examples(SHARD)):
        assert b"ann" not in fields[ENTRY_FIELD]
        assert SUBJECT_FIELD not in fields


def test_events_after_the_erasure_of_a_visitor_are_not_lost(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client, PHONE.shard)
    append(redis_client, an_event(user=None, anonymous="phone"), shard=PHONE.shard)
    append(redis_client, Erase(NOON + 1, suppress=False), PHONE.digest, PHONE.shard)
    owner.go()
    append(redis_client, an_event(user=None, anonymous="phone"), shard=PHONE.shard)

    erase_all(redis_client, PHONE.shard)
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


def test_a_visitor_who_leads_to_a_known_user_is_erased_as_that_user(
    redis_client: redis.Redis,
) -> None:
    here, there = Owner(redis_client), Owner(redis_client, PHONE.shard)
    append(redis_client, an_identify("ann", "phone"))
    here.go()
    forward(redis_client, KEYS, SHARD)
    there.go()
    append(redis_client, Erase(NOON + 1, suppress=False), PHONE.digest, PHONE.shard)
    there.go()
    forward(redis_client, KEYS, PHONE.shard)

    here.go()

    assert here.user() is None
    assert there.user(PHONE.digest) is None


def test_a_shared_browser_stays_with_whom_it_named_last(redis_client: redis.Redis) -> None:
    network = Network()
    for event in (an_identify("ann", "tv", at=NOON), an_identify("bob", "tv", at=NOON + 1)):
        network.append(event)
        network.run()
    network.erase("ann", NOON + 2)
    network.run()

    link = network.visitor("tv")

    assert isinstance(network.known("ann"), Suppressed)
    assert isinstance(link, Linked)
    assert link.known == IDS.known("bob").digest


def test_a_state_that_cannot_be_read_can_still_be_erased(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    redis_client.set(KEYS.user(SHARD, ANN.digest), b"\x01broken")
    append(redis_client, Erase(NOON), ANN.digest)

    report = owner.go()

    assert isinstance(owner.user(), Suppressed)
    assert report.dead == []


def test_a_long_log_is_gone_through_in_portions(redis_client: redis.Redis) -> None:
    owner, bob = Owner(redis_client), IDS.known("bob").digest
    for number in range(2_300):
        name = "ann" if number % 2 else "bob"
        append(redis_client, an_event(user=name), IDS.known(name).digest)
    append(redis_client, Erase(NOON + 1), ANN.digest)
    while owner.go().n_entries:
        pass
    erasing, n_steps = Erasing(redis_client, KEYS, SHARD), 0
    while not erasing.is_done():
        erasing.step()
        n_steps += 1

    assert n_steps > 3
    assert set(subjects(redis_client, KEYS.events(SHARD))) == {bob.encode()}


def test_who_delivers_is_told_whom_to_take_out(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, Erase(NOON + 1), ANN.digest)
    owner.go()

    erase_all(redis_client)

    assert redis_client.smembers(KEYS.erased()) == {ANN.digest.encode()}
    assert 0 < redis_client.pttl(KEYS.erased()) <= ERASED_AGE_MS
