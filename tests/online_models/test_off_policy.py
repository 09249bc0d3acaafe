"""Off-policy estimates against worlds whose true values are known."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from online_models.off_policy import (
    BrokenLog,
    Choices,
    Doubles,
    Estimates,
    Valuer,
    mean_reward,
)
from online_models.reward_model import cross_fitted, fitted

N_ARMS = 4


class World(NamedTuple):
    """Logged choices, another policy's chances for each row, and what it earns in truth."""

    choices: Choices
    target: Doubles
    truth: float


def a_world(seed: int, n: int, noise: float = 0.5) -> World:
    """Return a world where the logging policy favours bad arms, and the other one good ones."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 2))
    means = 1.0 + features @ np.array([[0.5, -0.5, 0.0, 0.2], [0.0, 0.3, 0.6, -0.4]])
    logging, target = _softmax(-means), _softmax(2.0 * means)
    arms = (logging.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    rows = np.arange(n)
    rewards = means[rows, arms] + noise * rng.normal(size=n)
    choices = Choices(arms, logging[rows, arms], rewards, features, N_ARMS)
    return World(choices, target, float((target * means).sum(axis=1).mean()))


def _softmax(scores: Doubles) -> Doubles:
    powers = np.exp(scores)
    shares: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return shares


def estimated(world: World, seed: int = 0) -> Estimates:
    return Valuer(world.choices, seed).value(world.target)


def test_estimators_find_the_value_of_a_policy_that_was_never_run() -> None:
    world = a_world(1, 20_000)
    found = estimated(world)
    logged = float(world.choices.rewards.mean())
    assert world.truth > logged + 0.5
    assert found.ipw.value == pytest.approx(world.truth, abs=0.12)
    assert found.self_normalised_ipw.value == pytest.approx(world.truth, abs=0.08)
    assert found.direct_method.value == pytest.approx(world.truth, abs=0.08)
    assert found.doubly_robust.value == pytest.approx(world.truth, abs=0.04)


def test_doubly_robust_is_the_surest_of_those_that_trust_no_model() -> None:
    worlds = [a_world(seed, 800) for seed in range(40)]
    errors = np.array(
        [
            [found.ipw.value - world.truth, found.doubly_robust.value - world.truth]
            for world in worlds
            for found in [estimated(world)]
        ]
    )
    spread = errors.std(axis=0)
    assert spread[1] < 0.7 * spread[0]
    assert np.abs(errors.mean(axis=0)) == pytest.approx([0.0, 0.0], abs=0.06)


def test_intervals_hold_the_truth_about_as_often_as_they_claim() -> None:
    """Of 95 %, 80 runs give 76 in the mean; fewer than 68 come by chance once in 3,000 times."""
    n_held = 0
    for seed in range(80):
        world = a_world(seed, 600)
        _, low, high = estimated(world).doubly_robust
        n_held += low <= world.truth <= high
    assert n_held >= 68


def test_a_wrong_model_of_rewards_does_not_mislead_the_doubly_robust_estimate() -> None:
    world = a_world(3, 20_000)
    blind = replace(world.choices, features=np.zeros((20_000, 1)))
    found = Valuer(blind, 0).value(world.target)
    assert abs(found.direct_method.value - world.truth) > 0.2
    assert found.doubly_robust.value == pytest.approx(world.truth, abs=0.08)


def test_the_logging_policy_itself_is_worth_what_it_earned() -> None:
    choices = a_world(1, 500).choices
    own = np.full((500, N_ARMS), 1.0 / N_ARMS)
    even = replace(choices, chances=np.full(500, 1.0 / N_ARMS))
    found = Valuer(even, 0).value(own)
    assert found.ipw.value == pytest.approx(float(choices.rewards.mean()))
    assert found.ipw == pytest.approx(Valuer(even, 0).value_logged())
    assert found.effective_choices == pytest.approx(500)
    assert found.largest_weight == pytest.approx(1.0)


def test_an_arm_that_was_never_logged_is_told() -> None:
    world = a_world(1, 400)
    more = replace(world.choices, n_arms=N_ARMS + 1)
    target = np.concatenate([world.target * 0.75, np.full((400, 1), 0.25)], axis=1)
    found = Valuer(more, 0).value(target)
    assert found.unsupported == pytest.approx(0.25)
    assert np.isfinite(found.doubly_robust.value)


def test_a_policy_that_never_picks_what_was_logged_has_no_weight() -> None:
    choices = Choices(
        np.zeros(5, np.int64), np.full(5, 0.5), np.ones(5), np.zeros((5, 0)), n_arms=2
    )
    found = Valuer(choices, 0).value(np.tile([0.0, 1.0], (5, 1)))
    assert (found.ipw.value, found.self_normalised_ipw.value) == (0.0, 0.0)
    assert (found.effective_choices, found.unsupported) == (0.0, 1.0)


def test_the_seed_decides() -> None:
    world = a_world(1, 400)
    assert estimated(world, 1) == estimated(world, 1)
    assert estimated(world, 1) != estimated(world, 2)


def test_a_log_longer_than_what_is_drawn_from_has_the_same_intervals() -> None:
    rewards = np.random.default_rng(1).normal(1.0, 2.0, 50_000)
    value, low, high = mean_reward(rewards, 0)
    half = 1.96 * 2.0 / np.sqrt(50_000)
    assert (value - low, high - value) == pytest.approx((half, half), rel=0.15)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"chances": np.array([0.0, 0.5])}, "chance of a logged choice"),
        ({"chances": np.array([1.5, 0.5])}, "chance of a logged choice"),
        ({"chances": np.array([np.nan, 0.5])}, "chance of a logged choice"),
        ({"rewards": np.array([np.inf, 0.0])}, "not finite"),
        ({"features": np.array([[np.nan], [0.0]])}, "not finite"),
        ({"arms": np.array([0, 4])}, "an arm is not among the 4"),
        ({"arms": np.zeros(0, np.int64)}, "no choice is logged"),
    ],
)
def test_broken_logs_are_refused(change: dict[str, Any], expected: str) -> None:
    fine = Choices(np.array([0, 1]), np.array([0.5, 0.5]), np.ones(2), np.zeros((2, 1)), N_ARMS)
    with pytest.raises(BrokenLog, match=expected):
        replace(fine, **change)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (np.full((2, 3), 1 / 3), "shape"),
        (np.full((2, 4), 0.3), "sum to 1"),
        (np.array([[1.5, -0.5, 0, 0]] * 2), "negative"),
        (np.full((2, 4), np.nan), "not finite"),
    ],
)
def test_what_is_no_policy_is_refused(target: Doubles, expected: str) -> None:
    fine = Choices(np.array([0, 1]), np.array([0.5, 0.5]), np.ones(2), np.zeros((2, 1)), N_ARMS)
    with pytest.raises(BrokenLog, match=expected):
        Valuer(fine, 0).value(target)


def test_no_row_has_a_say_in_what_is_foreseen_of_it() -> None:
    choices = a_world(1, 300).choices
    changed = choices.rewards.copy()
    changed[7] += 1_000.0
    before, after = (
        cross_fitted(choices.arms, rewards, choices.features, N_ARMS, 0)
        for rewards in (choices.rewards, changed)
    )
    assert (before[7] == after[7]).all()
    assert (before[8] != after[8]).any()


def test_arms_that_are_alike_share_what_is_known_and_others_do_not() -> None:
    rng = np.random.default_rng(1)
    arms, lines = np.arange(400) % N_ARMS, np.ones((400, 1))
    noise = rng.normal(size=400)
    alike = fitted(arms, noise, lines, N_ARMS)[:, 0]
    apart = fitted(arms, noise + 10.0 * arms, lines, N_ARMS)[:, 0]
    assert alike.std() < 0.05
    assert apart == pytest.approx([0.0, 10.0, 20.0, 30.0], abs=0.4)
