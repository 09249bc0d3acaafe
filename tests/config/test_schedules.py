from datetime import UTC, datetime

import pytest

from config.schedules import Day, is_time_zone, problems_of_hours, schedule_of


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def test_it_is_on_from_its_start_until_its_end() -> None:
    begin, end = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 25, tzinfo=UTC)
    schedule = schedule_of(begin, end, (), (), "UTC")
    assert not schedule.is_open(ms("2026-11-30T23:59:59Z"))
    assert schedule.is_open(ms("2026-12-01T00:00:00Z"))
    assert not schedule.is_open(ms("2026-12-25T00:00:00Z"))


@pytest.mark.parametrize(
    ("days", "hours", "at", "is_open"),
    [
        (("mon",), (), "2026-11-23T00:00:00+01:00", True),
        (("mon",), (), "2026-11-22T23:30:00Z", True),  # in Berlin it is Monday already
        (("mon",), (), "2026-11-24T12:00:00+01:00", False),
        ((), ("09:00-18:00",), "2026-11-24T09:00:00+01:00", True),
        ((), ("09:00-18:00",), "2026-11-24T18:00:00+01:00", False),
        ((), ("09:00-12:00", "14:00-24:00"), "2026-11-24T23:59:00+01:00", True),
        (("fri",), ("22:00-02:00",), "2026-11-28T01:00:00+01:00", True),
        (("fri",), ("22:00-02:00",), "2026-11-27T01:00:00+01:00", False),
        (("fri",), ("22:00-02:00",), "2026-11-28T02:00:00+01:00", False),
        ((), ("09:00-10:00",), "2026-07-01T07:30:00Z", True),  # summer time
    ],
)
def test_days_and_hours_are_those_of_its_zone(
    days: tuple[Day, ...], hours: tuple[str, ...], at: str, is_open: bool
) -> None:
    assert schedule_of(None, None, days, hours, "Europe/Berlin").is_open(ms(at)) is is_open


@pytest.mark.parametrize("text", ["9-18", "25:00-26:00", "09:00-09:00", "10:00-24:30", ""])
def test_what_is_no_span_of_hours_is_told(text: str) -> None:
    [(place, problem)] = problems_of_hours(("09:00-18:00", text))
    assert place == 1
    assert 'allowed: like "09:00-18:00"' in problem


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("Europe/Berlin", True), ("UTC", True), ("Berlin", False), ("", False), ("../x", False)],
)
def test_time_zones_are_those_that_are_known(name: str, is_one: bool) -> None:
    assert is_time_zone(name) is is_one
