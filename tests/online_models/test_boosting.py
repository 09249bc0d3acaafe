import numpy as np
import pytest

from online_models.boosting import LARGEST, ZERO, Bytes, encode


def codes_of(*numbers: float) -> list[int]:
    codes: Bytes = np.empty(len(numbers), np.uint8)
    encode(np.array(numbers), codes)
    return [int(code) for code in codes]


def test_codes_keep_the_order_of_numbers() -> None:
    sizes = np.geomspace(1e-6, 1e300, 5_000)
    numbers = np.concatenate([-sizes[::-1], [0.0], sizes])
    codes = codes_of(*numbers.tolist())
    assert codes == sorted(codes)
    assert (codes[0], codes[-1]) == (0, LARGEST)


def test_zero_has_a_code_of_its_own_apart_from_what_is_too_small_to_matter() -> None:
    assert codes_of(0.0, -0.0, 1e-9, -1e-9) == [ZERO] * 4
    assert codes_of(0.001)[0] > ZERO > codes_of(-0.001)[0]


@pytest.mark.parametrize("pair", [(1, 2), (4, 5), (0.5, 0.6), (0.01, 0.011), (100, 200)])
def test_numbers_that_differ_by_enough_have_different_codes(pair: tuple[float, float]) -> None:
    first, second = codes_of(*pair)
    assert first < second


def test_columns_without_a_number_read_as_zero() -> None:
    codes: Bytes = np.full(4, 9, np.uint8)
    encode(np.array([1.0]), codes)
    assert codes.tolist()[1:] == [ZERO] * 3
