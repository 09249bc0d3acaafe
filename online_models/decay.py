"""Sums that fade with a half-life, whatever order their events arrive in.

Forward decay (Cormode, Shkapenyuk, Srivastava, Xu: "Forward Decay: A Practical Time Decay Model for
Streaming Systems", ICDE 2009): an event at time t adds w·2^((t - landmark)/half-life), so that
nothing has to be decayed when the next event comes and late events need no special case. The
landmark follows from the latest event time alone and moves in steps of 32 half-lives, so a move
scales by a power of two, exactly.
"""

from math import ldexp

import msgspec

from config.durations import DAY_MS, HOUR_MS

HALF_LIVES_MS = (HOUR_MS, DAY_MS, 30 * DAY_MS)
HALF_LIFE_NAMES = ("hour", "day", "month")
HOUR, DAY, MONTH = range(3)
_STEP = 32  # half-lives between two landmarks; 2^32 keeps sums far from overflow
_HOUR_PERIOD = _STEP * HOUR_MS


class Weights(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an event at some time adds to a sum of each half-life, per unit."""

    hour: float
    day: float
    month: float


class Counter(msgspec.Struct, array_like=True, gc=False):
    """A total and the same faded by an hour, a day and 30 days, relative to the landmarks.

    >>> counter = Counter()
    >>> counter.add(2.0, weights_at(DAY_MS, latest_at=DAY_MS))
    >>> round(counter.faded(1, latest_at=DAY_MS, now=2 * DAY_MS), 9)
    1.0
    """

    total: float = 0.0
    hour: float = 0.0
    day: float = 0.0
    month: float = 0.0

    def add(self, amount: float, weights: Weights) -> None:
        """Add an amount of an event whose weights these are."""
        self.total += amount
        self.hour += amount * weights.hour
        self.day += amount * weights.day
        self.month += amount * weights.month

    def join(self, other: "Counter") -> None:
        """Add another counter that stands on the same landmarks."""
        self.total += other.total
        self.hour += other.hour
        self.day += other.day
        self.month += other.month

    def scale(self, steps: tuple[int, int, int]) -> None:
        """Move to later landmarks: so many half-lives of each kind."""
        self.hour = ldexp(self.hour, -steps[0])
        self.day = ldexp(self.day, -steps[1])
        self.month = ldexp(self.month, -steps[2])

    def faded(self, kind: int, latest_at: int, now: int) -> float:
        """Return the sum of a half-life (0 hour, 1 day, 2 month) as it is worth at ``now``."""
        value = (self.hour, self.day, self.month)[kind]
        return fade(value, kind, latest_at, now)


def fade(value: float, kind: int, latest_at: int, now: int) -> float:
    """Return what a landmark-relative sum is worth at ``now`` (ms), no earlier than the latest."""
    half_life = HALF_LIVES_MS[kind]
    age = max(now, latest_at) - _landmark(latest_at, half_life)
    return float(value * 2.0 ** (-age / half_life))


def weights_at(occurred_at: int, latest_at: int) -> Weights:
    """Return the weights of an event, given the latest event time of its user (ms)."""
    hour, day, month = HALF_LIVES_MS
    return Weights(
        2.0 ** ((occurred_at - _landmark(latest_at, hour)) / hour),
        2.0 ** ((occurred_at - _landmark(latest_at, day)) / day),
        2.0 ** ((occurred_at - _landmark(latest_at, month)) / month),
    )


def weight_at(occurred_at: int, latest_at: int, kind: int) -> float:
    """Return the weight of an event for one half-life; see ``weights_at``."""
    half_life = HALF_LIVES_MS[kind]
    return float(2.0 ** ((occurred_at - _landmark(latest_at, half_life)) / half_life))


def landmark_steps(latest_at: int, later: int, kind: int) -> int:
    """Return how many half-lives one landmark moves when ``later`` is the latest."""
    period = _STEP * HALF_LIVES_MS[kind]
    return (later // period - latest_at // period) * _STEP


def steps_between(latest_at: int, later: int) -> tuple[int, int, int] | None:
    """Return how many half-lives the landmarks move when ``later`` is the latest; None for none."""
    # The others' landmarks lie on the hour's, so they stand still where that does.
    if later // _HOUR_PERIOD == latest_at // _HOUR_PERIOD:
        return None
    hour, day, month = (
        (later // (_STEP * half_life) - latest_at // (_STEP * half_life)) * _STEP
        for half_life in HALF_LIVES_MS
    )
    return hour, day, month


def scale_values(values: dict[str, float], steps: int) -> None:
    """Move landmark-relative sums to a landmark so many half-lives later, in place."""
    if steps:
        for name, value in values.items():
            values[name] = ldexp(value, -steps)


def keep_largest(values: dict[str, float], n: int) -> None:
    """Drop the smallest until ``n`` are left, in place; of equal ones that which came first."""
    while len(values) > n:
        del values[min(values, key=values.__getitem__)]


def _landmark(latest_at: int, half_life: int) -> int:
    period = _STEP * half_life
    return latest_at // period * period
