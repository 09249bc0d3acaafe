"""How often a customer orders: the interval that is open, in bins of the customer's own scale.

A customer's scale is the mean interval between the last orders, drawn to what is usual in the shop
(log intervals; the usual one counts as ``PRIOR_INTERVALS`` more). Silence since the last order, in
that scale, falls into bins of half an octave. For each bin a customer was silent through, and for
the one in which the next order came, the model learns once (``rhythm_model.py``). So intervals that
are still open count as what they are: nobody knows yet how long they get.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, floor, log, log2

from config.durations import DAY_MS
from config.examples import Waited
from online_models.expected import Rhythm

N_BINS = 22
BINS_AN_OCTAVE = 2
FIRST_OCTAVE = -3  # bin 0 begins with the order and ends half an octave above an eighth
GROUPS = (1, 2, 3, 5)  # customers with up to so many orders; one group more has the others
N_GROUPS = len(GROUPS) + 1
PRIOR_INTERVALS = 3.0


def order_times(times: Sequence[int]) -> list[int]:
    """Return order times, latest first, with those of a day as one: the first of them.

    >>> order_times([5 * DAY_MS, DAY_MS + 60_000, DAY_MS]) == [5 * DAY_MS, DAY_MS]
    True
    """
    kept: list[int] = []
    for at in reversed(times):
        if not kept or at - kept[-1] >= DAY_MS:
            kept.append(at)
    return kept[::-1]


def follow(
    rhythm: Rhythm | None, times: Sequence[int], usual_ms: float
) -> tuple[Rhythm, list[Waited]]:
    """Return the rhythm that order times (``order_times``) make, and what an order teaches.

    ``usual_ms`` is what is usual in the shop; it counts until the next order.
    """
    ordered_at = times[0]
    if rhythm is not None and rhythm.ordered_at == ordered_at and rhythm.n_orders == len(times):
        return rhythm, []
    gaps = [later - earlier for later, earlier in pairwise(times)]
    scale = _scale_ms(gaps, usual_ms)
    if rhythm is None or rhythm.ordered_at > ordered_at:
        return Rhythm(ordered_at, scale, len(times)), []
    if rhythm.ordered_at == ordered_at:  # an older order came in late
        return Rhythm(ordered_at, scale, len(times), rhythm.taught), []
    silence = ordered_at - rhythm.ordered_at
    last = max(bin_of(silence / rhythm.scale_ms), 0)
    first = min(rhythm.taught, last)
    ended = Waited(group_of(rhythm.n_orders), first, last, ordered_at, silence)
    return Rhythm(ordered_at, scale, len(times)), [ended]


def pass_time(rhythm: Rhythm, now: int) -> list[Waited]:
    """Note, in place, through which bins a customer was silent; return what they teach."""
    first = rhythm.taught
    while rhythm.taught < N_BINS and next_at(rhythm) <= now:
        rhythm.taught += 1
    if rhythm.taught == first:
        return []
    return [Waited(group_of(rhythm.n_orders), first, rhythm.taught - 1, now)]


def next_at(rhythm: Rhythm) -> int:
    """Return when (ms) the bin that the silence is in is over; only of one that there is."""
    return rhythm.ordered_at + round(rhythm.scale_ms * bin_end(rhythm.taught)) + 1


def join(mine: Rhythm | None, theirs: Rhythm | None) -> Rhythm | None:
    """Return what two histories taught of the interval that is open in their joint one."""
    if mine is None or theirs is None:
        return mine or theirs
    return max(mine, theirs, key=lambda one: (one.ordered_at, one.taught, one.n_orders))


def group_of(n_orders: int) -> int:
    """Return the group of a customer with so many orders.

    >>> [group_of(n) for n in (1, 2, 3, 4, 5, 6, 10)]
    [0, 1, 2, 3, 3, 4, 4]
    """
    return sum(n_orders > most for most in GROUPS)


def place_of(ratio: float) -> float:
    """Return where a silence, as a multiple of the scale, lies among the bins, from 0 on.

    >>> place_of(0.125), place_of(1.0), place_of(0.0)
    (0.0, 6.0, 0.0)
    """
    if ratio <= 2.0**FIRST_OCTAVE:
        return 0.0
    return BINS_AN_OCTAVE * (log2(ratio) - FIRST_OCTAVE)


def ratio_at(place: float) -> float:
    """Return the silence that lies there; the other way round."""
    return float(2.0 ** (place / BINS_AN_OCTAVE + FIRST_OCTAVE))


def bin_of(ratio: float) -> int:
    """Return the bin of a silence; the last one has no end."""
    return min(floor(place_of(ratio)), N_BINS - 1)


def bin_end(number: int) -> float:
    """Return where a bin ends, as a multiple of the scale."""
    return ratio_at(number + 1)


def _scale_ms(gaps: Sequence[int], usual_ms: float) -> int:
    logs = sum(log(gap) for gap in gaps) + PRIOR_INTERVALS * log(usual_ms)
    return round(exp(logs / (len(gaps) + PRIOR_INTERVALS)))
