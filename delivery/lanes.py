"""What waits for one receiver: a lane for each user, in which the next goes when one is done. Pure.

So the first of a user's messages is taken, or given up, before the second is sent; users do not
wait for each other.
"""

import heapq
from collections import deque
from dataclasses import dataclass

from config.log_ids import LogId, log_id


@dataclass(slots=True)
class Waiting:
    """A message: its entry in the receiver's queue, whom it is about, and how it went so far.

    ``due_at`` is when (ms) it may be sent next, ``first_at`` when it was first tried, ``last`` what
    the last try came to.
    """

    entry_id: str
    digest: str
    due_at: int = 0
    n_tries: int = 0
    first_at: int = 0
    last: str = ""


class Lanes:
    """The messages of one receiver; what ``next_due`` gave is on its way."""

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Waiting]] = {}
        self._due: list[tuple[int, LogId, str]] = []
        self.n_waiting = 0

    def add(self, waiting: Waiting) -> None:
        """Let a message wait behind those of its user."""
        lane = self._lanes.setdefault(waiting.digest, deque())
        lane.append(waiting)
        self.n_waiting += 1
        if len(lane) == 1:
            self._push(waiting)

    def next_due(self, now: int) -> Waiting | None:
        """Return a message that may be sent now; the one due longest comes first."""
        if not self._due or self._due[0][0] > now:
            return None
        _, _, digest = heapq.heappop(self._due)
        return self._lanes[digest][0]

    def next_due_at(self) -> int | None:
        """Return when (ms) the next message may be sent, None where there is none."""
        return self._due[0][0] if self._due else None

    def done(self, waiting: Waiting) -> None:
        """Take a message out that was taken or given up; the next of its user may go."""
        lane = self._lanes[waiting.digest]
        lane.popleft()
        self.n_waiting -= 1
        if lane:
            self._push(lane[0])
        else:
            del self._lanes[waiting.digest]

    def again(self, waiting: Waiting) -> None:
        """Let a message that was not taken be sent again when it is due."""
        self._push(waiting)

    def _push(self, waiting: Waiting) -> None:
        heapq.heappush(self._due, (waiting.due_at, log_id(waiting.entry_id), waiting.digest))
