import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from online_models.selection import best_first, nth_largest

# Few different values, so that many are alike.
scores = st.lists(st.integers(0, 5), min_size=1, max_size=60)


@given(scores, st.integers(1, 20))
def test_the_nth_largest_is_that_of_sorting(values: list[int], nth: int) -> None:
    array = np.array(values, np.float32)

    found = nth_largest(array, len(values), nth, np.empty_like(array))

    assert found == (sorted(values)[-nth] if len(values) > nth else -np.inf)


@given(scores, st.integers(1, 20))
def test_the_best_are_found_however_many_are_alike(values: list[int], most: int) -> None:
    array, order = np.array(values, np.float32), np.zeros(most, np.int32)
    least = nth_largest(array, len(values), most, np.empty_like(array))

    n_found = best_first(array, len(values), least, order)

    assert [values[place] for place in order[:n_found]] == sorted(values, reverse=True)[:most]
