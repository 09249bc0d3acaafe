"""The benches of decisions run on whole shops; times are not judged, what the answers say is."""

import pytest

from loadtest.bench_faults import CUT_OFF_MS, Fault, FaultLoad, bench_faults
from loadtest.bench_freshness import FreshnessLoad, bench_freshness
from loadtest.bench_neighbours import bench_neighbours
from loadtest.bench_serve import ServeLoad, bench_serve
from loadtest.formats import Timed
from shopkeeper.lifeline import tied
from tests.loadtest.builders import a_dense_history, a_walking_history

SLOW_TIMES = 10  # a machine that others use; without a cut-off it would be for ever


@pytest.fixture(scope="module")
def history() -> list[Timed]:
    return a_dense_history(2000)


def test_serve_bench_compares_logged_personal_decisions_with_the_floor(
    history: list[Timed],
) -> None:
    load = ServeLoad(seconds=1.0, rounds=1, per_second=50, warm_up_seconds=0.5)
    figures = bench_serve(history, load, tied)
    assert figures["failures"] == figures["steady_failures"] == 0
    assert figures["ratio_to_floor"] == pytest.approx(
        figures["decisions_per_second"] / figures["floor_requests_per_second"], abs=0.01
    )
    assert figures["personal_rate"] >= 0.9
    assert 0.9 < figures["logged_rate"] <= 1.0
    assert figures["decision_p50_ms"] <= figures["decision_p99_ms"]


def test_freshness_bench_sees_each_probed_event_and_step_in_a_decision(
    history: list[Timed],
) -> None:
    load = FreshnessLoad(
        events_per_second=100,
        decisions_per_second=20.0,
        seconds=2.0,
        rounds=1,
        warm_up_seconds=1.5,
    )
    figures = bench_freshness(history, load, tied)
    assert figures["probed_events"] == 4
    assert figures["probed_steps"] > 0
    assert figures["refused_batches"] == figures["failed_decisions"] == 0
    assert figures["stale"] == figures["unlearned"] == 0
    assert figures["cores_used"].keys() >= {"server", "worker-1", "learner", "redis", "generator"}


def test_whatever_happens_to_redis_decisions_are_answered_say_so_and_recover(
    history: list[Timed],
) -> None:
    load = FaultLoad(
        per_second=50, before_seconds=0.5, fault_seconds=0.7, after_seconds=4.0, fill_seconds=4.0
    )
    figures = bench_faults(history[:1000], load, tied)
    assert [fault["fault"] for fault in figures["faults"]] == list(Fault)
    assert figures["failures"] == 0
    assert figures["fallback_in_fault_rate"] == 1.0
    assert figures["personal_again_ms"] is not None
    assert figures["server_max_ms"] < SLOW_TIMES * CUT_OFF_MS


def test_answers_follow_what_was_just_viewed() -> None:
    history = a_walking_history(2000, n_products=60)
    figures = bench_neighbours(history, 12, seed=1, launch=tied)
    assert figures["samples"] == 12
    assert figures["fallback_rate"] == 0.0
    assert figures["first_is_neighbour_rate"] >= 0.8
    assert figures["answer_differs_rate"] >= 0.5
