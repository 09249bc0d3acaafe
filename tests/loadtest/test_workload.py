"""A chaos run's events meet in one order, whatever is killed."""

from random import Random

from config.keys import Ids
from loadtest.workload import (
    Workload,
    chaos_workload,
    clock_events,
    sample_of_users,
    synthetic_history,
    with_resends,
)

IDS = Ids(b"s" * 32, n_shards=8)


def a_workload() -> Workload:
    return chaos_workload(synthetic_history(600, seed=1), IDS, seed=1)


def test_every_event_is_expected_once_of_a_known_user() -> None:
    workload = a_workload()
    sent = [timed.event["messageId"] for phase in workload.phases for timed in phase.events]
    assert len(sent) == len(set(sent)) == workload.n_events
    users = {timed.event["userId"] for timed in synthetic_history(600, seed=1)}
    assert {user for user in workload.expected if not user.startswith("clock")} == users


def test_no_clock_moves_while_shards_forward() -> None:
    clock = 0
    for phase in a_workload().phases:
        times = [timed.at_ms for timed in phase.events]
        assert times == sorted(times)
        assert clock <= times[0]
        if phase.forwards:
            assert set(times) == {clock}
        clock = times[-1]


def test_some_users_go_on_as_visitors_and_all_identify() -> None:
    phases = {phase.name: phase.events for phase in a_workload().phases}
    assert all("userId" not in timed.event for timed in phases["late visitors"])
    assert len(phases["late visitors"]) > 10
    late = {timed.event["anonymousId"] for timed in phases["late visitors"]}
    assert late <= {timed.event["anonymousId"] for timed in phases["identify"]}


def test_clock_events_reach_every_shard() -> None:
    shards = {IDS.known(timed.event["userId"]).shard for timed in clock_events(IDS, 5)}
    assert shards == set(range(8))


def test_a_resent_event_comes_after_its_first() -> None:
    history = synthetic_history(200, seed=2)
    resent = with_resends(history, 0.1, Random(3))
    assert len(resent) == 220
    firsts = list(dict.fromkeys(timed.line for timed in resent))
    assert firsts == [timed.line for timed in history]


def test_the_same_seed_gives_the_same_history_and_another_gives_another() -> None:
    assert synthetic_history(100, seed=4) == synthetic_history(100, seed=4)
    assert synthetic_history(100, seed=4) != synthetic_history(100, seed=5)


def test_sampled_users_keep_all_their_events() -> None:
    history = synthetic_history(800, seed=6)
    sample = sample_of_users(history, 200, seed=6)
    users = {timed.event["userId"] for timed in sample}
    assert sample == [timed for timed in history if timed.event["userId"] in users]
    assert 200 <= len(sample) < 400
