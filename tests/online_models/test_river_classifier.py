"""River's own tools run on the model and find what our protocol finds."""

import doctest
from pathlib import Path
from random import Random

import pytest
from river import evaluate, metrics, utils

from online_models.evaluation import Evaluation, cases_of
from online_models.next_product import NextProduct
from online_models.river_classifier import HitRate, NextProductClassifier, steps_of


def walks(n_walks: int) -> list[list[str]]:
    rng, found = Random(5), []
    for _ in range(n_walks):
        start = rng.randrange(60)
        found.append([f"p{(start + step) % 60}" for step in range(5)])
    return found


def test_progressive_validation_finds_the_share_that_our_protocol_finds() -> None:
    sessions = walks(300)
    rate = evaluate.progressive_val_score(
        steps_of(sessions), NextProductClassifier(NextProduct(1 << 12)), HitRate(1)
    ).get()

    by_hand = NextProduct(1 << 12)
    hits = []
    for x, product_id in steps_of(sessions):
        answer = by_hand.next_best(x["viewed"])
        if answer:
            hits.append(answer[0].product_id == product_id)
        by_hand.learn_one(x["session"], product_id)
    assert rate == pytest.approx(sum(hits) / len(hits))
    assert rate > 0.6  # the next in the ring comes always; a guess finds one of sixty


def test_a_rolling_metric_sees_that_the_model_gets_better() -> None:
    sessions = walks(300)
    model = NextProductClassifier(NextProduct(1 << 12))
    early, late = (utils.Rolling(HitRate, window_size=200, k=1) for _ in range(2))
    for metric, part in ((early, sessions[:60]), (late, sessions[60:])):
        for x, product_id in steps_of(part):
            found = model.predict_proba_one(x)
            if found:
                metric.update(product_id, found)
            model.learn_one(x, product_id)
    assert late.get() > early.get()  # type: ignore[operator]


def test_chances_are_probabilities_that_rivers_metrics_take() -> None:
    model = NextProductClassifier(NextProduct(1 << 12))
    loss = metrics.CrossEntropy()
    for x, product_id in steps_of(walks(100)):
        chances = model.predict_proba_one(x)
        assert sum(chances.values()) <= 1.0 + 1e-5
        if chances:
            loss.update(product_id, chances)
        model.learn_one(x, product_id)
    assert model.predict_one({"session": 1_000, "viewed": ("p1",)}) == "p2"
    assert loss.get() > 0.0


def test_what_the_adapter_learned_the_model_knows() -> None:
    model = NextProductClassifier(NextProduct(1 << 12))
    for x, product_id in steps_of(walks(100)):
        model.learn_one(x, product_id)
    run = Evaluation(model.model, lambda: 0.0)
    run.ask(cases_of(["p3", "p4", "p5"]), online=False)
    assert run.scores.n_short_hits == 2


def test_the_example_of_the_readme_works() -> None:
    readme = Path(__file__).parents[2] / "online_models" / "README.md"
    outcome = doctest.testfile(str(readme), module_relative=False)
    assert outcome.attempted == 5
    assert outcome.failed == 0
