"""When a child is started again, and when a worker that still runs counts as stuck. Pure."""

import signal
from dataclasses import dataclass

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 30.0
CALM_SECONDS = 60.0
FIRST_HEARTBEAT_SECONDS = 30.0
HEARTBEAT_GONE_SECONDS = 6.0  # three lives of a heartbeat


@dataclass(slots=True)
class Backoff:
    """Delays that double with each end and start over after a calm period.

    >>> backoff = Backoff()
    >>> [backoff.delay(ran_seconds=1.0) for _ in range(3)], backoff.delay(ran_seconds=90.0)
    ([0.25, 0.5, 1.0], 0.25)
    """

    _next: float = FIRST_DELAY_SECONDS

    def delay(self, ran_seconds: float) -> float:
        """Return how long to wait (s) before the next start of what ran for ``ran_seconds``."""
        if ran_seconds >= CALM_SECONDS:
            self._next = FIRST_DELAY_SECONDS
        delay = self._next
        self._next = min(delay * 2, LONGEST_DELAY_SECONDS)
        return delay


@dataclass(slots=True)
class HeartbeatWatch:
    """Decides from single looks whether a worker is stuck; times are monotonic seconds.

    Only looks that Redis answered count: while it is away, nobody's heartbeat can be there.
    """

    _seen: bool = False
    _missing_since: float | None = None

    def is_stuck(self, now: float, heartbeat: bool | None) -> bool:
        """Take one look; ``heartbeat`` is None where Redis did not answer."""
        if heartbeat is None:
            self._missing_since = None
            return False
        if heartbeat:
            self._seen, self._missing_since = True, None
            return False
        if self._missing_since is None:
            self._missing_since = now
        allowed = HEARTBEAT_GONE_SECONDS if self._seen else FIRST_HEARTBEAT_SECONDS
        return now - self._missing_since >= allowed


def describe_end(code: int) -> str:
    """Say how a process ended, from its return code as ``subprocess`` gives it.

    >>> describe_end(-9), describe_end(1), describe_end(0)
    ('was killed by SIGKILL', 'ended with code 1', 'ended by itself (code 0)')
    """
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return "ended by itself (code 0)" if code == 0 else f"ended with code {code}"
