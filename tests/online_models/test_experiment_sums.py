import math
import random

import pytest

from config.examples import Exposed
from online_models.experiment_sums import (
    ExperimentSums,
    InvalidSums,
    decode_sums,
    encode_sums,
)


def a_change(**changes: float) -> Exposed:
    return Exposed("hero", "new", **({"occurred_at": 5} | changes))  # type: ignore[arg-type]


def test_sums_do_not_depend_on_the_order_of_changes() -> None:
    changes = [
        a_change(occurred_at=7, visitors=1),
        a_change(occurred_at=9, clicked=1),
        a_change(occurred_at=3, converted=1, orders=2, revenue=8.0, squared_revenue=64.0),
        a_change(occurred_at=4, margin=-2.0, squared_margin=4.0),
    ]
    for seed in range(10):
        sums = ExperimentSums()
        for change in random.Random(seed).sample(changes, len(changes)):
            assert sums.add(change)
        assert sums == ExperimentSums(3, 9, 1, 1, 1, 2, 8.0, 64.0, -2.0, 4.0)


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["revenue", "squared_revenue", "margin", "squared_margin"])
def test_what_is_not_finite_is_refused_as_a_whole(field: str, amount: float) -> None:
    sums = ExperimentSums(1, 2, 3, revenue=4.0)
    assert not sums.add(a_change(visitors=1, **{field: amount}))
    assert sums == ExperimentSums(1, 2, 3, revenue=4.0)


def test_sums_that_overflow_stay_as_they_were() -> None:
    sums = ExperimentSums(revenue=1.7e308)
    assert not sums.add(a_change(revenue=1.7e308))
    assert sums.revenue == 1.7e308


def test_the_bytes_are_of_version_1() -> None:
    assert encode_sums(ExperimentSums(3, 9, 1)).hex() == (
        "019a030901000000cb0000000000000000cb0000000000000000cb0000000000000000cb0000000000000000"
    )


@pytest.mark.parametrize("data", [b"", b"\x02\x90", b"\x01", b"\x01\xc0"])
def test_other_bytes_are_an_error_with_a_name(data: bytes) -> None:
    with pytest.raises(InvalidSums, match=r"version|truncated|Expected"):
        decode_sums(data)
