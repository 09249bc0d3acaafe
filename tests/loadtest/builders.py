"""Histories for tests of the load."""

from loadtest.formats import Timed, iso_time
from loadtest.workload import synthetic_history

STEP_MS = 2_000


def a_dense_history(n_events: int, seed: int = 1) -> list[Timed]:
    """Return seeded sessions, so close together that many users are there at one time."""
    history = synthetic_history(n_events, seed)
    return [_at(timed, history[0].at_ms + STEP_MS * n) for n, timed in enumerate(history)]


def _at(timed: Timed, at_ms: int) -> Timed:
    times = dict.fromkeys(("timestamp", "receivedAt"), iso_time(at_ms))
    return Timed(at_ms, timed.line, timed.event | times)
