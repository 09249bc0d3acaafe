from typing import Any

import pytest
import redis

from config.events import ENTRY_FIELD, Event, RhythmLearned, decode_entry
from config.examples import Waited, decode_examples
from online_models.curves import Curves, encode_curves
from online_models.dense import RHYTHM
from online_models.expected import Rhythm
from online_models.popularity import model_shard
from online_models.rhythm import N_BINS, N_GROUPS, next_at
from online_models.rhythm_model import RhythmModel
from online_models.users import UserState
from stream.rhythms import NOTHING_LEARNED, read_curves
from stream.telling import LEAST_MORE, TellingCurves
from tests.builders import DAY, NOON, an_event, an_identify
from tests.stream.owners import ANN, KEYS, SHARD, Owner, append, fields_of
from tests.stream.simulation import Network

QUICK = Curves(5.0 * DAY, 1_000, [[0.1] * N_BINS] * N_GROUPS)


def an_order(at: int, user: str | None = "ann", **more: Any) -> Event:
    return an_event("Order Completed", at=at, user=user, order_id=f"o-{at}", **more)


def rhythm_of(state: object) -> Rhythm:
    assert isinstance(state, UserState)
    assert state.rhythm is not None
    return state.rhythm


def waited(network: Network) -> list[Waited]:
    return [example for example in network.examples if isinstance(example, Waited)]


def test_orders_make_a_rhythm_and_silence_is_learned_bin_by_bin() -> None:
    network = Network()
    network.append(an_order(NOON))
    network.run()
    due_at = next_at(rhythm_of(network.known("ann")))
    network.tick(due_at)
    network.run()
    network.append(an_order(NOON + 10 * DAY))
    network.run()

    silent, ended = waited(network)[0], waited(network)[-1]
    assert (silent.first, silent.last, silent.silence_ms) == (0, 0, None)
    assert ended.silence_ms == 10 * DAY
    taught = [n for one in waited(network) for n in range(one.first, one.last + 1)]
    assert taught == list(range(ended.last + 1))  # each bin once
    assert rhythm_of(network.known("ann")).ordered_at == NOON + 10 * DAY


def test_who_refused_teaches_nothing() -> None:
    network = Network()
    network.append(an_order(NOON, context={"consent": True}))
    network.run()
    state = network.known("ann")
    assert isinstance(state, UserState)
    state.consent = (NOON + 1, False)
    network.keep(state, "ann")
    network.tick(next_at(rhythm_of(state)))
    network.run()

    assert waited(network) == []


@pytest.mark.parametrize("visitor_first", [True, False])
def test_a_visitors_orders_join_the_customers(visitor_first: bool) -> None:
    network = Network()
    visit, own = an_order(NOON, None, anonymous="phone"), an_order(NOON + 5 * DAY)
    for event in (visit, own) if visitor_first else (own, visit):
        network.append(event)
    network.append(an_identify("ann", "phone", at=NOON + 6 * DAY))
    network.run()

    rhythm = rhythm_of(network.known("ann"))
    assert (rhythm.ordered_at, rhythm.n_orders) == (NOON + 5 * DAY, 2)
    assert rhythm.scale_ms < 30 * DAY


def test_what_a_shard_was_told_counts_from_there_on_and_for_its_next_owner(
    redis_client: redis.Redis,
) -> None:
    append(redis_client, an_order(NOON))
    append(redis_client, RhythmLearned(encode_curves(QUICK), 0))
    Owner(redis_client).go()
    assert rhythm_of(Owner(redis_client).user()).scale_ms == 30 * DAY
    append(redis_client, an_order(NOON + 5 * DAY))
    next_owner = Owner(redis_client)
    next_owner.go()

    value: Any = redis_client.get(KEYS.rhythm(SHARD))
    assert read_curves(value) == QUICK
    assert rhythm_of(next_owner.user()).scale_ms == 5 * DAY
    assert next_owner.commit().clock == NOON + 5 * DAY


def test_curves_that_cannot_be_read_become_a_dead_letter(redis_client: redis.Redis) -> None:
    append(redis_client, RhythmLearned(b"?", NOON))
    append(redis_client, an_order(NOON))
    report = Owner(redis_client).go()

    assert report.dead == ["apply_failed"]
    assert redis_client.get(KEYS.rhythm(SHARD)) is None
    assert read_curves(b"?") == NOTHING_LEARNED


def test_a_timer_of_the_shard_teaches_a_silence_in_its_commit(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_order(NOON))
    owner.go()
    due_at = next_at(rhythm_of(owner.user()))
    append(redis_client, an_event(user="bob", at=due_at + 40 * DAY))
    owner.go()

    told = [
        example
        for fields in fields_of(redis_client, KEYS.examples(SHARD))
        for example in decode_examples(fields[ENTRY_FIELD])
        if isinstance(example, Waited)
    ]
    rhythm = rhythm_of(owner.user(ANN.digest))
    assert [one.first for one in told] == list(range(rhythm.taught))
    assert redis_client.zscore(KEYS.timers(SHARD), ANN.digest) == next_at(rhythm)


def teach(client: redis.Redis, n_intervals: int) -> None:
    model = RhythmModel()
    for _ in range(n_intervals):
        model.learn_one(Waited(0, 0, 5, NOON, 9 * DAY))
    client.hset(KEYS.models(model_shard(RHYTHM)), RHYTHM, model.to_bytes())


def test_owned_shards_are_told_when_much_more_was_learned(redis_client: redis.Redis) -> None:
    telling = TellingCurves(redis_client, KEYS)
    assert telling.step({0, SHARD}, NOON) == 0  # nothing is known yet
    teach(redis_client, LEAST_MORE)
    assert [telling.step({0, SHARD}, NOON) for _ in range(2)] == [2, 0]
    [fields] = fields_of(redis_client, KEYS.events(0))
    told = decode_entry(fields[ENTRY_FIELD])
    assert isinstance(told, RhythmLearned)
    assert told.received_at == NOON
    teach(redis_client, LEAST_MORE + 10)
    assert telling.step({0, SHARD}, NOON) == 0
    teach(redis_client, 3 * LEAST_MORE)
    assert telling.step({0, SHARD}, NOON) == 2


def test_a_shard_that_is_gained_is_told_only_what_it_does_not_know(
    redis_client: redis.Redis,
) -> None:
    teach(redis_client, 200)
    TellingCurves(redis_client, KEYS).step({SHARD}, NOON)
    Owner(redis_client).go()

    assert TellingCurves(redis_client, KEYS).step({SHARD}, NOON) == 0


def test_during_an_import_curves_are_told_and_move_no_clock(redis_client: redis.Redis) -> None:
    teach(redis_client, 200)
    redis_client.set(KEYS.import_hold(), 1)
    assert TellingCurves(redis_client, KEYS).step({SHARD}, NOON) == 1
    owner = Owner(redis_client)
    owner.go()
    assert owner.commit().clock == 0
