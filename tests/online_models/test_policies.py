from collections.abc import Sequence
from random import Random
from zlib import crc32

import numpy as np
import pytest

from online_models import policies, propensity_bytes
from online_models.beliefs import SHARED, Beliefs, shares_of_best
from online_models.chances import KEPT_AT_DRIFT, Chances, checked, mean_chance
from online_models.contexts import CONTEXT_NAMES
from online_models.features import feature_names
from online_models.offers import OfferPolicy
from online_models.policies import ThompsonPolicy


@pytest.mark.parametrize(
    ("means", "spreads"),
    [
        ([0.0, 0.0], [1.0, 1.0]),
        ([0.5, 0.0, -0.4], [0.3, 0.5, 1.2]),
        ([0.0, 0.01, -0.02, 1.0], [0.01, 0.02, 1.0, 0.9]),
        (list(np.linspace(-1, 1, 10)), [0.6] * 10),
    ],
)
def test_chances_of_the_best_are_those_of_many_draws(
    means: list[float], spreads: list[float]
) -> None:
    """Four deviations of 400,000 draws are 0.003; the integral is exact to 0.01."""
    rng = np.random.default_rng(1)
    draws = rng.normal(means, spreads, (400_000, len(means)))
    expected = np.bincount(draws.argmax(axis=1), minlength=len(means)) / len(draws)

    told = shares_of_best(np.array([means, np.square(spreads)]))

    assert told == pytest.approx(expected, abs=0.013)
    assert told.sum() == pytest.approx(1.0)


def test_an_arm_that_cannot_be_the_best_has_no_chance_but_the_floor() -> None:
    assert shares_of_best(np.array([[3.0, 0.0], [0.01, 0.01]])).tolist() == [1.0, 0.0]


def test_what_is_learned_comes_near_the_weights_of_batch_learning() -> None:
    """20,000 rewards, five weights: a standard error is 0.02 to 0.05."""
    rng = np.random.default_rng(2)
    truth, chances = np.array([-1.0, 1.0, -0.5, 0.3, 0.0]), Chances(4)
    for _ in range(20_000):
        features = rng.normal(size=4)
        chance = 1 / (1 + np.exp(-(truth[0] + truth[1:] @ features)))
        chances.learn(checked(features, 4), "a", float(rng.random() < chance))
    both = chances.beliefs.means[SHARED] + chances.beliefs.means[chances.arms.row("a")]

    assert both == pytest.approx(truth, abs=0.15)


def test_certainty_grows_with_rewards_and_fading_takes_it_back_to_the_prior() -> None:
    chances, x = Chances(2), checked([0.5, 1.0], 2)
    rows = chances.rows(["a"])
    before = chances.scores(x, rows)[1]
    for number in range(500):
        chances.learn(x, "a", float(number % 10 == 0))
    rows = chances.rows(["a"])
    learned = chances.scores(x, rows)
    assert (learned[1] < 0.1 * before).all()
    assert mean_chance(*learned.sum(axis=1)) == pytest.approx(0.1, abs=0.03)

    chances.fade(1e-9)
    faded = chances.scores(x, rows)
    assert faded[1] == pytest.approx(before, rel=0.01)
    assert faded[0] == pytest.approx(learned[0])


def test_covariances_stay_covariances() -> None:
    """However certain, each stays symmetric, and no direction's variance falls to 0 or below."""
    rng, chances = np.random.default_rng(3), Chances(8)
    for _ in range(12_000):
        x = checked(rng.normal(size=8) * 10.0 ** rng.integers(-3, 2), 8)
        chances.learn(x, "ab"[rng.integers(2)], float(rng.random() < 0.5))
    for covariance in chances.beliefs.covariances:
        assert np.abs(covariance - covariance.T).max() < 1e-9
        assert np.linalg.eigvalsh(covariance).min() > 0


def test_beliefs_come_back_from_their_arrays() -> None:
    beliefs, other = (Beliefs(3, (1.0, 0.5, 0.5, 0.1), -2.0) for _ in range(2))
    beliefs.add_arm()
    beliefs.means[2] = [1.0, 2.0, 3.0]
    other.take_arrays(*beliefs.to_arrays())

    assert (other.means == beliefs.means).all()
    assert (other.covariances == beliefs.covariances).all()


def a_switching_shop(policy: ThompsonPolicy, n_visits: int, best: str, seed: int) -> list[bool]:
    """Return for each visit whether the best arm was chosen; it brings 0.3, the other 0.1."""
    rng, chosen = Random(seed), []
    for _ in range(n_visits):
        features = [rng.gauss(0, 1), rng.gauss(0, 1)]
        picked = policy.choose(features, ["a", "b"], rng)
        chosen.append(picked.arm == best)
        reward = float(rng.random() < (0.3 if picked.arm == best else 0.1))
        policy.learn_one(features, picked.arm, reward, picked.probability)
    return chosen


def test_a_drift_is_noticed_and_answered() -> None:
    """What the best arm lost is 0.44 standard deviations, 120 / (0.44 - 0.05) = 310 visits."""
    policy = ThompsonPolicy(2)
    assert np.mean(a_switching_shop(policy, 12_000, "a", seed=1)[6_000:]) > 0.95
    assert policy.chances.n_drifts == 0

    after = a_switching_shop(policy, 4_000, "b", seed=2)

    assert policy.chances.n_drifts >= 1
    assert np.mean(after[2_000:]) > 0.9


def test_contexts_that_swap_are_noticed_though_no_arm_brings_less_on_average() -> None:
    """Before, an arm brings 0.3 to one half of visitors and 0.1 to the other; then, vice versa."""
    rng, chances = Random(4), Chances(1)
    for number in range(16_000):
        half = float(rng.random() < 0.5)
        is_suited = (half == 1.0) == (number < 8_000)
        reward = float(rng.random() < (0.3 if is_suited else 0.1))
        chances.learn(checked([half], 1), "a", reward)
        if number == 7_999:
            assert chances.n_drifts == 0

    assert chances.n_drifts >= 1


def test_after_a_drift_so_much_certainty_is_left_as_few_rewards_would_have_brought() -> None:
    few, many = Chances(1), Chances(1)
    x = checked([1.0], 1)
    for number in range(20_000):
        if number < KEPT_AT_DRIFT:
            few.learn(x, "a", float(number % 4 == 0))
        many.learn(x, "a", float(number % 4 == 0))
    many._doubt()
    left, fresh = (one.scores(x, one.rows(["a"]))[1, 0] for one in (many, few))

    assert left == pytest.approx(fresh, rel=0.3)


def test_one_large_order_does_not_decide_for_good() -> None:
    """Who is offered nothing orders as often, and earns more; one of the first orders is huge."""
    for outlier in (1e2, 1e4, 1e6):
        for number in range(3):
            policy, rng = OfferPolicy(1), Random(number)
            policy.learn_one([0.0], "a/x", 10.0, 0.5)
            policy.learn_one([0.0], "a/x", 10.0 * outlier, 0.5)
            for _ in range(4_000):
                picked = policy.choose([0.0], ["", "a/x"], rng)
                margin = 20.0 if picked.arm == "" else 10.0
                reward = margin if rng.random() < 0.3 else 0.0
                policy.learn_one([0.0], picked.arm, reward, picked.probability)
            nothing, offer = policy.probabilities([0.0], ["", "a/x"])
            assert nothing > 0.9
            assert offer < 0.1


def test_the_least_margin_that_a_float_holds_is_learned() -> None:
    policy = OfferPolicy(1)
    policy.learn_one([0.0], "a/x", 5e-324, 0.5)
    assert sum(policy.probabilities([0.0], ["", "a/x"])) == pytest.approx(1.0)


def test_what_is_learned_by_place_is_of_another_version_where_names_change() -> None:
    """Whoever changes the names gives the bytes a new version, and then the new hash here."""

    def hashed(names: Sequence[str]) -> int:
        return crc32("\n".join(names).encode())

    assert (policies.VERSION, hashed(CONTEXT_NAMES)) == (1, 758_179_367)
    assert (propensity_bytes.VERSION, hashed(feature_names())) == (1, 1_623_724_911)
