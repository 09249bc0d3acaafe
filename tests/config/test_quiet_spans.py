"""When a span of hours is over, also where clocks are put forward and back."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

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
