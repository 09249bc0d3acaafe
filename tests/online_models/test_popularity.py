import pytest

from config.examples import Action, Touched
from online_models.popularity import (
    MAX_POPULAR,
    Popularity,
    Row,
    decode_row,
    encode_row,
    learn_row,
    popular_row,
    rows_of,
)
from tests.builders import DAY, NOON


def learned(*examples: Touched) -> Popularity:
    """Return what is popular after these examples, by way of its rows' bytes."""
    rows: dict[str, Row] = {}
    for example in examples:
        for name in rows_of(example):
            learn_row(rows.setdefault(name, Row(example.occurred_at)), example)
    model = Popularity()
    for name, row in rows.items():
        model.put(name, encode_row(row))
    return model


def touch(product: str, action: Action = "view", at: int = NOON) -> Touched:
    return Touched(product, action, at, 1, "shoes")


def test_nothing_is_popular_before_anything_was_learned() -> None:
    assert Popularity().best() == []


def test_orders_weigh_more_than_views() -> None:
    model = learned(*[touch("hat")] * 4, touch("boots", "order"))

    assert model.best("shoes") == model.best() == ["boots", "hat"]
    assert model.best("camping") == []


def test_what_was_popular_fades() -> None:
    old = [touch("hat")] * 3

    assert learned(*old, touch("boots", at=NOON + DAY)).best() == ["hat", "boots"]
    assert learned(*old, touch("boots", at=NOON + 2 * DAY)).best() == ["boots", "hat"]


def test_an_example_that_comes_late_counts_as_if_it_had_come_in_time() -> None:
    early, late = touch("hat"), touch("boots", at=NOON + 3 * DAY)

    first, second = Row(early.occurred_at), Row(late.occurred_at)
    for row, examples in ((first, (early, late)), (second, (late, early))):
        for example in examples:
            learn_row(row, example)

    assert first.sums == pytest.approx(second.sums)


def test_rows_stay_bounded() -> None:
    row = Row(NOON)
    for number in range(2 * MAX_POPULAR):
        learn_row(row, touch(f"p{number}"))

    assert len(row.sums) == MAX_POPULAR


def test_a_row_survives_its_bytes_and_another_version_is_refused() -> None:
    row = Row(NOON, {"a": 1.5})

    assert decode_row(encode_row(row)) == row
    with pytest.raises(ValueError, match="version 02"):
        decode_row(b"\x02" + encode_row(row)[1:])


def test_a_removed_row_is_forgotten() -> None:
    model = learned(touch("boots"))
    model.put(popular_row(""), None)

    assert (model.best(), model.best("shoes")) == ([], ["boots"])
