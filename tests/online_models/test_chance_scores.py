from itertools import product
from random import Random

import numpy as np
import pytest

from online_models.chance_scores import (
    area_under_curve,
    average_precision,
    chance_scores,
    expected_calibration_error,
    stratified_folds,
)


def drawn(seed: int) -> tuple[list[bool], list[float]]:
    """Return outcomes and chances with many ties."""
    rng = Random(seed)
    chances = [rng.randrange(12) / 12 for _ in range(200)]
    return [rng.random() < chance * 0.6 for chance in chances], chances


@pytest.mark.parametrize("seed", range(5))
def test_area_under_the_curve_is_the_share_of_pairs_in_the_right_order(seed: int) -> None:
    outcomes, chances = drawn(seed)
    yes = [chance for chance, outcome in zip(chances, outcomes, strict=True) if outcome]
    no = [chance for chance, outcome in zip(chances, outcomes, strict=True) if not outcome]
    above = [(a > b) + (a == b) / 2 for a, b in product(yes, no)]
    assert area_under_curve(np.array(outcomes), np.array(chances)) == pytest.approx(
        sum(above) / len(above)
    )


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_a_sum_over_thresholds(seed: int) -> None:
    outcomes, chances = drawn(seed)
    pairs = list(zip(chances, outcomes, strict=True))
    expected, recall_before = 0.0, 0.0
    for threshold in sorted(set(chances), reverse=True):
        found = [outcome for chance, outcome in pairs if chance >= threshold]
        recall = sum(found) / sum(outcomes)
        expected += (recall - recall_before) * sum(found) / len(found)
        recall_before = recall
    assert average_precision(np.array(outcomes), np.array(chances)) == pytest.approx(expected)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    outcomes = np.array([True, False, True, True])
    # One bin claims 0.25 twice where half came, one claims 1.0 twice where all came.
    assert expected_calibration_error(outcomes, np.array([0.25, 0.25, 1.0, 1.0])) == 0.125


def test_a_single_outcome_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match="both outcomes are needed"):
        chance_scores([True, True], [0.1, 0.2])


def test_folds_share_out_both_outcomes_evenly_and_the_seed_decides() -> None:
    outcomes = [n % 7 == 0 for n in range(700)]
    folds = stratified_folds(outcomes, 10, seed=3)
    assert np.bincount(folds[np.array(outcomes)]).tolist() == [10] * 10
    assert np.bincount(folds).tolist() == [70] * 10
    assert (folds == stratified_folds(outcomes, 10, seed=3)).all()
    assert (folds != stratified_folds(outcomes, 10, seed=4)).any()
