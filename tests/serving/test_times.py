from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.events import InvalidEvent, Reason
from serving.times import MAX_AHEAD_MS, MAX_BEHIND_MS, parse_time, settle_times
from tests.serving.builders import DAY, HOUR, NOW


def settled(sent_at: object = None, *, trusted: bool = False, **fields: Any) -> int:
    """Return when an event that comes in at ``NOW`` happened."""
    return settle_times(fields, sent_at, NOW, trusted=trusted).occurred_at


def test_an_event_without_time_happened_when_it_came_in() -> None:
    assert settled() == settled(NOW) == NOW


def test_a_timestamp_stands_as_given() -> None:
    assert settled(timestamp="2024-05-01T09:00:00Z") == NOW - HOUR


def test_the_error_of_a_clock_cancels_out() -> None:
    an_hour_fast = NOW + HOUR
    assert settled(an_hour_fast, timestamp=an_hour_fast - 2000) == NOW - 2000


def test_original_timestamp_goes_with_sent_at() -> None:
    assert settled(NOW, originalTimestamp=NOW - 5, timestamp=NOW - 9) == NOW - 5


def test_an_events_own_sent_at_goes_before_that_of_the_batch() -> None:
    assert settled(NOW + DAY, sentAt=NOW, timestamp=NOW - 7) == NOW - 7


def test_a_time_too_far_back_is_cut_and_said_to_be() -> None:
    times = settle_times({"timestamp": NOW - 8 * DAY}, None, NOW, trusted=False)
    assert (times.occurred_at, times.clamped) == (NOW - MAX_BEHIND_MS, True)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_time_too_far_ahead_is_cut_for_everybody(trusted: bool) -> None:
    times = settle_times({"timestamp": NOW + HOUR}, None, NOW, trusted=trusted)
    assert (times.occurred_at, times.clamped) == (NOW + MAX_AHEAD_MS, True)


def test_a_secret_key_may_go_back_as_far_as_it_likes() -> None:
    assert settled(trusted=True, timestamp="2017-11-25T00:00:00Z") == 1_511_568_000_000


@pytest.mark.parametrize(
    "value",
    ["", "now", "2024-13-01", True, [], {}, -1, "0001-01-01T00:00:00+14:00", 1e300, "1969-12-31"],
)
@pytest.mark.parametrize("field", ["timestamp", "originalTimestamp", "sentAt"])
def test_a_time_that_cannot_be_read_is_named(field: str, value: object) -> None:
    fields = {"timestamp": NOW, field: value}
    with pytest.raises(InvalidEvent) as caught:
        settle_times(fields, None, NOW, trusted=False)
    assert caught.value.reason == Reason.BAD_TIME


@settings(deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_iso_and_milliseconds_are_the_same_time(moment: datetime) -> None:
    ms = parse_time(moment.isoformat(), "timestamp")
    assert parse_time(ms, "timestamp") == ms


@settings(deadline=None)
@given(st.integers(0, 2 * NOW), st.integers(0, 2 * NOW))
def test_with_a_public_key_every_time_lies_in_the_window(timestamp: int, sent_at: int) -> None:
    assert NOW - MAX_BEHIND_MS <= settled(sent_at, timestamp=timestamp) <= NOW + MAX_AHEAD_MS
