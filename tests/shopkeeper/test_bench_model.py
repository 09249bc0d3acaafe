"""The bench of the model measures what its table names; figures are not judged, growth aside."""

from pathlib import Path

import pytest

from loadtest.made_up_sessions import made_up_sessions
from online_models.next_product import NextProduct
from shopkeeper.bench_model import EVENTS_A_PRODUCT, ModelLoad, bench_model, taught

LOAD = ModelLoad(
    n_products=2_000,
    block_products=400,
    n_events=20_000,
    capacity=1 << 10,
    most_steps=1 << 12,
    rounds=2,
    seed=1,
)


def test_the_bench_of_the_model_has_every_figure() -> None:
    figures = bench_model(LOAD)
    assert len(figures["answer_ratio_each_round"]) == 2
    assert figures["answer_ratio_at_million"] > 0
    assert figures["kept_ratio_at_million"] > 0
    for name in ("answer_ms", "answer_ms_at_million", "kept_ms", "kept_ms_at_million"):
        assert 0 < figures[name]["p50"] <= figures[name]["p99"]
    assert figures["learn_us"] > 0
    told = (Path(__file__).parents[2] / "loadtest" / "README.md").read_text(encoding="utf-8")
    section = told.partition("## bench model")[2].partition("\n## ")[0]
    assert [key for key in (*figures, *figures["memory"]) if f"`{key}`" not in section] == []
    memory = figures["memory"]
    assert memory["n_events"] >= 20_000
    assert memory["n_steps_held"] == 1 << 10
    assert memory["n_products_held"] <= 1 << 10 < memory["n_products_ever"]
    assert memory["growth_bytes"] == (
        memory["resident_bytes_by_fifth"][4] - memory["resident_bytes_by_fifth"][0]
    )


def test_what_is_compared_differs_in_its_products_alone() -> None:
    small, large = (taught(n, n * EVENTS_A_PRODUCT, LOAD).memory() for n in (400, 2_000))
    assert (small.n_products, large.n_products) == (400, 2_000)
    assert 0.99 * 400 * EVENTS_A_PRODUCT < small.n_steps <= 400 * EVENTS_A_PRODUCT
    assert large.n_steps / small.n_steps == pytest.approx(5.0, rel=0.01)


def test_the_questions_find_candidates() -> None:
    model = taught(400, 4_000, LOAD)
    assert len(model.next_best(["product-3", "product-5"])) == 20


def test_sessions_added_at_once_make_the_index_that_steps_make_one_by_one() -> None:
    at_once = taught(400, 4_000, LOAD)
    one_by_one = NextProduct(at_once.steps.capacity)
    for session, products in enumerate(made_up_sessions(400, LOAD.seed, 400)):
        if len(one_by_one.steps) >= len(at_once.steps):
            break
        for product in products:
            one_by_one.index_one(session, f"product-{product}")
    for product in range(400):
        name = f"product-{product}"
        assert at_once.n_seen(name) == one_by_one.n_seen(name)
    assert at_once.memory().n_steps == one_by_one.memory().n_steps > 3_900
    assert at_once.memory().n_sessions == one_by_one.memory().n_sessions
