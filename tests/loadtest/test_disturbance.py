"""A plan's actions are dealt to the phases: all of them, seeded, forwarding where it happens."""

from collections import Counter
from random import Random

from config.keys import Ids
from loadtest.disturbance import Plan, cut, deal
from loadtest.fail_points import FailPoint
from loadtest.workload import Phase, chaos_workload, synthetic_history

PLAN = Plan("a plan", workers=2, kills=5, hits_each=3, seed=1, joins=True)


def phases() -> list[Phase]:
    return chaos_workload(synthetic_history(800, 1), Ids(b"s" * 32, 8), 1).phases


def test_every_action_is_dealt_once() -> None:
    counts = Counter(action for deck in deal(phases(), PLAN, Random(1)) for action in deck)
    assert all(counts[point] == 3 for point in FailPoint)
    assert sum(counts[kind] for kind in ("server", "worker", "redis")) == 5
    assert counts["join or leave"] > 1


def test_forwarding_is_hit_where_shards_forward() -> None:
    for phase, deck in zip(phases(), deal(phases(), PLAN, Random(2)), strict=True):
        assert phase.forwards or FailPoint.AFTER_FORWARDING not in deck


def test_the_same_seed_deals_the_same() -> None:
    assert deal(phases(), PLAN, Random(3)) == deal(phases(), PLAN, Random(3))
    assert deal(phases(), PLAN, Random(3)) != deal(phases(), PLAN, Random(4))


def test_chunks_are_the_whole_in_order() -> None:
    events = phases()[0].events
    chunks = cut(events, 7)
    assert len(chunks) == 7
    assert [timed for chunk in chunks for timed in chunk] == events
