"""Until when nobody is spoken to, by the customers' time zones."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from config.durations import HOUR_MS
from config.schedules import Schedule, is_time_zone

_ZONES_KEPT = 1_024
_SPANS_KEPT = 16_384


class QuietTimes:
    """Quiet hours, asked again and again; what was found holds until the next edge of a span."""

    def __init__(self, schedule: Schedule | None = None) -> None:
        self._schedule = schedule
        self._found: dict[tuple[str, int], tuple[int, int, int | None]] = {}

    def until(self, time_zone: str, now: int) -> int | None:
        """Return until when (ms) it is quiet in a time zone, None where it is not at ``now``.

        Where the zone is none, or "", the schedule's own counts.
        """
        if self._schedule is None:
            return None
        name = (time_zone, now // HOUR_MS)  # shards that catch up stand at different times
        found = self._found.get(name)
        if found is None or not found[0] <= now < found[1]:
            if len(self._found) >= _SPANS_KEPT:
                self._found.clear()
            found = self._found[name] = _look(self._schedule, time_zone, now)
        return found[2]


def _look(schedule: Schedule, time_zone: str, now: int) -> tuple[int, int, int | None]:
    zone = _zone(time_zone) if time_zone else None
    if zone is not None:
        schedule = schedule._replace(zone=zone)
    begin = now - now % HOUR_MS
    if schedule.same_until(begin) <= now:
        begin = now
    return begin, schedule.same_until(begin), schedule.open_until(begin)


@lru_cache(_ZONES_KEPT)
def _zone(name: str) -> ZoneInfo | None:
    """Return a time zone by its IANA name; what customers' devices call one may be none."""
    return ZoneInfo(name) if is_time_zone(name) else None
