"""When a span of hours is over, also where clocks are put forward and back."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from config.durations import HOUR_MS, MINUTE_MS
from config.schedules import schedule_of

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, fold: int = 0) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)
    return int(moment.timestamp() * 1000)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (
            ("22:00-08:00",),
            at("2024-03-30 23:00"),
            at("2024-03-31 08:00"),
        ),  # forward
        (("22:00-08:00",), at("2024-10-27 02:30"), at("2024-10-27 08:00")),  # back
        (("22:00-02:30",), at("2024-10-27 02:15", fold=1), at("2024-10-27 02:30", fold=1)),
        (("22:00-24:00", "00:00-07:00"), at("2024-06-01 23:00"), at("2024-06-02 07:00")),
        (("13:00-15:00",), at("2024-06-01 15:00"), None),
    ],
)
def test_a_span_ends_by_the_local_clock(
    hours: tuple[str, ...], now: int, until: int | None
) -> None:
    assert schedule_of(None, None, (), hours, "Europe/Berlin").open_until(now) == until


def test_a_span_that_is_never_over_is_told_to_end_some_day() -> None:
    always = schedule_of(None, None, (), ("00:00-24:00",), "Europe/Berlin")
    until = always.open_until(at("2024-06-01 12:00"))
    assert until is not None
    assert until > at("2024-06-10 12:00")


def test_a_span_ends_with_all_of_it() -> None:
    ends = datetime(2024, 6, 1, 13, 30, tzinfo=BERLIN)
    span = schedule_of(None, ends, (), ("12:00-14:00",), "Europe/Berlin")
    assert span.open_until(at("2024-06-01 12:30")) == at("2024-06-01 13:30")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"])
@pytest.mark.parametrize("hours", [("22:00-08:00",), ("13:10-15:20", "02:15-02:45"), ()])
def test_until_the_next_edge_it_is_the_same(zone: str, hours: tuple[str, ...]) -> None:
    schedule = schedule_of(None, None, ("sat", "sun"), hours, zone)
    for begin in ("2024-03-30 12:00", "2024-10-26 12:00", "2024-04-06 12:00", "2024-10-05 12:00"):
        now = at(begin) + 17_000
        end = now + 36 * HOUR_MS
        while now < end:
            until = schedule.same_until(now)
            seen = {
                (schedule.is_open(one), schedule.open_until(one))
                for one in range(now, until, 5 * MINUTE_MS)
            } | {(schedule.is_open(until - 1), schedule.open_until(until - 1))}
            assert until > now
            assert len(seen) == 1
            now = until
