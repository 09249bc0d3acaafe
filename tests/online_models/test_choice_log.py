from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from config.examples import Rewarded
from online_models.choice_log import (
    MAX_ARMS,
    InvalidChoice,
    LoggedChoice,
    always,
    by_policy,
    chances_of,
    choice_of,
    decode_choice,
    encode_choice,
    uniform,
)
from online_models.off_policy import Valuer


def a_rewarded(**changes: Any) -> Rewarded:
    return msgspec.structs.replace(
        Rewarded(
            policy="policy:hero",
            goal="click",
            placement="hero",
            campaign="winter",
            variation="snow",
            probability=0.4,
            features=[1.0, 0.5],
            is_holdout=False,
            shown_at=1_700_000_000_000,
            is_clicked=True,
            n_orders=2,
            revenue=80.0,
            margin=12.5,
        ),
        **changes,
    )


def a_choice(**changes: Any) -> LoggedChoice:
    return msgspec.structs.replace(choice_of(a_rewarded()), **changes)


def test_an_example_comes_back_from_its_line() -> None:
    choice = choice_of(a_rewarded())
    assert decode_choice(encode_choice(choice)) == choice
    assert (choice.arm, choice.probability, choice.reward) == ("winter/snow", 0.4, 1.0)


@pytest.mark.parametrize(("goal", "reward"), [("click", 1.0), ("order", 1.0), ("margin", 12.5)])
def test_the_reward_is_in_the_terms_of_the_goal(goal: str, reward: float) -> None:
    assert choice_of(a_rewarded(goal=goal)).reward == reward


def test_nothing_shown_is_an_arm() -> None:
    assert choice_of(a_rewarded(variation="")).arm == ""
    assert choice_of(a_rewarded(is_holdout=True)).arm == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"[]", "this is no logged choice"),
        (b"{", "this is no logged choice"),
        (b"\xff", "this is no logged choice"),
        (b'{"policy":"p","placement":"h","arm":"a"}', "missing required field `probability`"),
        (encode_choice(a_choice(probability=0.0)), "above 0 and at most 1"),
        (encode_choice(a_choice(probability=1.5)), "above 0 and at most 1"),
        (encode_choice(a_choice()).replace(b"1.0,", b"1e999,", 1), "no logged choice|not finite"),
        (encode_choice(a_choice(features=[0.0] * 1_001)), "1001 features: at most 1000"),
    ],
)
def test_a_line_that_is_none_says_why(line: bytes, expected: str) -> None:
    with pytest.raises(InvalidChoice, match=expected):
        decode_choice(line)


def drawn(n: int, seed: int = 1) -> list[LoggedChoice]:
    """Return choices of two arms: "a/1" is clicked by 0.3, on phones by 0.1; "b/1" by 0.2."""
    rng, logged = Random(seed), []
    for _ in range(n):
        is_phone = rng.random() < 0.5
        chance = 0.8 if is_phone else 0.3
        arm = "a/1" if rng.random() < chance else "b/1"
        rate = 0.2 if arm == "b/1" else 0.1 if is_phone else 0.3
        logged.append(
            a_choice(
                arm=arm,
                probability=chance if arm == "a/1" else 1.0 - chance,
                reward=float(rng.random() < rate),
                features=[float(is_phone)],
            )
        )
    return logged


def test_a_target_given_as_a_function_is_valued() -> None:
    """By device 0.25 in truth, always "a/1" or "b/1" 0.2; what was logged 0.17."""
    [log] = by_policy(drawn(20_000))

    def by_device(choice: LoggedChoice, arms: Sequence[str]) -> list[float]:
        wanted = "b/1" if choice.features[0] else "a/1"
        return [float(arm == wanted) for arm in arms]

    valuer = Valuer(log.choices, seed=0)
    values = [
        valuer.value(chances_of(target, log)).doubly_robust.value
        for target in (by_device, always("a/1"), uniform)
    ]

    assert log.arms == ["a/1", "b/1"]
    assert values == pytest.approx([0.25, 0.2, 0.2], abs=0.015)
    assert valuer.value_logged().value < 0.19


def test_policies_are_apart_and_holdout_visitors_count_for_none() -> None:
    logged = [
        *drawn(50),
        a_choice(policy="policy:cart", arm="c/1"),
        a_choice(policy="", arm="fixed"),
        a_choice(is_holdout=True, arm="", reward=1.0),
        a_choice(policy="policy:nobody-yet", is_holdout=True, arm=""),
    ]
    cart, hero = by_policy(logged)
    assert (cart.name, cart.arms, len(cart.logged)) == ("policy:cart", ["c/1"], 1)
    assert (hero.name, len(hero.logged), len(hero.held_out)) == ("policy:hero", 50, 1)
    assert hero.arms == ["a/1", "b/1"]


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ([a_choice(), a_choice(features=[1.0])], "1 to 2 features"),
        ([a_choice(arm=f"a/{n}") for n in range(MAX_ARMS + 1)], "201 arms; at most 200"),
    ],
)
def test_what_cannot_be_valued_says_why(logged: list[LoggedChoice], expected: str) -> None:
    with pytest.raises(InvalidChoice, match=expected):
        by_policy(logged)
