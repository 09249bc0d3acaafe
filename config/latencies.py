"""Latencies counted so finely that percentiles hold to 3 %, and that counts of processes add up.

Buckets as in an HDR histogram (http://hdrhistogram.org): 32 to each doubling, from a microsecond to
a minute. Prometheus' few buckets serve alerts; these serve who looks at the last minute.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from threading import Lock

_SUB = 32  # buckets of a doubling; below 64 µs each microsecond has its own
_MAX_US = 60_000_000
_MANY = 256  # counted together
MAX_BOOK = 64  # latencies of a process; routes are a closed set

Counts = dict[int, int]  # of latencies, by bucket


def bucket_of(seconds: float) -> int:
    """Return the bucket of a latency; what is beyond the ends counts at the end.

    >>> bucket_of(0.000005), bucket_of(0.001), bucket_of(-1.0)
    (5, 190, 0)
    """
    us = int(seconds * 1e6)
    if us < _SUB:
        return max(us, 0)
    us = min(us, _MAX_US)
    shift = us.bit_length() - 6
    return shift * _SUB + (us >> shift)


def milliseconds_of(bucket: int) -> float:
    """Return the middle of a bucket, in ms.

    >>> milliseconds_of(bucket_of(0.01))
    10.112
    """
    if bucket < 2 * _SUB:
        return (bucket + 0.5) / 1000
    shift, rest = divmod(bucket, _SUB)
    shift, rest = shift - 1, rest + _SUB
    return ((rest << shift) + (1 << shift) / 2) / 1000


def quantiles_ms(counts: Mapping[int, int], shares: Iterable[float]) -> list[float] | None:
    """Return what so many of the latencies stay at or below, in ms; None where there are none.

    >>> quantiles_ms({10: 1, 20: 98, 30: 1}, (0.5, 0.99, 1.0))
    [0.0205, 0.0205, 0.0305]
    """
    total = sum(counts.values())
    if not total:
        return None
    buckets = sorted(counts)
    found, n_below, place = [], 0, -1
    for share in sorted(shares):
        while n_below < share * total:
            place += 1
            n_below += counts[buckets[place]]
        found.append(milliseconds_of(buckets[max(place, 0)]))
    return found


def add(counts: Counts, more: Mapping[int, int], times: int = 1) -> None:
    """Add counts in place; with ``times`` -1, take them away again."""
    for bucket, n in more.items():
        left = counts.get(bucket, 0) + times * n
        if left:
            counts[bucket] = left
        else:
            counts.pop(bucket, None)


class Noted:
    """Values that are noted at once and counted later, many together.

    Where time matters, that is left with an append; counting is faster as well when one follows the
    other.
    """

    def __init__(self, count: Callable[[Sequence[float]], None]) -> None:
        self._count = count
        self._values: list[float] = []
        self._lock = Lock()  # who shows them may do so in another thread

    def note(self, value: float) -> None:
        """Note a value."""
        self._values.append(value)
        if len(self._values) >= _MANY:
            self.hand_on()

    def hand_on(self) -> None:
        """Have all that was noted counted."""
        with self._lock:
            taken = self._values[:]
            del self._values[: len(taken)]
            self._count(taken)


class LatencyBook:
    """The latencies of a process by name, those since they were last taken."""

    def __init__(self) -> None:
        self._noted: dict[str, Noted] = {}
        self._counts: dict[str, Counts] = {}

    def recorder(self, name: str) -> Callable[[float], None]:
        """Return what notes a latency (s) under a name; of too many names some are passed over."""
        noted = self._noted.get(name)
        if noted is None:
            if len(self._noted) >= MAX_BOOK:
                return lambda _: None
            noted = self._noted[name] = Noted(partial(self._count, name))
        return noted.note

    def take(self) -> dict[str, Counts]:
        """Return what was counted since the last time, and begin anew."""
        for noted in self._noted.values():
            noted.hand_on()
        taken, self._counts = self._counts, {}
        return taken

    def _count(self, name: str, latencies: Sequence[float]) -> None:
        if not latencies:
            return
        counts = self._counts.setdefault(name, {})
        for bucket in map(bucket_of, latencies):
            counts[bucket] = counts.get(bucket, 0) + 1
