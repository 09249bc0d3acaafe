"""The baselines do what their definitions say, by hand on a few sessions."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from online_models.baselines import SequentialRules, SessionNeighbours, SessionPopularity
from online_models.evaluation import SessionModel

ALL: list[Callable[[], SessionModel]] = [SessionPopularity, SequentialRules, SessionNeighbours]


Model = TypeVar("Model", bound=SessionModel)


def learned(model: Model, *sessions: str) -> Model:
    for number, products in enumerate(sessions):
        for product_id in products:
            model.learn_one(number, product_id)
    return model


def names(model: SessionModel, viewed: str) -> str:
    """Return what is suggested after these (latest first), a letter each."""
    return "".join(one.product_id for one in model.next_best(list(viewed)))


def test_the_session_comes_before_what_is_popular() -> None:
    model = learned(SessionPopularity(), "xxxyyz", "ab")
    assert names(model, "abb") == "baxyz"


def test_what_becomes_popular_late_still_gets_among_the_popular() -> None:
    model = SessionPopularity()
    for number in range(200):
        model.learn_one(1, f"p{number}")
        model.learn_one(1, f"p{number}")
    for _ in range(3):
        model.learn_one(2, "late")
    assert model.next_best([])[0].product_id == "late"


def test_rules_weigh_what_came_after_by_its_distance() -> None:
    model = learned(SequentialRules(), "abc", "ac", "xa")
    assert names(model, "a") == "cb"
    assert [one.score for one in model.next_best(["a"])] == pytest.approx([1.0, 1.0 / 1.5])
    assert names(model, "c") == ""


def test_sessions_in_turn_teach_rules_what_they_teach_apart() -> None:
    apart, in_turn = learned(SequentialRules(), "abc", "xyz"), SequentialRules()
    for first, second in zip("abc", "xyz", strict=True):
        in_turn.learn_one(0, first)
        in_turn.learn_one(1, second)
    for name in "abxy":
        assert in_turn.next_best([name]) == apart.next_best([name])


@pytest.mark.parametrize(
    ("sessions", "first"),
    [
        (("abx", "cby"), "x"),  # shares more
        (("acx", "cby"), "y"),  # shares what was viewed last
        (("abx", "abcy"), "x"),  # nearer to the match
        (("bx", "bcdefgy"), "x"),  # shorter
    ],
)
@pytest.mark.parametrize("is_first_learned", [True, False])
def test_what_makes_a_neighbour_speak_louder(
    sessions: tuple[str, str], first: str, is_first_learned: bool
) -> None:
    model = learned(SessionNeighbours(), *(sessions if is_first_learned else sessions[::-1]))
    assert next(name for name in names(model, "ba") if name in "xy") == first


def test_only_the_most_similar_sessions_are_heard() -> None:
    model = SessionNeighbours()
    for number in range(600):
        model.learn_one(number, "a")
        model.learn_one(number, "b")
        model.learn_one(number, "c" if number >= 100 else "old")
    assert "old" not in {one.product_id for one in model.next_best(["b", "a"])}


@pytest.mark.parametrize("model", ALL)
def test_a_baseline_lives_with_nothing_known(model: Callable[[], SessionModel]) -> None:
    assert [one.product_id for one in model().next_best(["a"])] in ([], ["a"])
    assert names(learned(model(), "ab"), "") in ("", "ab")


@pytest.mark.parametrize("model", ALL)
def test_asking_teaches_a_baseline_nothing(model: Callable[[], SessionModel]) -> None:
    asked = learned(model(), "abc", "abd", "bce")
    before = [asked.next_best([name]) for name in "abcde?"]
    memory = asked.memory()
    assert [asked.next_best([name]) for name in "abcde?"] == before
    assert asked.memory() == memory
