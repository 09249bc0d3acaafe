"""The slowest decisions of the last minutes: bounded, and hardly dearer than not looking."""

from collections import deque
from collections.abc import Callable
from heapq import heappush, heappushpop
from operator import itemgetter

from config.figures import Slow

MINUTE_MS = 60_000
MINUTES = 5
SLOWEST_A_MINUTE = 20


_Ranked = tuple[float, str, Slow]  # by time, then by id, so that two never compare further


class SlowDecisions:
    """Keeps ``SLOWEST_A_MINUTE`` of each minute by ``clock_ms``: the last ``MINUTES``, and this."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._minutes: deque[tuple[int, list[_Ranked]]] = deque(maxlen=MINUTES + 1)
        self._now: list[_Ranked] = []
        self._until = 0
        self._floor = 0.0

    def put(
        self,
        at: int,
        decision_id: str,
        trace_id: str,
        total_ms: float,
        read_ms: float,
        decide_ms: float,
        encode_ms: float,
        fallback: str,
    ) -> None:
        """Take a decision, told as ``Slow``; most are let go at the first comparison."""
        if total_ms <= self._floor and at < self._until:
            return
        if at >= self._until:
            self._turn(at)
        one = Slow(at, decision_id, trace_id, total_ms, read_ms, decide_ms, encode_ms, fallback)
        if len(self._now) < SLOWEST_A_MINUTE:
            heappush(self._now, (total_ms, decision_id, one))
        else:
            heappushpop(self._now, (total_ms, decision_id, one))
        if len(self._now) == SLOWEST_A_MINUTE:
            self._floor = self._now[0][0]

    def slowest(self, n: int) -> list[Slow]:
        """Return the ``n`` slowest of the last minutes, slowest first."""
        oldest = self._clock_ms() - MINUTES * MINUTE_MS
        kept = [ranked for _, minute in self._minutes for ranked in minute]
        by_time = sorted(kept, key=itemgetter(0), reverse=True)
        return [one for _, _, one in by_time if one.at > oldest][:n]

    def _turn(self, at: int) -> None:
        start = at - at % MINUTE_MS
        self._now, self._floor, self._until = [], 0.0, start + MINUTE_MS
        self._minutes.append((start, self._now))
