"""What every policy must do; one that is named in ``POLICIES`` is tested by all of it."""

from collections.abc import Callable, Sequence
from math import sqrt
from random import Random
from typing import Protocol, Self

import numpy as np
import pytest

from config.campaigns import MAX_ARMS
from config.errors import ShopkeeperError
from online_models.chances import UnfitExample
from online_models.offers import OfferPolicy
from online_models.picking import FLOOR, NoArms, Picked
from online_models.policies import ThompsonPolicy, UnknownPolicyVersion

N_FEATURES = 3
ARMS = ["", "spring/a", "spring/b"]
NAN, INFINITY = float("nan"), float("inf")


class Policy(Protocol):
    """What the suite asks of a policy."""

    def probabilities(self, features: Sequence[float], arms: Sequence[str]) -> list[float]: ...

    def choose(self, features: Sequence[float], arms: Sequence[str], rng: Random) -> Picked: ...

    def learn_one(
        self, features: Sequence[float], arm: str, reward: float, probability: float
    ) -> None: ...

    def to_bytes(self) -> bytes: ...

    @classmethod
    def from_bytes(cls, data: bytes) -> Self: ...


POLICIES: dict[str, Callable[[int], Policy]] = {"thompson": ThompsonPolicy, "offers": OfferPolicy}


@pytest.fixture(params=POLICIES)
def make(request: pytest.FixtureRequest) -> Callable[[int], Policy]:
    return POLICIES[request.param]


def a_visitor(rng: Random) -> list[float]:
    return [float(rng.random() < 0.5), rng.random(), rng.gauss(0.0, 1.0)]


def true_chance(features: Sequence[float], arm: str) -> float:
    """One arm suits those whose first feature is 1, one the others, one nobody."""
    if arm == "":
        return 0.1
    return 0.4 if (features[0] == 1.0) == (arm == "spring/a") else 0.05


def taught(policy: Policy, n_visits: int, seed: int = 1) -> Policy:
    """Return the policy after visits in which it chose."""
    rng = Random(seed)
    for _ in range(n_visits):
        features = a_visitor(rng)
        picked = policy.choose(features, ARMS, rng)
        reward = float(rng.random() < true_chance(features, picked.arm))
        policy.learn_one(features, picked.arm, reward, picked.probability)
    return policy


def test_before_it_has_learned_it_chooses_each_arm_alike(make: Callable[[int], Policy]) -> None:
    assert make(N_FEATURES).probabilities([1.0, 0.0, 0.5], ARMS) == pytest.approx([1 / 3] * 3)


def test_probabilities_sum_to_one_and_none_is_zero(make: Callable[[int], Policy]) -> None:
    policy, rng = taught(make(N_FEATURES), 2_000), Random(5)
    for n_arms in (1, 2, 3, 20):
        arms = [*ARMS, *(f"new/{number}" for number in range(20))][:n_arms]
        told = policy.probabilities(a_visitor(rng), arms)
        assert sum(told) == pytest.approx(1.0, abs=1e-12)
        assert min(told) >= FLOOR / n_arms * 0.999


def test_it_picks_as_often_as_it_says(make: Callable[[int], Policy]) -> None:
    """Of 20,000 picks each arm's share lies within five standard deviations of what was told."""
    policy, features, n = taught(make(N_FEATURES), 150), [1.0, 0.2, 0.3], 20_000
    told = policy.probabilities(features, ARMS)
    rng = Random(3)
    picks = [policy.choose(features, ARMS, rng) for _ in range(n)]
    for arm, probability in zip(ARMS, told, strict=True):
        share = sum(picked.arm == arm for picked in picks) / n
        assert abs(share - probability) < 5 * sqrt(probability * (1 - probability) / n)
        assert {one.probability for one in picks if one.arm == arm} <= {probability}


def test_choosing_changes_nothing_and_leaves_what_was_asked_alone(
    make: Callable[[int], Policy],
) -> None:
    policy, features, arms = taught(make(N_FEATURES), 500), [1.0, 0.2, 0.3], [*ARMS, "new/arm"]
    before = policy.to_bytes()
    for seed in range(20):
        policy.choose(features, arms, Random(seed))

    assert policy.to_bytes() == before
    assert (features, arms) == ([1.0, 0.2, 0.3], [*ARMS, "new/arm"])


def test_the_same_seed_and_rewards_give_the_same_policy(make: Callable[[int], Policy]) -> None:
    first, second = taught(make(N_FEATURES), 1_500), taught(make(N_FEATURES), 1_500)
    assert first.to_bytes() == second.to_bytes()


def test_it_goes_on_from_its_bytes_as_if_nothing_had_been(make: Callable[[int], Policy]) -> None:
    policy = taught(make(N_FEATURES), 1_500)
    other = type(policy).from_bytes(policy.to_bytes())

    assert taught(other, 1_500, seed=2).to_bytes() == taught(policy, 1_500, seed=2).to_bytes()


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x93\xa8thompson\x02\x90", b"x" * 99])
def test_bytes_of_something_else_are_an_error_with_a_name(
    make: Callable[[int], Policy], data: bytes
) -> None:
    with pytest.raises(UnknownPolicyVersion):
        type(make(N_FEATURES)).from_bytes(data)


@pytest.mark.parametrize(
    ("features", "arm", "reward", "probability"),
    [
        ([1.0, 0.0], "a", 1.0, 0.5),
        ([1.0, 0.0, 0.0], "a", NAN, 0.5),
        ([1.0, 0.0, 0.0], "a", INFINITY, 0.5),
        ([1.0, 0.0, 0.0], "a", 1.0, 0.0),
        ([1.0, 0.0, 0.0], "a", 1.0, NAN),
        ([1.0, 0.0, 0.0], "a", 1.0, 1.5),
        ([1.0, 0.0, 0.0], "a" * 10_000, 1.0, 0.5),
    ],
)
def test_what_cannot_be_learned_is_refused_and_changes_nothing(
    make: Callable[[int], Policy],
    features: list[float],
    arm: str,
    reward: float,
    probability: float,
) -> None:
    policy = taught(make(N_FEATURES), 300)
    before = policy.to_bytes()
    with pytest.raises(UnfitExample):
        policy.learn_one(features, arm, reward, probability)
    assert policy.to_bytes() == before


def test_numbers_that_are_none_do_no_lasting_harm(make: Callable[[int], Policy]) -> None:
    policy = taught(make(N_FEATURES), 3_000)
    for odd in (NAN, INFINITY, -INFINITY, 1e12, -1e12):
        for arm in ARMS:
            policy.learn_one([odd, odd, odd], arm, 1e12, 0.5)
    told = taught(policy, 3_000, seed=2).probabilities([1.0, 0.5, 0.0], ARMS)

    assert np.isfinite(told).all()
    assert told[1] > 0.9


def test_to_choose_among_no_arms_or_one_twice_is_an_error(make: Callable[[int], Policy]) -> None:
    for arms in ([], ["a", "a"]):
        with pytest.raises(NoArms):
            make(N_FEATURES).choose([1.0, 0.0, 0.0], arms, Random(1))
    with pytest.raises(ShopkeeperError):
        make(N_FEATURES).choose([1.0], ["a"], Random(1))


def test_it_stays_bounded_however_many_arms_come(make: Callable[[int], Policy]) -> None:
    policy, sizes = make(N_FEATURES), []
    for number in range(3 * MAX_ARMS):
        policy.learn_one([1.0, 0.0, 0.0], f"campaign/{number:04}", 1.0, 0.5)
        sizes.append(len(policy.to_bytes()))

    assert max(sizes) <= 1.05 * sizes[MAX_ARMS]


def test_all_that_a_file_may_let_it_learn_has_room_beside_nothing(
    make: Callable[[int], Policy],
) -> None:
    arms = ["", *(f"a/{number}" for number in range(MAX_ARMS))]
    policy, features = make(N_FEATURES), [1.0, 0.0, 0.0]
    for arm in ["a/0"] * 20 + arms[2:] + arms[:1]:
        policy.learn_one(features, arm, float(arm == "a/0"), 0.5)
    told = policy.probabilities(features, arms)
    assert told[1] > 2.5 * max(told[0], *told[2:])


def test_a_new_arm_is_tried(make: Callable[[int], Policy]) -> None:
    policy = taught(make(N_FEATURES), 3_000)
    told = policy.probabilities([1.0, 0.5, 0.0], [*ARMS, "summer/new"])
    assert told[-1] > 0.02


def test_it_beats_the_best_single_arm_on_a_seeded_stream(make: Callable[[int], Policy]) -> None:
    """The best arm everywhere is worth 0.225 a visit, the best for each visitor 0.4."""
    policy, rng, earned = make(N_FEATURES), Random(9), 0.0
    taught(policy, 3_000)
    for _ in range(1_000):
        features = a_visitor(rng)
        told = policy.probabilities(features, ARMS)
        earned += sum(p * true_chance(features, arm) for p, arm in zip(told, ARMS, strict=True))

    assert earned / 1_000 > 0.36
