"""What a file of campaigns would have shown at logged choices."""

from collections.abc import Mapping

import pytest

from config.campaign_checks import read_campaigns
from config.placements import Banner, Offer, Placement
from online_models.backtest import Plan
from online_models.choice_log import LoggedChoice

PLACEMENTS: Mapping[str, Placement] = {"hero": Banner(), "exit": Offer()}
NOON = 1_700_827_200_000  # Friday, 24 Nov 2023, 12:00 UTC
TWO = 'variations.x.headline = "X"\nvariations.y.headline = "Y"\n'


def a_choice(**changes: object) -> LoggedChoice:
    what: dict[str, object] = {
        "policy": "policy:hero",
        "placement": "hero",
        "arm": "a/x",
        "probability": 0.6,
        "reward": 1.0,
        "arms": ["a/x", "a/y", "b/x"],
        "shown_at": NOON,
    }
    return LoggedChoice(**(what | changes))  # type: ignore[arg-type]


def shown(
    text: str, choice: LoggedChoice | None = None, logged: list[LoggedChoice] | None = None
) -> Mapping[str, float]:
    """Return the arms that a file shows at a choice, with their chances."""
    choice = choice or a_choice()
    plan = Plan(read_campaigns(text, PLACEMENTS), choice.placement, logged or [choice])
    chances = plan.chances(choice, plan.arms)
    assert sum(chances) == pytest.approx(1.0)
    return {arm: chance for arm, chance in zip(plan.arms, chances, strict=True) if chance}


def campaign(name: str, more: str = "", placement: str = "hero") -> str:
    return f'[campaigns.{name}]\nplacements = ["{placement}"]\n{more}\n{TWO}'


def test_a_policy_goes_on_as_it_chose_with_what_is_left() -> None:
    """Logged 0.6 for a/x, and 0.4 for two others together; b is gone."""
    assert shown(campaign("a")) == pytest.approx({"a/x": 0.75, "a/y": 0.25})


def test_the_same_file_shows_the_same() -> None:
    choice = a_choice(arms=["a/x", "a/y"])
    assert shown(campaign("a"), choice) == pytest.approx({"a/x": 0.6, "a/y": 0.4})


def test_a_new_variation_is_tried_as_one_of_many() -> None:
    choice = a_choice(arms=["a/x"], probability=1.0)
    assert shown(campaign("a"), choice) == pytest.approx({"a/x": 0.5, "a/y": 0.5})


def test_first_and_split_show_what_they_say() -> None:
    assert shown(campaign("a", 'choose = "first"')) == {"a/x": 1.0}
    split = campaign("a", 'choose = "split"') + "variations.x.weight = 3\n"
    assert shown(split) == pytest.approx({"a/x": 0.75, "a/y": 0.25})


def test_the_highest_priority_of_what_was_eligible_is_shown() -> None:
    text = campaign("a", "priority = 1") + campaign("b", 'priority = 2\nchoose = "first"')
    assert shown(text) == {"b/x": 1.0}
    assert shown(text, a_choice(arms=["a/x", "a/y"]), [a_choice()]) == pytest.approx(
        {"a/x": 0.6, "a/y": 0.4}
    )


@pytest.mark.parametrize("schedule", ["starts = 2023-11-25T00:00:00Z", 'hours = ["13:00-14:00"]'])
def test_what_is_not_on_at_the_time_is_not_shown(schedule: str) -> None:
    assert shown(campaign("a", schedule)) == {"": 1.0}


def test_a_campaign_that_the_log_never_saw_is_for_all_or_not_judged() -> None:
    new = campaign("new", 'choose = "first"\npriority = 5')
    assert shown(campaign("a") + new) == {"new/x": 1.0}
    assert "new/x" not in shown(campaign("a") + new.replace("priority", 'when = "true"\npriority'))


def test_a_campaign_of_another_placement_is_not_shown() -> None:
    assert shown(campaign("a", "discount_rate = 0.1", "exit")) == {"": 1.0}


def test_an_offer_of_margin_may_as_well_not_be_made() -> None:
    offer = campaign("a", "discount_rate = 0.1", "exit")
    choice = a_choice(
        placement="exit", goal="margin", arms=["", "a/x", "a/y"], arm="", probability=0.5
    )
    assert shown(offer, choice) == pytest.approx({"": 0.5, "a/x": 0.25, "a/y": 0.25})
    assert "" not in shown(offer.replace("0.1", '0.1\ngoal = "order"'), choice)


def test_without_known_arms_the_chosen_one_alone_was_eligible() -> None:
    text = campaign("a", 'choose = "first"') + campaign("b", 'choose = "first"\npriority = 9')
    assert shown(text, a_choice(arms=[]), [a_choice(), a_choice(arm="b/x")]) == {"a/x": 1.0}
