"""Rate limits in memory: events a second by name, with a burst, in one number a name.

The generic cell rate algorithm: a bucket is the moment at which it will be full again, and events
are let through while that moment lies less than the burst ahead (ITU-T I.371;
https://brandur.org/rate-limiting).
"""

from dataclasses import dataclass

BURST_SECONDS = 10.0
LETTERS_PER_USER_EVENT = 10


class RateLimit:
    """Lets ``per_second`` events of a name through, ten times that at once.

    More than a whole burst in one request passes when the bucket is full, and is paid off after;
    else such a request could never pass.

    >>> limit = RateLimit(per_second=2)
    >>> limit.wait_seconds("ann", 20, now=0.0)
    0.0
    >>> limit.take("ann", 20, now=0.0)
    >>> limit.wait_seconds("ann", 1, now=0.0)
    0.5
    """

    def __init__(self, per_second: float, max_names: int = 100_000) -> None:
        self._seconds_each = 1 / per_second
        self._max_names = max_names
        self._full_at: dict[str, float] = {}

    def wait_seconds(self, name: str, n_events: int, now: float) -> float:
        """Return how long until ``n_events`` may pass, 0.0 where they may now; takes nothing."""
        needed = min(n_events * self._seconds_each, BURST_SECONDS)
        ahead = max(self._full_at.get(name, now) - now, 0.0)
        return max(ahead + needed - BURST_SECONDS, 0.0)

    def take(self, name: str, n_events: int, now: float) -> None:
        """Take ``n_events`` out of the name's bucket."""
        # Put in anew, so that the order of the dict is that of last use.
        full_at = max(self._full_at.pop(name, now), now)
        self._full_at[name] = full_at + n_events * self._seconds_each
        if len(self._full_at) > self._max_names:
            self._make_room(now)

    def give_back(self, name: str, n_events: int) -> None:
        """Put ``n_events`` back that were taken for nothing."""
        if name in self._full_at:
            self._full_at[name] -= n_events * self._seconds_each

    def try_one(self, name: str, now: float) -> bool:
        """Take one event if it may pass now, and tell whether it may."""
        if self.wait_seconds(name, 1, now) > 0:
            return False
        self.take(name, 1, now)
        return True

    def __len__(self) -> int:
        """Return how many names are remembered."""
        return len(self._full_at)

    def _make_room(self, now: float) -> None:
        self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        surplus = len(self._full_at) - self._max_names * 9 // 10
        for name in list(self._full_at)[: max(surplus, 0)]:
            del self._full_at[name]


@dataclass(frozen=True, slots=True)
class Limits:
    """Events a second, of one key and of one user; dead letters a second of one public key."""

    per_key: RateLimit
    per_user: RateLimit
    letters_per_key: RateLimit


def limits_of(key_events_per_second: float, user_events_per_second: float) -> Limits:
    """Return the limits; a key may leave as many dead letters as ten users may send events."""
    return Limits(
        RateLimit(key_events_per_second),
        RateLimit(user_events_per_second),
        RateLimit(LETTERS_PER_USER_EVENT * user_events_per_second),
    )
