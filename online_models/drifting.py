"""Notices that an arm's rewards are no longer what was learned: River's Page-Hinkley test, twice.

Both watch a reward's surprise, in standard deviations: once as it is (the level moved), and once
times where the visitor stands between those the arm suits least and most (it suits others now,
and the level may not show it). Both are about 0 on average while what was learned holds.
"""

from math import sqrt
from typing import Self

from river.drift import PageHinkley

# By the theory of such sums (Siegmund: "Sequential Analysis", 1985) a false alarm comes once in
# e^(2·0.05·120) / (2·0.05²), about thirty million rewards, and a shift of 0.2 standard deviations
# (5 % of visitors click, then 10 %) is noticed after about 800.
THRESHOLD = 120.0
TOLERATED = 0.05  # standard deviations
MIN_REWARDS = 200
MAX_SURPRISE = 12.0  # standard deviations; a rare reward counts, but does not raise an alarm alone
_FOLLOW = 0.002

Numbers = list[float]


class DriftWatch:
    """Watches one arm."""

    def __init__(self) -> None:
        self._level = _new_test()
        self._slope = _new_test()
        self._centre = 0.0
        self._square = 1.0
        self._n = 0

    def notice(self, score: float, surprise: float) -> bool:
        """Take in a reward's surprise and the score that was expected; return whether it drifts."""
        surprise = min(max(surprise, -MAX_SURPRISE), MAX_SURPRISE)
        self._n += 1
        follow = max(_FOLLOW, 1.0 / self._n)
        self._centre += follow * (score - self._centre)
        off = score - self._centre
        self._square += follow * (off * off - self._square)
        place = min(max(off / sqrt(self._square + 1e-6), -3.0), 3.0)
        self._level.update(surprise)
        self._slope.update(min(max(surprise * place, -MAX_SURPRISE), MAX_SURPRISE))
        return bool(self._level.drift_detected or self._slope.drift_detected)

    def to_numbers(self) -> Numbers:
        """Return all that it keeps."""
        tests = [number for test in (self._level, self._slope) for number in _numbers_of(test)]
        return [self._centre, self._square, float(self._n), *tests]

    @classmethod
    def from_numbers(cls, numbers: Numbers) -> Self:
        """Return the watch that keeps this.

        Raises:
            ValueError: these are no numbers of a watch.
        """
        watch = cls()
        watch._centre, watch._square, n, *tests = numbers
        watch._n = int(n)
        if len(tests) != 2 * N_NUMBERS:
            raise ValueError(f"{len(tests)} numbers of tests; {2 * N_NUMBERS} are needed")
        _take_numbers(watch._level, tests[:N_NUMBERS])
        _take_numbers(watch._slope, tests[N_NUMBERS:])
        return watch


N_NUMBERS = 6


def _new_test() -> PageHinkley:
    # No fading of the sums (alpha): their extremes, which they are compared with, do not fade.
    return PageHinkley(min_instances=MIN_REWARDS, delta=TOLERATED, threshold=THRESHOLD, alpha=1.0)


# River tells no state of its detectors but by pickle. These are all the numbers of this one.
def _numbers_of(test: PageHinkley) -> Numbers:
    mean = test._x_mean
    sums = (test._sum_increase, test._sum_decrease, test._min_increase, test._max_decrease)
    return [float(mean.n), float(mean.get()), *(float(one) for one in sums)]


def _take_numbers(test: PageHinkley, numbers: Numbers) -> None:
    n, mean, *sums = numbers
    test._x_mean = test._x_mean._from_state(n, mean)
    test._sum_increase, test._sum_decrease, test._min_increase = sums[:3]
    test._max_decrease = sums[3]  # type: ignore[assignment]  # an int before the first update
