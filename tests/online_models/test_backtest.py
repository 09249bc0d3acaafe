"""What a file of campaigns would have shown at logged choices."""

from collections.abc import Mapping

import pytest

from config.campaign_checks import read_campaigns
from config.placements import Banner, Offer, Placement
from online_models.backtest import UNTOLD, Plan
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
    b = campaign("b", 'priority = 2\nchoose = "first"\nwhen = "user.known"')
    text = campaign("a", "priority = 1") + b
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
    text = campaign("a", 'choose = "first"') + campaign("b", 'priority = 9\nwhen = "user.known"')
    assert shown(text, a_choice(arms=[]), [a_choice(), a_choice(arm="b/x")]) == {"a/x": 1.0}


WHEN = 'when = "user.known"'
OF_A, OF_B = a_choice(arms=["a/x", "a/y"]), a_choice(arm="b/x", arms=["b/x", "b/y"])


def test_what_was_passed_over_for_a_campaign_that_is_gone_is_shown_where_it_is_for_all() -> None:
    b = campaign("b", 'choose = "first"')
    assert shown(b, OF_A, [OF_A, OF_B]) == {"b/x": 1.0}
    later = campaign("a", 'choose = "first"\nends = 2023-11-24T00:00:00Z') + b
    assert shown(later, OF_A, [OF_A, OF_B]) == {"b/x": 1.0}


@pytest.mark.parametrize("more", [WHEN, "caps = [{ times = 1, days = 1 }]"])
def test_nobody_can_tell_whether_what_was_not_looked_at_was_eligible(more: str) -> None:
    b = campaign("b", f'choose = "first"\n{more}')
    assert shown(b, OF_A, [OF_A, OF_B]) == {UNTOLD: 1.0}
    over = campaign("c", f'choose = "first"\npriority = 1\n{more}')
    logged = [OF_A, OF_B, a_choice(arm="c/x", arms=["c/x"])]
    assert shown(over + campaign("a", 'choose = "first"'), OF_A, logged) == {"a/x": 1.0}


@pytest.mark.parametrize("a", ['choose = "first"', "priority = 1"])
def test_what_was_not_looked_at_does_not_matter_below_what_is_shown(a: str) -> None:
    text = campaign("a", a) + campaign("b", WHEN)
    assert UNTOLD not in shown(text, OF_A, [OF_A, OF_B])


def test_what_is_learned_together_was_looked_at_together() -> None:
    text = campaign("a") + campaign("b", WHEN)
    assert shown(text, OF_A, [OF_A, OF_B]) == pytest.approx({"a/x": 0.6, "a/y": 0.4})
