"""When each user of a shard is due next; the memory of the shard's ``timers`` key."""

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush


class Timers:
    """Due times by user, popped in order of time and then of name.

    ``changed`` collects what the next commit has to write: a due time, or None for no timer.
    """

    def __init__(self, due: Iterable[tuple[str, int]] = ()) -> None:
        self._due = dict(due)
        self._heap = [(at, name) for name, at in self._due.items()]
        heapify(self._heap)
        self.changed: dict[str, int | None] = {}

    def set(self, name: str, due_at: int | None) -> None:
        """Set a user's next due time (ms), or none."""
        known = self._due.get(name)
        if known == due_at:
            return
        self.changed[name] = due_at
        if due_at is None:
            del self._due[name]
            return
        self._due[name] = due_at
        if known is None or due_at < known:
            heappush(self._heap, (due_at, name))

    def take_due(self, clock: int) -> Iterator[tuple[int, str]]:
        """Take out timers due by the clock, in order; each may set timers anew meanwhile."""
        heap, due = self._heap, self._due
        while heap and heap[0][0] <= clock:
            at, name = heappop(heap)
            due_at = due.get(name)
            if due_at == at:
                del due[name]
                self.changed[name] = None
                yield at, name
            elif due_at is not None and due_at > at:  # put off: it goes where it belongs
                heappush(heap, (due_at, name))

    def due_by(self, clock: int) -> list[str]:
        """Return whose timers are due by the clock; they stay."""
        found: dict[str, None] = {}
        # Below an item of the heap that is due later, all are.
        places = [0]
        while places:
            place = places.pop()
            if place >= len(self._heap) or self._heap[place][0] > clock:
                continue
            name = self._heap[place][1]
            if self._due.get(name, clock + 1) <= clock:
                found[name] = None
            places += (2 * place + 1, 2 * place + 2)
        return list(found)

    def earliest(self) -> int | None:
        """Return the earliest due time (ms)."""
        first = self._first()
        return None if first is None else first[0]

    def __len__(self) -> int:
        return len(self._due)

    def _first(self) -> tuple[int, str] | None:
        """Return the true first; a heap item whose user was put off moves to where it belongs."""
        while self._heap:
            at, name = self._heap[0]
            due_at = self._due.get(name)
            if due_at == at:
                return at, name
            heappop(self._heap)
            if due_at is not None and due_at > at:
                heappush(self._heap, (due_at, name))
        return None
