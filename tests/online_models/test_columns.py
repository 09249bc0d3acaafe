from math import inf, nan

import numpy as np
import pytest

from online_models.columns import MAX_COLUMNS, MAX_TEXTS, Columns, MixedFeatures


def test_each_text_has_a_column_of_its_own_and_what_is_new_is_left_out_when_reading() -> None:
    columns = Columns()
    assert columns.learn({"pages": 3, "device": "phone", "is_new": True}).tolist() == [3, 1, 1]
    assert columns.learn({"device": "desk"}).tolist() == [0, 0, 0, 1]
    assert columns.read({"device": "watch", "scroll": 4, "pages": 2}).tolist() == [2, 0, 0, 0]
    assert len(columns) == 4


@pytest.mark.parametrize("bad", [nan, inf, -inf, None, 10**400])
def test_what_is_no_finite_number_is_missing(bad: float | None) -> None:
    columns = Columns(["pages"])
    assert columns.read({"pages": bad}).tolist() == [0.0]


def test_names_and_texts_are_bounded_in_number_and_length() -> None:
    columns = Columns()
    for number in range(1_000):
        columns.learn({"device": f"d{number}"})
    assert len(columns) == MAX_TEXTS
    columns.learn({"a\0b": 1.0, "n" * 101: 1.0, "kind": "k" * 101})
    assert len(columns) == MAX_TEXTS
    for number in range(1_000):
        columns.learn({f"n{number}": 1.0})
    assert len(columns) == MAX_COLUMNS
    assert columns.read({"n0": 7.0})[MAX_TEXTS] == 7.0


def test_columns_made_again_of_their_names_go_on_the_same() -> None:
    first = Columns()
    for number in range(MAX_TEXTS - 1):
        first.learn({"device": f"d{number}", "pages": 1.0})
    second = Columns(first.names)
    for columns in (first, second):
        columns.learn({"device": "last"})
        columns.learn({"device": "one-too-many"})
    assert first.names == second.names
    assert "device\0one-too-many" not in first.names


def test_a_list_goes_by_place_and_may_grow_at_its_end() -> None:
    columns = Columns()
    assert columns.read([1.0, 2.0]).tolist() == []
    assert columns.learn([1.0, nan]).tolist() == [1.0, 0.0]
    assert columns.read(np.array([1.0, 2.0, 3.0])).tolist() == [1.0, 2.0]  # type: ignore[arg-type]
    assert columns.learn([1.0, 2.0, 3.0]).tolist() == [1.0, 2.0, 3.0]
    assert columns.read([5.0]).tolist() == [5.0]


def test_a_list_that_is_too_long_is_refused_and_nothing_is_learned() -> None:
    columns = Columns()
    with pytest.raises(ValueError, match="129 features: at most 128"):
        columns.learn([0.0] * 129)
    assert len(columns) == 0


def test_names_and_places_do_not_mix() -> None:
    named, listed = Columns(), Columns()
    named.learn({"pages": 1.0})
    listed.learn([1.0])
    with pytest.raises(MixedFeatures):
        named.learn([1.0])
    with pytest.raises(MixedFeatures):
        listed.learn({"pages": 1.0})
    assert (len(named), len(listed)) == (1, 1)
