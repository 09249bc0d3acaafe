"""The slowest decisions of the last minutes, against sorting all of them."""

from random import Random

from config.figures import Slow
from serving.slow import MINUTE_MS, MINUTES, SLOWEST_A_MINUTE, SlowDecisions

NOON = 1_700_000_000_000 // MINUTE_MS * MINUTE_MS


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def put(slow: SlowDecisions, one: Slow) -> None:
    slow.put(
        one.at,
        one.decision_id,
        one.trace_id,
        one.total_ms,
        one.read_ms,
        one.decide_ms,
        one.encode_ms,
        one.fallback,
    )


def a_decision(at: int, number: int, total_ms: float) -> Slow:
    return Slow(at, f"d-{number:05}", "", total_ms, total_ms / 2, 0.2, 0.1, "")


def test_they_are_the_slowest_of_all() -> None:
    clock, rng = Clock(), Random(1)
    slow = SlowDecisions(clock)
    made = [a_decision(NOON + n, n, rng.lognormvariate(1, 1)) for n in range(5_000)]
    for one in made:
        put(slow, one)
    expected = sorted(made, key=lambda one: -one.total_ms)
    assert slow.slowest(SLOWEST_A_MINUTE) == expected[:SLOWEST_A_MINUTE]
    assert slow.slowest(3) == expected[:3]
    assert slow.slowest(100) == expected[:SLOWEST_A_MINUTE]


def test_each_minute_has_its_own_so_that_one_bad_minute_does_not_hide_the_others() -> None:
    clock = Clock()
    slow = SlowDecisions(clock)
    for minute in range(3):
        for n in range(2 * SLOWEST_A_MINUTE):
            total_ms = 1_000.0 if minute == 0 else 10.0 + minute
            put(slow, a_decision(NOON + minute * MINUTE_MS + n, n + 1_000 * minute, total_ms))
    clock.now = NOON + 3 * MINUTE_MS
    kept = slow.slowest(1_000)
    assert [kept.count(one) for one in kept] == [1] * (3 * SLOWEST_A_MINUTE)
    assert {one.total_ms for one in kept} == {1_000.0, 11.0, 12.0}


def test_what_is_older_than_the_minutes_is_forgotten() -> None:
    clock = Clock()
    slow = SlowDecisions(clock)
    put(slow, a_decision(NOON, 1, 500.0))
    clock.now = NOON + MINUTES * MINUTE_MS - 1
    assert len(slow.slowest(9)) == 1
    clock.now += 1
    assert slow.slowest(9) == []


def test_what_is_not_older_is_kept_in_a_minute_that_has_just_begun() -> None:
    clock = Clock()
    slow = SlowDecisions(clock)
    for minute in range(MINUTES + 1):
        put(slow, a_decision(NOON + minute * MINUTE_MS + 1_000, minute, 500.0))
    clock.now = NOON + MINUTES * MINUTE_MS + 500
    assert len(slow.slowest(99)) == MINUTES + 1


def test_the_slow_are_bounded_however_long_it_runs() -> None:
    clock = Clock()
    slow = SlowDecisions(clock)
    for minute in range(50):
        for n in range(100):
            put(slow, a_decision(NOON + minute * MINUTE_MS + n, n, float(n)))
    clock.now = NOON + 49 * MINUTE_MS
    assert len(slow.slowest(10_000)) <= (MINUTES + 1) * SLOWEST_A_MINUTE


def test_a_clock_that_is_set_back_loses_nothing_slow() -> None:
    clock = Clock()
    slow = SlowDecisions(clock)
    put(slow, a_decision(NOON + MINUTE_MS, 1, 5.0))
    put(slow, a_decision(NOON + 10, 2, 50.0))
    clock.now = NOON + 20
    assert [one.total_ms for one in slow.slowest(9)] == [50.0, 5.0]
