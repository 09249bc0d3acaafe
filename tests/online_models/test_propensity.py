from random import Random

import numpy as np
import pytest

from online_models.columns import MixedFeatures
from online_models.features import feature_names
from online_models.propensity import N_HELD, Propensity


def test_prior_is_what_it_says_until_something_is_known() -> None:
    assert Propensity(prior=0.03).predict_one([1.0]) == pytest.approx(0.03)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Propensity(prior=0.0)


def test_of_nothing_but_noise_it_learns_how_frequent_the_outcome_is() -> None:
    rng, model = Random(1), Propensity()
    for _ in range(8_000):
        model.learn_one([rng.random()], rng.random() < 0.02)
    asked = [model.predict_one([rng.random()]) for _ in range(500)]
    assert sum(asked) / len(asked) == pytest.approx(model.n_seen[1] / 8_000, rel=0.3)
    assert max(asked) < 0.08


def test_rare_outcomes_are_all_held_and_of_the_others_a_uniform_sample() -> None:
    model = Propensity()
    for number in range(3 * N_HELD):
        third = number // N_HELD + 1.0
        model.learn_one([third], number % 100 == 0)
    without, having = model.held.codes[:N_HELD, 0], model.held.codes[N_HELD:, 0]
    n_having = 3 * N_HELD // 100 + 1
    assert model.n_seen == [3 * N_HELD - n_having, n_having]
    # The rows that are not in use read as 0, those in use as 1, 2 and 3.
    assert len(set(having[:n_having])) == 3
    assert len(set(having[n_having:])) == 1
    _, counts = np.unique(without, return_counts=True)
    assert counts == pytest.approx([N_HELD / 3] * 3, rel=0.15)


def test_features_of_a_served_visitor_fit() -> None:
    """The list has another scale at each place; the fifth decides."""
    rng, model = Random(2), Propensity(prior=0.03)
    n_features = len(feature_names())
    assert n_features == 42

    def visit() -> tuple[list[float], bool]:
        values = [rng.expovariate(10.0 ** -(place % 6)) for place in range(n_features)]
        return values, rng.random() < (0.3 if values[4] > 1e4 else 0.01)

    for _ in range(6_000):
        model.learn_one(*visit())
    likely, unlikely = [1.0] * n_features, [1.0] * n_features
    likely[4] = 5e4
    assert model.predict_one(likely) > 0.15
    assert model.predict_one(unlikely) < 0.05


def test_named_and_listed_features_do_not_mix() -> None:
    model = Propensity()
    model.learn_one({"pages": 1.0}, True)
    with pytest.raises(MixedFeatures):
        model.predict_one([1.0])
