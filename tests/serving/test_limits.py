from hypothesis import given, settings
from hypothesis import strategies as st

from serving.limits import RateLimit


def pass_through(limit: RateLimit, name: str, n_events: int, now: float) -> bool:
    """Take events where they may pass, and return whether they did."""
    if limit.wait_seconds(name, n_events, now) > 0:
        return False
    limit.take(name, n_events, now)
    return True


def test_ten_seconds_worth_may_pass_at_once_and_no_more() -> None:
    limit = RateLimit(per_second=5)
    assert [pass_through(limit, "ann", 25, now=0.0) for _ in range(3)] == [True, True, False]


def test_who_waits_as_told_may_pass() -> None:
    limit = RateLimit(per_second=5)
    limit.take("ann", 50, now=0.0)
    wait = limit.wait_seconds("ann", 10, now=0.0)
    assert wait == 2.0
    assert pass_through(limit, "ann", 10, now=wait)


def test_one_name_does_not_use_up_anothers() -> None:
    limit = RateLimit(per_second=5)
    limit.take("ann", 50, now=0.0)
    assert pass_through(limit, "bob", 50, now=0.0)


def test_more_than_a_burst_passes_when_nothing_was_taken_and_is_paid_off() -> None:
    limit = RateLimit(per_second=5)
    assert pass_through(limit, "ann", 500, now=0.0)
    assert limit.wait_seconds("ann", 1, now=0.0) > 90


def test_a_name_that_was_quiet_has_no_more_than_a_burst() -> None:
    limit = RateLimit(per_second=5)
    limit.take("ann", 1, now=0.0)
    limit.take("ann", 50, now=1e6)
    assert limit.wait_seconds("ann", 1, now=1e6) > 0


def test_names_are_bounded_and_the_latest_are_kept() -> None:
    limit = RateLimit(per_second=1, max_names=10)
    for name in range(1_000):
        limit.take(str(name), 10, now=0.0)
    assert limit.wait_seconds("999", 10, now=0.0) == 10.0
    assert limit.wait_seconds("0", 10, now=0.0) == 0.0
    assert len(limit) <= 10


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0, 5)), max_size=30))
def test_never_more_passes_than_the_rate_and_one_burst(steps: list[tuple[int, float]]) -> None:
    limit, now, passed = RateLimit(per_second=3), 0.0, 0
    for n_events, pause in steps:
        now += pause
        passed += n_events if pass_through(limit, "ann", n_events, now) else 0
    assert passed <= 3 * now + 30 + 1e-6
