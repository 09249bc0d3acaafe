from itertools import islice
from math import exp
from random import Random

import pytest

from config.examples import Touched
from online_models.next_product import (
    FADE,
    MAX_NEIGHBOURS,
    NextProduct,
    Row,
    decode_row,
    encode_row,
    learn_row,
    next_row,
    popular_row,
    rows_of,
)
from tests.builders import DAY, NOON


def learned(*examples: Touched) -> NextProduct:
    """Return the model after these examples, by way of its rows' bytes."""
    rows: dict[str, Row] = {}
    for example in examples:
        for name in rows_of(example):
            learn_row(name, rows.setdefault(name, Row(example.occurred_at)), example)
    model = NextProduct()
    for name, row in rows.items():
        model.put(name, encode_row(row))
    return model


def step(after: str, *before: str, at: int = NOON) -> Touched:
    return Touched(after, "view", at, NOON, "shoes", before)


def walks(seed: int, n_walks: int) -> list[list[str]]:
    """Return sessions over 200 products in a ring: mostly on to the next, or the one after it."""
    rng = Random(seed)
    found = []
    for _ in range(n_walks):
        place, walk = rng.randrange(200), []
        for _ in range(5):
            walk.append(f"p{place}")
            place = (place + rng.choice([1, 1, 1, 2])) % 200 if rng.random() < 0.9 else 0
        found.append(walk)
    return found


def test_it_answers_before_it_has_learned() -> None:
    assert list(NextProduct().suggest(["boots"])) == []
    assert NextProduct().popular() == []


def test_what_often_comes_next_comes_first_with_what_led_to_it() -> None:
    model = learned(step("laces", "boots"), step("laces", "boots"), step("hat", "boots"))

    first, second = model.suggest(["boots"])

    assert (first.product_id, first.because) == ("laces", "boots")
    assert second.product_id == "hat"


def test_the_product_viewed_last_weighs_most() -> None:
    model = learned(step("laces", "boots"), step("scarf", "hat"))

    assert next(model.suggest(["hat", "boots"])).product_id == "scarf"
    assert next(model.suggest(["boots", "hat"])).product_id == "laces"


def test_steps_count_backwards_too_but_less() -> None:
    model = learned(step("laces", "boots"), step("boots", "hat"))

    assert [s.product_id for s in model.suggest(["boots"])] == ["laces", "hat"]


def test_old_steps_fade() -> None:
    old = [step("laces", "boots", at=NOON) for _ in range(3)]

    model = learned(*old, step("hat", "boots", at=NOON + 90 * DAY))

    assert next(model.suggest(["boots"])).product_id == "hat"


def test_popularity_fades_by_half_a_day_and_weighs_orders_most() -> None:
    views = [Touched("hat", "view", NOON, NOON, "shoes") for _ in range(4)]

    assert learned(*views, Touched("boots", "order", NOON, NOON, "shoes")).popular("shoes") == [
        "boots",
        "hat",
    ]


def test_suggesting_does_not_change_the_model() -> None:
    model = learned(step("laces", "boots"))

    assert list(model.suggest(["boots"])) == list(model.suggest(["boots"]))


@pytest.mark.parametrize("most", [1, 3, 10])
def test_the_best_candidates_are_those_of_adding_everything_up(most: int) -> None:
    rng = Random(most)
    products = [f"p{n}" for n in range(60)]
    model = learned(*(step(*rng.sample(products, k=4)) for _ in range(600)))
    for _ in range(50):
        viewed = rng.sample(products, k=4)
        scores: dict[str, float] = {}
        for z, seen in enumerate(viewed):
            for product, score in model.neighbours(seen).items():
                scores[product] = scores.get(product, 0.0) + exp(-FADE * z) * score
        best = sorted(scores, key=lambda product: (-scores[product], product))[:most]

        assert [s.product_id for s in model.suggest(viewed, most)] == best


def test_rows_stay_bounded() -> None:
    row = Row(NOON)
    for number in range(500):
        learn_row(next_row("boots"), row, step(f"p{number}", "boots"))
        learn_row(next_row("boots"), row, step("boots", f"p{number}"))

    assert (len(row.after), len(row.before)) == (MAX_NEIGHBOURS, MAX_NEIGHBOURS)


def test_a_row_survives_its_bytes_and_another_version_is_refused() -> None:
    row = Row(NOON, {"a": 1.5}, {"b": 0.5})

    assert decode_row(encode_row(row)) == row
    with pytest.raises(ValueError, match="version 02"):
        decode_row(b"\x02" + encode_row(row)[1:])


def test_a_removed_row_is_forgotten() -> None:
    model = learned(step("laces", "boots"))
    model.put(next_row("boots"), None)
    model.put(popular_row(""), None)

    assert list(model.suggest(["boots"])) == []
    assert model.popular() == []


def test_it_beats_popularity_on_a_seeded_stream() -> None:
    train, test = walks(seed=1, n_walks=1500), walks(seed=2, n_walks=300)
    examples = [
        step(walk[n], *reversed(walk[max(n - 5, 0) : n])) for walk in train for n in range(5)
    ]
    model = learned(*examples)
    popular = model.popular()[:20]

    cases = [(walk[:n], walk[n]) for walk in test for n in range(1, 5)]
    hits = sum(
        target in [s.product_id for s in islice(model.suggest(prefix[::-1]), 20)]
        for prefix, target in cases
    )
    baseline = sum(target in popular for _, target in cases)

    assert hits > 0.8 * len(cases)
    assert hits > 2 * baseline
