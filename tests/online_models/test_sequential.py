"""Intervals hold at all looks together; tests have margins worked out beforehand."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.sequential import (
    Sample,
    boundary,
    difference,
    mismatch,
    ratio,
    sample_of,
)

N_RUNS, N_VISITORS, EVERY, ALPHA = 400, 2_000, 50, 0.1


def test_no_interval_of_a_sequence_misses_the_truth_in_more_than_alpha_of_runs() -> None:
    """By its own width it is far below alpha; 64 of 400 are 4 deviations above alpha = 0.1."""
    rng, true, missed = random.Random(1), 0.05, 0
    for _ in range(N_RUNS):
        totals, missed_here = [0, 0], False
        for visitor in range(1, N_VISITORS + 1):
            arm = visitor % 2
            totals[arm] += rng.random() < (0.25 if arm else 0.20)
            if visitor % EVERY == 0 and visitor >= 100:
                one, other = (sample_of(visitor // 2, k, k) for k in (totals[1], totals[0]))
                found = difference(one, other, ALPHA)
                assert found is not None
                missed_here |= not found.low <= true <= found.high
        missed += missed_here
    assert missed <= 64


def test_a_boundary_is_that_of_the_paper() -> None:
    """Theorem 2.2: sqrt(2 (t r^2 + 1) / (t^2 r^2) log(sqrt(t r^2 + 1) / alpha)), in errors of t."""
    alpha, t = 0.05, 5_000
    r2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / 20_000
    in_units = math.sqrt(2 * (t * r2 + 1) / (t * t * r2) * math.log(math.sqrt(t * r2 + 1) / alpha))
    assert boundary(t, alpha) == pytest.approx(in_units * math.sqrt(t))


def test_an_interval_is_wider_than_that_of_a_single_look_and_narrows() -> None:
    assert 1.96 < boundary(20_000, 0.05) < 4
    half_widths = [boundary(n, 0.05) / math.sqrt(n) for n in (100, 1_000, 10_000, 10**6)]
    assert half_widths == sorted(half_widths, reverse=True)


samples = st.builds(
    Sample,
    n=st.integers(30, 10**7),
    mean=st.floats(1e-6, 1e6),
    variance=st.floats(0, 1e9),
)


@given(sample=samples, control=samples)
def test_a_multiple_leaves_1_out_just_where_the_difference_leaves_0_out(
    sample: Sample, control: Sample
) -> None:
    apart, times = difference(sample, control, ALPHA), ratio(sample, control, ALPHA)
    assert apart is not None
    assert apart.low <= apart.estimate <= apart.high
    if times is None or min(abs(apart.low), abs(apart.high)) < 1e-6 * abs(control.mean):
        return
    assert times.low <= times.estimate * (1 + 1e-9)
    assert times.estimate <= times.high * (1 + 1e-9)
    assert (times.low > 1 or times.high < 1) is apart.is_apart


def test_a_multiple_of_about_nothing_has_no_bounds() -> None:
    some = Sample(1_000, 0.05, 0.0475)
    assert ratio(some, Sample(1_000, 0.001, 0.001), ALPHA) is None
    assert ratio(some, Sample(1_000, 0.0, 0.0), ALPHA) is None
    assert ratio(some, Sample(1_000, -5.0, 0.01), ALPHA) is None


def test_before_thirty_visitors_on_each_side_nothing_is_said() -> None:
    few, many = Sample(29, 1.0, 0.0), Sample(10_000, 0.0, 0.0)
    for one, other in ((few, many), (many, few)):
        assert difference(one, other, ALPHA) is None
        assert ratio(one, other, ALPHA) is None


@pytest.mark.parametrize(("n", "total", "squares"), [(0, 0.0, 0.0), (3, 3e-9, 1e-30)])
def test_a_variance_is_never_negative(n: int, total: float, squares: float) -> None:
    assert sample_of(n, total, squares).variance == 0.0


def test_a_split_as_asked_for_stays_so_at_all_looks() -> None:
    """Of 400 runs looked at after every 20 visitors at most 5 % may alarm: 38 is 4 deviations."""
    rng, shares, alarms = random.Random(2), {"a": 0.7, "b": 0.3}, 0
    for _ in range(N_RUNS):
        counts = {"a": 0, "b": 0}
        p_values = []
        for visitor in range(N_VISITORS):
            counts["a" if rng.random() < 0.7 else "b"] += 1
            if visitor % 20 == 19:
                p_values.append(mismatch(counts, shares))
        alarms += min(p_values) <= 0.05
    assert alarms <= 38


def test_a_wrong_split_is_found() -> None:
    assert mismatch({"a": 5_200, "b": 4_800}, {"a": 0.5, "b": 0.5}) < 0.01
    assert mismatch({"a": 50_500, "b": 49_500}, {"a": 0.5, "b": 0.5}) > 0.05
    assert mismatch({"a": 5_000, "b": 5_000, "c": 800}, {"a": 0.4, "b": 0.4, "c": 0.2}) < 1e-9


def test_a_split_is_compared_by_the_bayes_factor_of_the_paper() -> None:
    """Prior Dirichlet(500, 500); of 2 against 1 the predictive chance over the one asked for."""
    predictive = 500 / 1000 * 501 / 1001 * 500 / 1002
    expected = min(1.0, 0.5**3 / predictive)
    assert mismatch({"a": 2, "b": 1}, {"a": 0.5, "b": 0.5}) == pytest.approx(expected)
    assert mismatch({"a": 12}, {"a": 0.5, "b": 0.5}) == pytest.approx(
        math.prod(0.5 * (1000 + k) / (500 + k) for k in range(12))
    )


def test_who_should_not_be_there_at_all_is_a_mismatch() -> None:
    assert mismatch({"a": 5, "b": 1}, {"a": 1.0, "b": 0.0}) == 0.0
    assert mismatch({"a": 5, "b": 0}, {"a": 1.0, "b": 0.0}) == 1.0
    assert mismatch({"a": 0, "b": 0}, {"a": 0.0, "b": 0.0}) == 1.0
