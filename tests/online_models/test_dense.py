import pytest

from online_models.budgets import Given, given_by
from online_models.dense import DenseModels, UnknownModel, arm_of, kind_of, reward_of
from online_models.experiment_sums import ExperimentSums, encode_sums, sums_field
from tests.stream.test_model_parts import DIARY, Diary, a_reward

KINDS = {"policy:": DIARY, "order": DIARY}


@pytest.mark.parametrize("name", ["oracle", "policy", "policy:", "order:x", "policy:" + "x" * 200])
def test_a_name_that_no_model_has_is_an_error_that_says_so(name: str) -> None:
    with pytest.raises(UnknownModel, match="there are: policy:, order"):
        kind_of(name, KINDS)


def test_a_model_is_there_once_it_was_put_and_gone_once_it_is_gone() -> None:
    models = DenseModels(KINDS)
    assert models.get("policy:hero") is None

    models.put("policy:hero", Diary([("a", 1.0)]).to_bytes())
    assert models.get("policy:hero") == Diary([("a", 1.0)])

    models.put("policy:hero", None)
    assert models.get("policy:hero") is None


def test_where_a_model_cannot_be_read_the_one_before_stays() -> None:
    models = DenseModels(KINDS)
    models.put("order", Diary([("a", 1.0)]).to_bytes())

    with pytest.raises(ValueError, match="malformed"):
        models.put("order", b"\xff")

    assert models.get("order") == Diary([("a", 1.0)])


def test_what_is_learned_of_an_example_is_its_arm_and_its_reward_by_goal() -> None:
    held = a_reward(7, is_holdout=True)
    assert (arm_of(a_reward(7)), arm_of(held), arm_of(a_reward(variation=""))) == (
        "spring/v7",
        "",
        "",
    )
    assert [reward_of(a_reward(7, goal=goal)) for goal in ("click", "order", "margin")] == [1, 1, 7]


def test_a_budget_sees_what_was_given_on_a_day_and_no_experiment() -> None:
    given = Given()
    given.put(sums_field(given_by("ten-off"), "2026-11-24"), encode_sums(ExperimentSums(revenue=9)))
    given.put(sums_field("colors", "2026-11-24"), encode_sums(ExperimentSums(revenue=5)))

    assert given.on("ten-off", "2026-11-24") == 9.0
    assert (given.on("ten-off", "2026-11-25"), given.on("colors", "2026-11-24")) == (0.0, 0.0)
    given.put(sums_field(given_by("ten-off"), "2026-11-24"), None)
    assert given.on("ten-off", "2026-11-24") == 0.0
