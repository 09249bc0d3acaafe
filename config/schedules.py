"""When a campaign is on: from and until a moment, on days of the week, at hours of the day."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.durations import HOUR_MS, MINUTE_MS

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_A_DAY = 24 * 60
_MAX_SPANS = 32


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

    def open_until(self, now: int) -> int | None:
        """Return when (ms) it is over, None where it is not on; spans that touch are one.

        One that is never over is told to end after some days.
        """
        at = now
        for _ in range(_MAX_SPANS):
            if not self.is_open(at):
                break
            at = self._end_of_span(at)
            if self.ends is not None and at >= self.ends:
                return self.ends
        return at if at > now else None

    def same_until(self, now: int) -> int:
        """Return until when (ms), at least, it stays on, or off, and is over at the same moment."""
        local = datetime.fromtimestamp(now / 1000, UTC).astimezone(self.zone)
        minute = 60 * local.hour + local.minute
        edges = [edge for span in self.hours for edge in span if edge > minute]
        begun = now - now % MINUTE_MS
        until = begun + (min(edges, default=_A_DAY) - minute) * MINUTE_MS
        later = datetime.fromtimestamp(until / 1000, UTC).astimezone(self.zone)
        # Where clocks are put forward or back on the way, only the minute is certain.
        if later.utcoffset() != local.utcoffset():
            until = begun + MINUTE_MS
        bounds = [at for at in (self.starts, self.ends) if at is not None and at > now]
        return min([until, *bounds])

    def _end_of_span(self, at: int) -> int:
        local = datetime.fromtimestamp(at / 1000, UTC).astimezone(self.zone)
        minute, today = 60 * local.hour + local.minute, local.weekday()
        ends = [
            end + (_A_DAY if begin >= end and minute >= begin else 0)
            for begin, end in self.hours or ((0, _A_DAY),)
            if not self.hours or self._is_within(begin, end, minute, today)
        ]
        day = local.date() + timedelta(days=max(ends) // _A_DAY)
        hour, minute = divmod(max(ends) % _A_DAY, 60)
        # Where clocks are put back, an hour comes twice.
        moments = (datetime.combine(day, time(hour, minute, fold=n), self.zone) for n in (0, 1))
        reached = [int(moment.timestamp() * 1000) for moment in moments]
        return next((moment for moment in reached if moment > at), at + HOUR_MS)

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
