"""When a message is tried again."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from config.durations import HOUR_MS
from delivery.schedule import DELAYS_MS, JITTER, LONGEST_MS, next_try_at


def tries(rng: Random, wish_ms: int = 0) -> list[int]:
    """Return when a message is tried that fails each time at once."""
    at: int | None = 0
    made: list[int] = []
    while at is not None:
        made.append(at)
        at = next_try_at(len(made), 0, at, rng, wish_ms)
    return made


@given(st.integers())
def test_tries_go_on_for_days_and_end_within_75_hours(seed: int) -> None:
    made = tries(Random(seed))
    assert len(made) == len(DELAYS_MS) + 1
    assert 59 * HOUR_MS < made[-1] <= LONGEST_MS


@given(st.integers())
def test_delays_differ_by_chance_and_stay_within_the_jitter(seed: int) -> None:
    made = tries(Random(seed))
    for delay, (before, after) in zip(DELAYS_MS, pairwise(made), strict=True):
        assert (1 - JITTER) * delay - 1 <= after - before <= delay


def test_messages_do_not_come_again_all_at_once() -> None:
    rng = Random(1)
    assert len({next_try_at(3, 0, 0, rng) for _ in range(100)}) > 90


def test_a_wish_is_heard_up_to_an_hour() -> None:
    rng = Random(1)
    assert next_try_at(1, 0, 0, rng, wish_ms=30_000) == 30_000
    assert next_try_at(1, 0, 0, rng, wish_ms=100 * HOUR_MS) == HOUR_MS


def test_after_75_hours_nothing_is_tried() -> None:
    assert next_try_at(1, 0, LONGEST_MS, Random(1)) is None
