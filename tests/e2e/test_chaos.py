"""The short chaos run: kills and every fail point, and nothing is lost or counted twice."""

from loadtest.chaos import run_chaos
from loadtest.disturbance import Plan
from loadtest.workload import synthetic_history
from shopkeeper.lifeline import tied


def test_nothing_is_lost_or_repeated_while_everything_is_killed() -> None:
    plan = Plan("two workers", workers=2, kills=3, hits_each=1, seed=1)
    figures = run_chaos(synthetic_history(800, seed=1), [plan], 1, tied)
    assert figures["runs"][0]["first_difference"] == ""
    assert figures["state_equal"]
    assert (figures["events_lost"], figures["effects_repeated"]) == (0, 0)
    assert figures["kills"] == 3
    assert min(figures["fail_points"].values()) >= 1
