"""The figures of all processes over the last minutes, added up to points of five seconds. Pure."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from config.announcements import Role
from config.figures import Figures, Numbers, Slow
from config.keys import FIGURES_AGE_MS
from config.latencies import Counts, add

POINT_MS = 5_000
MINUTE_MS = 60_000
_DUST = 1e-9  # what is left of an amount that was taken away again
LIVE_MS = 5_000  # after which a process that tells nothing is taken for gone


@dataclass(slots=True)
class Sums:
    """What came about in a stretch of time, in all processes together."""

    counts: Numbers = field(default_factory=dict)
    latencies: dict[str, Counts] = field(default_factory=dict)

    def add(self, counts: Numbers, latencies: Mapping[str, Counts], times: int = 1) -> None:
        """Add what came about; with ``times`` -1, take it away again."""
        for family, numbers in counts.items():
            sums = self.counts.setdefault(family, {})
            for label, number in numbers.items():
                left = sums.get(label, 0.0) + times * number
                if abs(left) > _DUST:
                    sums[label] = left
                else:
                    sums.pop(label, None)
        for name, more in latencies.items():
            add(self.latencies.setdefault(name, {}), more, times)

    def of(self, family: str) -> dict[str, float]:
        """Return the counts of a family by label."""
        return self.counts.get(family, {})

    def total(self, family: str, *, ends: tuple[str, ...] = ("",)) -> float:
        """Return the sum of a family, or of its labels that end so."""
        return sum(n for label, n in self.of(family).items() if label.endswith(ends))


@dataclass(slots=True)
class Point:
    """Five seconds from ``at`` (ms by Redis' clock) on; ``lag_seconds`` is the worst seen."""

    at: int
    sums: Sums = field(default_factory=Sums)
    lag_seconds: float = 0.0


@dataclass(slots=True)
class _Last:
    at: int
    point: Point
    figures: Figures


class FigureHistory:
    """The points of ``FIGURES_AGE_MS``, oldest first, and what each live process told last."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque()
        self._last: dict[str, _Last] = {}
        self.whole = Sums()  # of all complete and open points, counts alone
        self.now = 0
        self._read_to = 0  # entries before are all taken in

    def take(self, at: int, figures: Figures) -> None:
        """Add an entry by its time (ms), in their order.

        A second of the same ``n`` replaces the first.
        """
        self.close_to(at)
        point = self._point(at - at % POINT_MS)
        last = self._last.get(figures.process)
        if last is not None and last.figures.n == figures.n:
            last.point.sums.add(last.figures.counts, last.figures.latencies, -1)
            if last.point.at >= self._points[0].at:
                self.whole.add(last.figures.counts, {}, -1)
        point.sums.add(figures.counts, figures.latencies)
        self.whole.add(figures.counts, {})
        lags = figures.levels.get("lag", {}).values()
        point.lag_seconds = max(point.lag_seconds, *lags, 0.0)
        self._last[figures.process] = _Last(at, point, figures)

    def close_to(self, at: int) -> None:
        """Take no more entries of before ``at`` (ms): points that end by then are complete."""
        self._read_to = max(self._read_to, at)
        self.now = max(self.now, at)

    def pass_to(self, now: int) -> None:
        """Let time pass, also where nobody tells anything."""
        self.now = max(self.now, now)
        self._point(self.now - self.now % POINT_MS)
        for process, last in list(self._last.items()):
            if last.at < self.now - MINUTE_MS:
                del self._last[process]

    def complete(self, since: int = 0) -> list[Point]:
        """Return the points that are over, those from ``since`` (ms) on, oldest first."""
        return [point for point in self._points if since <= point.at < self._open_at()]

    def per_second(self, count: Callable[[Sums], float]) -> float:
        """Return a rate of the last five to ten seconds."""
        open_at = self._open_at()
        points = [point for point in self._points if point.at >= open_at - POINT_MS]
        seconds = (self._read_to - open_at + POINT_MS) / 1000
        return sum(count(point.sums) for point in points) / seconds

    def minute_began(self) -> int:
        """Return when the last whole minute of complete points began (ms)."""
        return self._open_at() - MINUTE_MS

    def minute(self) -> Sums:
        """Return the sums of the last whole minute."""
        sums = Sums()
        for point in self.complete(self.minute_began()):
            sums.add(point.sums.counts, point.sums.latencies)
        return sums

    def live(self, role: Role | None = None) -> list[Figures]:
        """Return what the processes that live, of a role, told last."""
        return [
            last.figures
            for last in self._last.values()
            if last.at >= self.now - LIVE_MS and role in (None, last.figures.role)
        ]

    def slowest(self, most: int) -> list[Slow]:
        """Return the slowest decisions of the live servers."""
        found = (slow for figures in self.live("server") for slow in figures.slow)
        return sorted(found, key=lambda slow: -slow.total_ms)[:most]

    def _open_at(self) -> int:
        return self._read_to - self._read_to % POINT_MS

    def _point(self, at: int) -> Point:
        """Return the point that begins then; those between, and too old ones, come and go."""
        points = self._points
        if not points:
            points.append(Point(at))
        while points[-1].at < at:
            points.append(Point(max(points[-1].at + POINT_MS, at - FIGURES_AGE_MS)))
        while points[0].at <= at - FIGURES_AGE_MS:
            self.whole.add(points.popleft().sums.counts, {}, -1)
        return self._find(at)

    def _find(self, at: int) -> Point:
        place = (at - self._points[0].at) // POINT_MS
        return self._points[max(place, 0)]


def levels(figures: Iterable[Figures], family: str) -> Iterator[dict[str, float]]:
    """Yield a family of numbers as of now, of each process that tells it."""
    for one in figures:
        if family in one.levels:
            yield one.levels[family]
