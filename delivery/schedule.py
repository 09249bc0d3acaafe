"""When a message that was not taken is tried again. Pure: time and chance come in."""

from random import Random

from config.durations import HOUR_MS

LONGEST_MS = 75 * HOUR_MS  # from the first try to the last
LONGEST_WISH_MS = HOUR_MS  # of a receiver that says when to come again
JITTER = 0.2  # share of a delay that chance may take off, so that tries do not come all at once
DELAYS_MS = (
    2_000,
    10_000,
    60_000,
    5 * 60_000,
    30 * 60_000,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    23 * HOUR_MS,
)


def next_try_at(n_tries: int, first_at: int, now: int, rng: Random, wish_ms: int = 0) -> int | None:
    """Return when (ms) to try again after ``n_tries`` that failed, None for never.

    ``first_at`` is when the first of them was made; ``wish_ms`` is what ``Retry-After`` asked for.

    >>> next_try_at(len(DELAYS_MS) + 1, 0, 0, Random(1)) is None
    True
    """
    if n_tries > len(DELAYS_MS):
        return None
    delay = DELAYS_MS[n_tries - 1] * (1 - JITTER * rng.random())
    at = now + max(int(delay), min(wish_ms, LONGEST_WISH_MS))
    return at if at - first_at <= LONGEST_MS else None
