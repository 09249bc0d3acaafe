"""When a campaign is on: from and until a moment, on days of the week, at hours of the day."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_A_DAY = 24 * 60


class Schedule(NamedTuple):
    """When something is on, ready to be asked; times are ms, hours minutes of the local day.

    Hours that end before they begin last over midnight, and belong to the day they begin on.
    """

    starts: int | None
    ends: int | None
    days: frozenset[int]
    hours: tuple[tuple[int, int], ...]
    zone: ZoneInfo

    def is_open(self, now: int) -> bool:
        """Tell whether it is on at ``now`` (ms)."""
        if self.starts is not None and now < self.starts:
            return False
        if self.ends is not None and now >= self.ends:
            return False
        if not self.hours and len(self.days) == len(DAYS):
            return True
        local = datetime.fromtimestamp(now / 1000, UTC).astimezone(self.zone)
        minute, today = 60 * local.hour + local.minute, local.weekday()
        if not self.hours:
            return today in self.days
        return any(self._is_within(begin, end, minute, today) for begin, end in self.hours)

    def _is_within(self, begin: int, end: int, minute: int, today: int) -> bool:
        if begin < end:
            return begin <= minute < end and today in self.days
        yesterday = (today - 1) % len(DAYS)
        return (minute >= begin and today in self.days) or (minute < end and yesterday in self.days)


def schedule_of(
    starts: datetime | None,
    ends: datetime | None,
    days: tuple[Day, ...],
    hours: tuple[str, ...],
    time_zone: str,
) -> Schedule:
    """Return a schedule; days and hours are those of the time zone.

    >>> at = schedule_of(None, None, ("fri",), ("22:00-02:00",), "Europe/Berlin")
    >>> at.is_open(1_700_874_000_000)  # Saturday, 02:00 there
    False
    """
    return Schedule(
        None if starts is None else int(starts.timestamp() * 1000),
        None if ends is None else int(ends.timestamp() * 1000),
        frozenset(DAYS.index(day) for day in days or DAYS),
        tuple(_minutes(one) for one in hours),
        ZoneInfo(time_zone),
    )


def problems_of_hours(hours: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield the place of each text that is no span of hours, and what is allowed."""
    for place, text in enumerate(hours):
        found = _HOURS.fullmatch(text)
        if found is None or _minutes(text)[1] > _A_DAY or _minutes(text)[0] == _minutes(text)[1]:
            yield place, f'{text!r}; allowed: like "09:00-18:00" or, over midnight, "22:00-02:00"'


def is_time_zone(name: str) -> bool:
    """Tell whether this machine knows a time zone by its name in the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _minutes(text: str) -> tuple[int, int]:
    begin_hour, begin_minute, end_hour, end_minute = re.split("[:-]", text)
    return 60 * int(begin_hour) + int(begin_minute), 60 * int(end_hour) + int(end_minute)
