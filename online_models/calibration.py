"""Makes a model's scores into chances that come true, learned online from what came of them.

Platt's scaling (1999): log odds are a slope times the score plus an offset. Both are a Gaussian
belief, moved by one step of online Laplace with each outcome (Spiegelhalter, Lauritzen, 1990),
whose variance grows a little each time, so that it never stops following.
"""

from math import exp
from typing import NamedTuple

_VARIANCE = 0.02  # of slope and offset before anything is known
_GROWTH = _VARIANCE / 20_000  # at an outcome
_MAX_SCORE = 30.0
_LEAST_SLOPE, _MOST_SLOPE, _MOST_OFFSET = 0.2, 5.0, 5.0


class Calibration(NamedTuple):
    """Means of slope and offset, their variances, and their covariance."""

    slope: float = 1.0
    offset: float = 0.0
    slope_variance: float = _VARIANCE
    offset_variance: float = _VARIANCE
    covariance: float = 0.0

    def chance(self, score: float) -> float:
        """Return how often a score comes true.

        >>> Calibration().chance(0.0)
        0.5
        """
        return chance_of(self.slope * _bounded(score, _MAX_SCORE) + self.offset)

    def after(self, score: float, is_true: bool) -> "Calibration":
        """Return it once what came of a score is known.

        >>> Calibration().after(1.0, False).chance(1.0) < Calibration().chance(1.0)
        True
        """
        score = _bounded(score, _MAX_SCORE)
        chance = self.chance(score)
        weight = chance * (1.0 - chance)
        along_slope = self.slope_variance * score + self.covariance
        along_offset = self.covariance * score + self.offset_variance
        whole = 1.0 + weight * (along_slope * score + along_offset)
        share, error = weight / whole, (float(is_true) - chance) / whole
        slope = self.slope + along_slope * error
        return Calibration(
            min(max(slope, _LEAST_SLOPE), _MOST_SLOPE),
            _bounded(self.offset + along_offset * error, _MOST_OFFSET),
            self.slope_variance - share * along_slope * along_slope + _GROWTH,
            self.offset_variance - share * along_offset * along_offset + _GROWTH,
            self.covariance - share * along_slope * along_offset,
        )


def chance_of(log_odds: float) -> float:
    """Return the chance of log odds.

    >>> chance_of(0.0), chance_of(1000.0)
    (0.5, 1.0)
    """
    return 1.0 / (1.0 + exp(-_bounded(log_odds, 700.0)))


def _bounded(value: float, most: float) -> float:
    return min(max(value, -most), most)
