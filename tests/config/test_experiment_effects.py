from typing import Any

from config.experiment_effects import (
    barred_campaigns,
    having_a_say,
    replaced_policies,
    replaced_strategies,
    variations_in_force,
    variations_seen,
)
from config.experiments import HOLDOUT
from tests.builders import read_experiments

CONTROL: dict[str, Any] = {"name": "control", "campaigns": ["old", "both"]}
NEW: dict[str, Any] = {
    "name": "new",
    "campaigns": ["young", "both"],
    "strategy": {"row": "trending"},
    "policy": {"banner": "random"},
}
HERO = read_experiments({"hero": {"variations": [CONTROL, NEW], "holdout": 0.1}})


def test_a_variation_shows_its_own_campaigns_alone() -> None:
    assert barred_campaigns(HERO, variations_in_force(HERO, {"hero": "control"})) == {"young"}
    assert barred_campaigns(HERO, variations_in_force(HERO, {"hero": "new"})) == {"old"}


def test_who_is_in_none_sees_the_control_and_a_holdout_nothing_of_it() -> None:
    assert barred_campaigns(HERO, variations_in_force(HERO, {})) == {"young"}
    assert barred_campaigns(HERO, variations_in_force(HERO, {"hero": HOLDOUT})) == {
        "old",
        "young",
        "both",
    }


def test_a_variation_replaces_strategies_and_policies() -> None:
    assert replaced_strategies(variations_in_force(HERO, {"hero": "new"})) == {"row": "trending"}
    assert replaced_policies(variations_in_force(HERO, {"hero": "new"})) == {"banner": "random"}
    for assigned in ({}, {"hero": "control"}, {"hero": HOLDOUT}):
        assert replaced_strategies(variations_in_force(HERO, assigned)) == {}
        assert replaced_policies(variations_in_force(HERO, assigned)) == {}


def test_the_control_of_another_part_stands_against_no_variation_that_somebody_is_in() -> None:
    def part(of: str, strategy: str, start: float, end: float) -> dict[str, Any]:
        names = [{"name": "control"}, {"name": "new"}]
        return {
            "variations": [
                one | ({"strategy": {"row": strategy}} if one["name"] == of else {})
                for one in names
            ],
            "namespace": {"name": "n", "start": start, "end": end},
        }

    both = read_experiments(
        {"mine": part("new", "for-you", 0.5, 1.0), "other": part("control", "trending", 0.0, 0.5)}
    )
    assert replaced_strategies(variations_in_force(both, {"mine": "new"})) == {"row": "for-you"}


def test_conditions_see_each_experiment() -> None:
    assert variations_seen(HERO, {"hero": "new"}) == {"hero": "new"}
    assert variations_seen(HERO, {}) == {"hero": ""}


def test_a_decision_counts_where_a_variation_might_change_it() -> None:
    seen = [("hero", "control")]
    assert having_a_say(HERO, seen, ["row"], {}) == seen
    assert having_a_say(HERO, seen, ["top", "side"], {"side": frozenset({"young"})}) == seen
    assert having_a_say(HERO, seen, ["side"], {"side": frozenset({"other"})}) == []
    assert having_a_say(HERO, seen, ["side"], {"top": frozenset({"young"})}) == []


def test_an_experiment_of_conditions_counts_everywhere() -> None:
    bare = read_experiments({"bare": {"variations": [{"name": "a"}, {"name": "b"}]}})
    assert having_a_say(bare, [("bare", "a")], ["side"], {}) == [("bare", "a")]
