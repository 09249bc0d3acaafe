from math import inf
from random import Random

import pytest

from online_models.calibration import Calibration, chance_of


def test_scores_that_claim_too_much_are_tamed() -> None:
    rng, calibration = Random(1), Calibration()
    for _ in range(20_000):
        score = rng.gauss(0.0, 2.0)
        calibration = calibration.after(score, rng.random() < chance_of(0.5 * score - 1.0))
    assert calibration.slope == pytest.approx(0.5, abs=0.06)
    assert calibration.offset == pytest.approx(-1.0, abs=0.12)


def test_it_follows_when_the_world_changes() -> None:
    rng, calibration = Random(1), Calibration()
    for offset in (-1.0, 1.0):
        for _ in range(30_000):
            score = rng.gauss(0.0, 2.0)
            is_true = rng.random() < chance_of(score + offset)
            calibration = calibration.after(score, is_true)
        assert calibration.offset == pytest.approx(offset, abs=0.2)


def test_it_stays_within_bounds_whatever_it_is_told() -> None:
    calibration = Calibration()
    for score in (1e9, -1e9, inf, -inf, 0.0) * 400:
        calibration = calibration.after(score, score < 0)
        assert 0.0 < calibration.chance(2.0) < 1.0
    assert calibration.slope > 0
