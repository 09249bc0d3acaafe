"""What the learning flow does with every kind of model, whichever there are."""

from math import nan

import msgspec
import pytest

from config.errors import ShopkeeperError
from config.examples import Example, Visited, Waited
from online_models.contexts import N_CONTEXT
from online_models.dense import Kind, kind_of, models_of
from online_models.features import FEATURES
from online_models.kinds import KINDS
from tests.builders import DAY, NOON
from tests.stream.test_model_parts import a_reward

EXAMPLES: dict[str, Example] = {
    "policy:hero": a_reward(features=[0.5] * N_CONTEXT),
    "offer:exit": a_reward(policy="offer:exit", margin=7.5, features=[0.5] * N_CONTEXT),
    "order": Visited([0.5] * len(FEATURES), NOON, is_last=False, is_ordered=True),
    "leave": Visited([0.5] * len(FEATURES), NOON, is_last=True, is_ordered=False),
    "rhythm": Waited(0, 2, 4, NOON, DAY),
}

WITH_FEATURES = [name for name, example in EXAMPLES.items() if hasattr(example, "features")]


@pytest.fixture(params=EXAMPLES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def kind(name: str) -> Kind:
    return kind_of(name, KINDS)


def test_every_kind_has_an_example_here() -> None:
    assert {name.partition(":")[0] for name in EXAMPLES} == {name.rstrip(":") for name in KINDS}


def test_an_example_names_the_model_that_learns_from_it(name: str) -> None:
    assert name in models_of(EXAMPLES[name])


def test_an_example_changes_the_model_the_same_way_each_time(name: str, kind: Kind) -> None:
    first, second, untaught = kind.make(), kind.make(), kind.make()
    for _ in range(3):
        assert kind.learn(first, EXAMPLES[name])
        assert kind.learn(second, EXAMPLES[name])

    assert first.to_bytes() == second.to_bytes() != untaught.to_bytes()


def test_a_model_that_was_written_goes_on_learning_as_if_it_had_not(name: str, kind: Kind) -> None:
    model, written = kind.make(), kind.make()
    for _ in range(4):
        kind.learn(model, EXAMPLES[name])
        kind.learn(written, EXAMPLES[name])
        written = kind.read(written.to_bytes())

    assert written.to_bytes() == model.to_bytes()


@pytest.mark.parametrize("features", [[], [1.0], [0.0] * 1_000], ids=len)
@pytest.mark.parametrize("name", WITH_FEATURES, indirect=True)
def test_an_example_of_other_features_is_refused_and_changes_nothing(
    name: str, kind: Kind, features: list[float]
) -> None:
    model = kind.make()
    kind.learn(model, EXAMPLES[name])
    before = model.to_bytes()

    other = msgspec.structs.replace(EXAMPLES[name], features=features)

    assert not kind.learn(model, other)
    assert model.to_bytes() == before


@pytest.mark.parametrize("value", [nan, 1e12, -1e12, float("inf")])
@pytest.mark.parametrize("name", WITH_FEATURES, indirect=True)
def test_numbers_that_are_none_or_huge_leave_a_model_that_can_be_read(
    name: str, kind: Kind, value: float
) -> None:
    model, example = kind.make(), EXAMPLES[name]
    n_features = len(example.features)  # type: ignore[union-attr]
    for _ in range(20):
        kind.learn(model, msgspec.structs.replace(example, features=[value] * n_features))
    kind.learn(model, example)

    assert kind.read(model.to_bytes()).to_bytes() == model.to_bytes()


def test_the_kind_does_not_read_what_it_did_not_write(kind: Kind) -> None:
    with pytest.raises((ShopkeeperError, ValueError)):
        kind.read(b"\xff\x00")
