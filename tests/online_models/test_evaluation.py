"""The protocol: who is asked what, what counts as a hit, and what is learned when."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from online_models.evaluation import Case, Evaluation, Scores, by_session, cases_of
from online_models.memory import Memory


class Product(NamedTuple):
    product_id: str


class Diary:
    """A model that writes down what it hears, and suggests what it is told to."""

    def __init__(self, answer: Sequence[str] = ()) -> None:
        self.heard: list[tuple[int, str] | tuple[str, ...]] = []
        self._answer = [Product(name) for name in answer]

    def learn_one(self, session: int, product_id: str) -> None:
        self.heard.append((session, product_id))

    def next_best(self, viewed: Sequence[str]) -> Sequence[Product]:
        self.heard.append(tuple(viewed))
        return self._answer

    def memory(self) -> Memory:
        return Memory(0, 0, 0, 0, 0, 0)


def evaluation(model: Diary, seconds_a_look: float = 0.5) -> Evaluation:
    looks = iter(range(10_000))
    return Evaluation(model, lambda: next(looks) * seconds_a_look)


def test_a_session_is_learned_only_once_its_last_case_is_answered() -> None:
    diary = Diary()
    evaluation(diary).ask(cases_of(["a", "b", "c"]), online=True)
    assert diary.heard == [("a",), ("b", "a"), (1, "a"), (1, "b"), (1, "c")]


def test_frozen_learns_nothing_of_the_test() -> None:
    diary = Diary()
    evaluation(diary).ask(cases_of(["a", "b", "c"]), online=False)
    assert diary.heard == [("a",), ("b", "a")]


def test_each_session_has_a_number_of_its_own() -> None:
    diary = Diary()
    run = evaluation(diary)
    run.learn(["a"])
    run.learn(["a", "b"])
    assert diary.heard == [(1, "a"), (2, "a"), (2, "b")]


def test_hits_and_ranks_are_those_of_the_definition() -> None:
    scores = Scores()
    names = [f"p{n}" for n in range(1, 21)]
    for target in ("p1", "p4", "p10", "elsewhere"):
        scores.take(target, names)
    figures = scores.figures(n_products=40)
    assert figures["p_at_20"] == pytest.approx(75.0)
    assert figures["mrr_at_20"] == pytest.approx(100 * (1 + 1 / 4 + 1 / 10) / 4)
    assert figures["p_at_5"] == pytest.approx(50.0)
    assert figures["mrr_at_5"] == pytest.approx(100 * (1 + 1 / 4) / 4)
    assert figures["coverage_at_20"] == pytest.approx(50.0)


def test_times_are_those_of_learning_a_step_and_of_one_answer() -> None:
    run = evaluation(Diary())
    run.learn(["a", "b"])
    run.ask(cases_of(["a", "b"]), online=False)
    assert run.scores.figures(1)["learn_us"] == pytest.approx(0.5e6 / 2)
    assert run.scores.answer_ms() == {"p50": 500.0, "p99": 500.0}


def test_cases_of_a_file_fall_apart_into_the_sessions_they_were_made_of() -> None:
    sessions = [["a", "b", "c"], ["a", "b"], ["a", "b"], ["c", "a", "b", "a"]]
    cases = [case for products in sessions for case in cases_of(products)]
    assert [[*some[0].prefix, some[0].target] for some in by_session(cases)] == sessions


def test_a_session_of_one_product_has_no_case() -> None:
    assert cases_of(["a"]) == []
    assert list(by_session([])) == []
    assert list(by_session([Case(["a"], "b")])) == [[Case(["a"], "b")]]
