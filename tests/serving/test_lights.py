"""Each light turns where it should, with a sentence that says why."""

import pytest

from serving.lights import (
    Light,
    Scored,
    State,
    decisions_light,
    fallbacks_light,
    freshness_light,
    lag_light,
    memory_light,
    model_light,
    processes_light,
    worst,
)

CUTOFF_MS = 50


@pytest.mark.parametrize(
    ("p99_ms", "state"), [(8.0, "green"), (50.0, "green"), (51.0, "amber"), (101.0, "red")]
)
def test_decisions_are_held_against_the_cut_off(p99_ms: float, state: State) -> None:
    light = decisions_light(2.0, p99_ms, CUTOFF_MS)
    assert light.state == state
    assert f"{p99_ms:.1f} ms" in light.sentence


def test_nothing_to_judge_is_neither_good_nor_bad() -> None:
    assert decisions_light(None, None, CUTOFF_MS).state == "idle"
    assert freshness_light(None).state == "idle"
    assert fallbacks_light(0.0, {}).state == "idle"


def test_strangers_are_no_fault_but_a_slow_redis_is() -> None:
    assert fallbacks_light(100.0, {"no_history": 90.0, "unknown_user": 5.0}).state == "green"
    assert fallbacks_light(10_000.0, {"redis_slow": 20.0, "no_history": 1.0}).state == "amber"
    light = fallbacks_light(100.0, {"redis_unavailable": 30.0, "redis_slow": 2.0})
    assert light == Light(
        "Fallbacks",
        "red",
        "32 % of placements had to do without what is known: redis slow and redis unavailable.",
    )


@pytest.mark.parametrize(("p99_ms", "state"), [(9, "green"), (1_500, "amber"), (6_000, "red")])
def test_freshness_turns(p99_ms: float, state: State) -> None:
    assert freshness_light(p99_ms).state == state


def test_a_shard_without_a_worker_is_red_whatever_the_lag() -> None:
    assert lag_light(0.0, 64, 64).state == "green"
    assert lag_light(3.0, 64, 64).state == "amber"
    assert lag_light(11.0, 64, 64).state == "red"
    assert lag_light(0.0, 60, 64).sentence == "4 of 64 shards have no worker."


def test_a_full_redis_is_red_and_a_dead_letter_amber() -> None:
    assert memory_light(0.3, 0.0).state == "green"
    assert memory_light(0.3, 2.0).state == "amber"
    assert memory_light(0.7, 0.0).state == "amber"
    assert memory_light(0.81, 0.0).state == "red"


def test_what_is_missing_is_named() -> None:
    light = processes_light(["no_live_worker"], {"server": 1, "learner": 1}, 0.0)
    assert (light.state, light.sentence) == ("red", "Not ready: no live worker.")
    assert processes_light([], {"server": 1, "worker": 2}, 0.0).state == "red"
    light = processes_light([], {"server": 1, "worker": 2, "learner": 1}, 0.0)
    assert light.sentence == "1 server, 2 workers, 1 learner: all there."


def test_without_a_deliverer_all_is_well_until_something_fires() -> None:
    live = {"server": 1, "worker": 1, "learner": 1, "deliverer": 0}
    assert processes_light([], live, 0.0).state == "green"
    light = processes_light([], live, 3.0)
    assert light == Light("Processes", "red", "No deliverer runs: nobody is told of what fires.")
    assert processes_light([], live | {"deliverer": 1}, 3.0).state == "green"


@pytest.mark.parametrize(
    ("scored", "behind", "state"),
    [
        (Scored(99, 50, 10, 0), 0, "idle"),
        (Scored(1000, 500, 200, 0), 0, "green"),
        (Scored(1000, 500, 200, 1), 0, "amber"),
        (Scored(1000, 500, 200, 0), 9_000, "amber"),
        (Scored(1000, 195, 200, 0), 0, "amber"),
        (Scored(1000, 100, 200, 0), 0, "red"),
    ],
)
def test_hits_are_held_against_the_baseline(scored: Scored, behind: float, state: State) -> None:
    light = model_light("next-product", scored, is_loss=False, behind=behind, learns=True)
    assert light.state == state


@pytest.mark.parametrize(
    ("scored", "state"),
    [
        (Scored(200, 40.0, 60.0, 0), "green"),
        (Scored(200, 60.5, 60.0, 0), "amber"),
        (Scored(200, 70.0, 60.0, 0), "red"),
        (Scored(200, 40.0, 60.0, 2), "amber"),
    ],
)
def test_of_a_loss_less_is_better(scored: Scored, state: State) -> None:
    assert model_light("order", scored, is_loss=True, behind=0.0, learns=True).state == state


def test_a_model_that_nobody_teaches_is_red() -> None:
    light = model_light("order", Scored(500, 1, 99, 0), is_loss=True, behind=0.0, learns=False)
    assert light.state == "red"


def test_the_first_to_look_at_is_the_reddest() -> None:
    lights = [Light("a", "idle", ""), Light("b", "green", ""), Light("c", "amber", "")]
    assert worst(lights).name == "c"
    assert worst([*lights, Light("d", "red", "")]).name == "d"
    assert worst(lights[:2]).name == "b"
