"""Until when nobody is spoken to, by the customers' time zones."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from config.schedules import Schedule, is_time_zone

_ZONES_KEPT = 1_024


class QuietTimes:
    """Quiet hours, asked again and again; what was found holds until the next edge of a span."""

    def __init__(self, schedule: Schedule | None = None) -> None:
        self._schedule = schedule
        self._found: dict[str, tuple[int, int, int | None]] = {}

    def until(self, time_zone: str, now: int) -> int | None:
        """Return until when (ms) it is quiet in a time zone, None where it is not at ``now``.

        Where the zone is none, or "", the schedule's own counts.
        """
        found = self._found.get(time_zone)
        if found is None or not found[0] <= now < found[1]:
            if self._schedule is None:
                return None
            if len(self._found) >= _ZONES_KEPT:
                self._found.clear()
            zone = _zone(time_zone) if time_zone else None
            schedule = self._schedule if zone is None else self._schedule._replace(zone=zone)
            found = (now, schedule.same_until(now), schedule.open_until(now))
            self._found[time_zone] = found
        return found[2]


@lru_cache(_ZONES_KEPT)
def _zone(name: str) -> ZoneInfo | None:
    """Return a time zone by its IANA name; what customers' devices call one may be none."""
    return ZoneInfo(name) if is_time_zone(name) else None
