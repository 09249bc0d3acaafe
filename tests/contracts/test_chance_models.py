"""What every model of a yes or no must do, with named features and with a list of numbers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, nan
from random import Random
from typing import Protocol, Self

import pytest

from online_models.chance_scores import chance_scores
from online_models.columns import Features
from online_models.propensity import Propensity
from online_models.snapshots import SnapshotMismatch


class ChanceModel(Protocol):
    """What the suite asks of a model."""

    def predict_one(self, features: Features) -> float:
        """Return the chance of the outcome."""
        ...

    def learn_one(self, features: Features, outcome: bool) -> None:
        """Learn what came of these features."""
        ...

    def to_bytes(self) -> bytes:
        """Return all of the model."""
        ...

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the model of these bytes."""
        ...


@dataclass(frozen=True)
class Kind:
    """A model, and how a visit (pages, device, noise) is told to it."""

    make: Callable[[], ChanceModel]
    tell: Callable[[float, str, float], Features]


def told_by_name(pages: float, device: str, noise: float) -> Features:
    return {"pages": pages, "device": device, "noise": noise}


def told_by_place(pages: float, device: str, noise: float) -> Features:
    return [pages, float(device == "phone"), noise]


KINDS = {
    "propensity, named": Kind(lambda: Propensity(seed=7), told_by_name),
    "propensity, listed": Kind(lambda: Propensity(seed=7), told_by_place),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def visits(kind: Kind, seed: int, n: int) -> Iterator[tuple[Features, bool]]:
    """Yield visits of which 8 % end in an order; on phones few pages lead there, else many."""
    rng = Random(seed)
    for _ in range(n):
        pages, device = rng.randrange(20), rng.choice(["phone", "desk"])
        is_likely = pages < 3 if device == "phone" else pages >= 17
        chance = 0.45 if is_likely else 0.015
        yield kind.tell(pages, device, rng.random()), rng.random() < chance


def taught(kind: Kind, n: int) -> ChanceModel:
    model = kind.make()
    for features, outcome in visits(kind, 1, n):
        model.learn_one(features, outcome)
    return model


def answers(kind: Kind, model: ChanceModel) -> list[float]:
    return [model.predict_one(features) for features, _ in visits(kind, 2, 300)]


def test_it_predicts_before_it_has_learned(kind: Kind) -> None:
    assert set(answers(kind, kind.make())) == {0.5}


def test_predicting_does_not_change_it_and_leaves_features_alone(kind: Kind) -> None:
    model, twin = taught(kind, 500), taught(kind, 500)
    features, same = kind.tell(3.0, "phone", nan), kind.tell(3.0, "phone", nan)
    for _ in range(3):
        model.predict_one(features)
    model.predict_one(kind.tell(1.0, "a-new-device", 0.5))
    model.learn_one(features, True)
    twin.learn_one(same, True)
    assert repr(features) == repr(same)
    assert model.to_bytes() == twin.to_bytes()


def test_it_lives_with_missing_and_bad_values(kind: Kind) -> None:
    model = taught(kind, 800)
    for bad in (nan, inf, -inf, 1e12, -1e300, 1e308):
        for outcome in (True, False, False, False):
            model.learn_one(kind.tell(bad, "phone", bad), outcome)
            assert 0.0 < model.predict_one(kind.tell(bad, "desk", bad)) < 1.0
    learned = answers(kind, model)
    assert all(0.0 < chance < 1.0 for chance in learned)
    assert max(learned) > 3 * min(learned)


def test_bad_values_do_not_spoil_what_it_learns(kind: Kind) -> None:
    model = kind.make()
    rng = Random(3)
    for features, outcome in visits(kind, 1, 4_000):
        model.learn_one(features, outcome)
        if rng.random() < 0.02:
            model.learn_one(kind.tell(nan, "phone", 1e12), False)
    asked = list(visits(kind, 2, 3_000))
    scores = chance_scores([one for _, one in asked], [model.predict_one(one) for one, _ in asked])
    assert scores["auc"] > 0.85


def test_the_same_seed_and_examples_give_the_same_answers(kind: Kind) -> None:
    assert answers(kind, taught(kind, 700)) == answers(kind, taught(kind, 700))


@pytest.mark.parametrize("n", [0, 1, 30, 6_000])
def test_it_goes_on_just_the_same_from_its_bytes(kind: Kind, n: int) -> None:
    model = taught(kind, n)
    other = type(model).from_bytes(model.to_bytes())
    assert answers(kind, other) == answers(kind, model)
    for features, outcome in visits(kind, 5, 200):
        model.learn_one(features, outcome)
        other.learn_one(features, outcome)
    assert other.to_bytes() == model.to_bytes()


def test_broken_bytes_are_refused_by_name(kind: Kind) -> None:
    data = taught(kind, 100).to_bytes()
    for broken in (b"", b"nonsense", data[:-1], data[:-1] + b"\x00", b"\x93\x63" + data[2:]):
        with pytest.raises(SnapshotMismatch):
            type(kind.make()).from_bytes(broken)


def test_its_bytes_stay_bounded_however_much_it_learns(kind: Kind) -> None:
    model = kind.make()
    for number in range(10_000):
        model.learn_one(kind.tell(number % 20, "phone", number), number % 2 == 0)
    before = len(model.to_bytes())
    for number in range(10_000):
        model.learn_one(kind.tell(number % 20, "phone", 1e6 * number), number % 2 == 0)
    # Only counters may become a few digits longer.
    assert len(model.to_bytes()) < before + 50


def test_it_ranks_far_better_than_the_best_single_feature_and_its_chances_come_true(
    kind: Kind,
) -> None:
    """Pages alone say nothing without the device; the true chances have an AUC near 0.88."""
    model = taught(kind, 6_000)
    asked = list(visits(kind, 2, 6_000))
    outcomes = [outcome for _, outcome in asked]
    scores = chance_scores(outcomes, [model.predict_one(features) for features, _ in asked])
    extreme = [abs(pages_of(features) - 9.5) for features, _ in asked]
    assert scores["auc"] > 0.86
    assert scores["auc"] > chance_scores(outcomes, [one / 10 for one in extreme])["auc"] + 0.05
    assert scores["expected_calibration_error"] < 0.02


def pages_of(features: Features) -> float:
    value = features["pages"] if isinstance(features, Mapping) else features[0]
    assert isinstance(value, int | float)
    return value


def test_it_follows_a_world_that_turns_round(kind: Kind) -> None:
    model = taught(kind, 4_000)
    turned = Kind(kind.make, lambda pages, device, noise: kind.tell(19 - pages, device, noise))

    def auc() -> float:
        asked = list(visits(turned, 6, 3_000))
        chances = [model.predict_one(features) for features, _ in asked]
        return chance_scores([outcome for _, outcome in asked], chances)["auc"]

    before = auc()
    for features, outcome in visits(turned, 4, 20_000):
        model.learn_one(features, outcome)
    assert before < 0.6
    assert auc() > 0.8
