"""When a child is started again, and when a worker counts as stuck."""

from shopkeeper.restarts import (
    CALM_SECONDS,
    FIRST_DELAY_SECONDS,
    FIRST_HEARTBEAT_SECONDS,
    HEARTBEAT_GONE_SECONDS,
    LONGEST_DELAY_SECONDS,
    Backoff,
    HeartbeatWatch,
)


def test_delays_double_up_to_a_bound() -> None:
    backoff = Backoff()
    delays = [backoff.delay(0.1) for _ in range(12)]
    assert delays[:3] == [FIRST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2, FIRST_DELAY_SECONDS * 4]
    assert max(delays) == delays[-1] == LONGEST_DELAY_SECONDS


def test_delays_start_over_after_a_calm_period() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.delay(0.1)
    assert backoff.delay(CALM_SECONDS) == FIRST_DELAY_SECONDS


def test_worker_whose_heartbeat_stays_away_is_stuck() -> None:
    watch = HeartbeatWatch()
    assert not watch.is_stuck(1.0, heartbeat=True)
    assert not watch.is_stuck(2.0, heartbeat=False)
    assert not watch.is_stuck(2.0 + HEARTBEAT_GONE_SECONDS - 0.1, heartbeat=False)
    assert watch.is_stuck(2.0 + HEARTBEAT_GONE_SECONDS, heartbeat=False)


def test_heartbeat_that_comes_back_starts_the_count_over() -> None:
    watch = HeartbeatWatch()
    watch.is_stuck(1.0, heartbeat=True)
    watch.is_stuck(2.0, heartbeat=False)
    watch.is_stuck(7.0, heartbeat=True)
    assert not watch.is_stuck(9.0, heartbeat=False)


def test_worker_is_not_blamed_for_a_redis_that_is_away() -> None:
    watch = HeartbeatWatch()
    watch.is_stuck(1.0, heartbeat=True)
    watch.is_stuck(2.0, heartbeat=False)
    assert not watch.is_stuck(60.0, heartbeat=None)
    assert not watch.is_stuck(61.0, heartbeat=False)


def test_starting_worker_has_longer() -> None:
    watch = HeartbeatWatch()
    assert not watch.is_stuck(0.0, heartbeat=False)
    assert not watch.is_stuck(HEARTBEAT_GONE_SECONDS * 2, heartbeat=False)
    assert watch.is_stuck(FIRST_HEARTBEAT_SECONDS, heartbeat=False)
